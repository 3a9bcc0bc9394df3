"""Part 7: instructions (callgrind) and allocations per record, stage by stage, after more and more records."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Iterator

from figures import Line, skipped
from programs import BUILD, lines_of, mock, program

STAGES = ("parse", "route", "encode", "send", "acknowledge", "commit", "pipeline")
SETTINGS = ("stages: bench_stages into librdkafka's mock broker under callgrind, the loop's thread; the last 2,560 records; parse: a row of a contents "
            "table with 25 columns; pipeline: what is left of it without the others")


def run(n: int, *before: Any) -> dict[str, dict[str, Any]]:
    """The line of each stage."""
    with mock("stages") as address:
        lines = lines_of([*before, program("bench_stages"), address, "stages", n])
    return {line["bench"].removeprefix("stage "): line for line in lines}


def allocations(lines: dict[str, dict[str, Any]]) -> dict[str, float]:
    return own({stage: line["allocations_per_record"] for stage, line in lines.items()})


def count(n: int) -> tuple[dict[str, float], dict[str, float]]:
    """Allocations and, where callgrind is there, instructions."""
    if not shutil.which("valgrind"):
        return allocations(run(n)), {}
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "callgrind.out"
        lines = run(n, "valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}")
        text = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", "--auto=no", out], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, check=True).stdout
    return allocations(lines), own({stage: instructions_of(stage, text) / lines[stage]["counted"] for stage in STAGES})


def instructions_of(stage: str, text: str) -> int:
    found = [int(n.replace(",", "")) for n in re.findall(rf"^ *([\d,]+) .*:stage_{stage}(?: |$)", text, re.M)]
    return max(found, default=0)


def own(figures: dict[str, Any]) -> dict[str, float]:
    """What the pipeline does itself, without the stages in it."""
    inner = sum(figures[stage] for stage in ("route", "encode", "send", "acknowledge", "commit"))
    return figures | {"pipeline": max(figures["pipeline"] - inner, 0)}


def stages(sizes: list[int]) -> Iterator[Line]:
    """A line per stage; the limit is the same after the fewest records: flat is 1."""
    both = {n: count(n) for n in sizes}
    counted = {n: found[0] for n, found in both.items()}
    costs = {n: found[1] for n, found in both.items() if found[1]}
    if not costs:
        yield skipped(7, "instructions per record", "no valgrind")
    first, last = sizes[0], sizes[-1]
    for stage in STAGES:
        details = {"allocations": {n: counted[n][stage] for n in sizes}, "instructions": {n: costs[n][stage] for n in costs}}
        if costs:
            yield Line(7, f"{stage}, after {last:,} records", costs[last][stage], "instructions", costs[first][stage] or None, f"after {first:,}", 1.1,
                       low=True, settings=SETTINGS, details=details)
        yield Line(7, f"{stage}: allocations", counted[last][stage], "per record", details=details)
