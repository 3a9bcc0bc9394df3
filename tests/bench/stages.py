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


def allocations(n: int) -> dict[str, float]:
    with mock("stages") as address:
        lines = lines_of([program("bench_stages"), address, "stages", n])
    return own({line["bench"].removeprefix("stage "): line["allocations_per_record"] for line in lines})


def instructions(n: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as directory, mock("stages") as address:
        out = Path(directory) / "callgrind.out"
        lines = lines_of(["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}", program("bench_stages"), address, "stages", n])
        text = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", "--auto=no", out], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, check=True).stdout
    counted = {line["bench"].removeprefix("stage "): line["counted"] for line in lines}
    return own({stage: instructions_of(stage, text) / counted[stage] for stage in STAGES})


def instructions_of(stage: str, text: str) -> int:
    found = [int(n.replace(",", "")) for n in re.findall(rf"^ *([\d,]+) .*:stage_{stage}(?: |$)", text, re.M)]
    return max(found, default=0)


def own(figures: dict[str, Any]) -> dict[str, float]:
    """What the pipeline does itself, without the stages in it."""
    inner = sum(figures[stage] for stage in ("route", "encode", "send", "acknowledge", "commit"))
    return figures | {"pipeline": max(figures["pipeline"] - inner, 0)}


def stages(sizes: list[int]) -> Iterator[Line]:
    """A line per stage; the limit is the same after the fewest records: flat is 1."""
    counted = {n: allocations(n) for n in sizes}
    if not shutil.which("valgrind"):
        yield skipped(7, "instructions per record", "no valgrind")
        costs = {}
    else:
        costs = {n: instructions(n) for n in sizes}
    first, last = sizes[0], sizes[-1]
    for stage in STAGES:
        details = {"allocations": {n: counted[n][stage] for n in sizes}, "instructions": {n: costs[n][stage] for n in costs}}
        if costs:
            yield Line(7, f"{stage}, after {last:,} records", costs[last][stage], "instructions", costs[first][stage] or None, f"after {first:,}", 1.1,
                       low=True, settings=SETTINGS, details=details)
        yield Line(7, f"{stage}: allocations", counted[last][stage], "per record", details=details)
