"""Parts 3 and 4 against the real Kopano server that TIDINGS_KOPANO names (tests/real/bench.py)."""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Iterator

from figures import Line, skipped
from programs import TESTS, program

NAME = "real Kopano server"
SETTINGS = "real server: tests/real/README.md says how; one folder, broker and server on the same machine"
PYTHON = "/usr/bin/python3"


def why_not() -> str:
    if not os.environ.get("TIDINGS_KOPANO"):
        return "TIDINGS_KOPANO names none"
    if subprocess.run([PYTHON, "-c", "import kopano"], stderr=subprocess.DEVNULL).returncode:
        return "python-kopano is not installed"
    return ""


def figures(kafka: str, items: list[int], changes: int, rounds: int) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "figures.json"
        sizes = [word for n in items for word in ("--items", str(n))]
        subprocess.run([PYTHON, str(TESTS / "real" / "bench.py"), "--kafka", kafka, "--bench-real", program("bench_real"), *sizes,
                        "--changes", str(changes), "--rounds", str(rounds), "--json", str(out)], stdout=subprocess.DEVNULL, check=True)
        return json.loads(out.read_text())


def lines(kafka: str, items: list[int], changes: int, rounds: int) -> Iterator[Line]:
    if why_not():
        yield skipped(3, NAME, why_not())
        return
    rate = 0.0
    for figure in figures(kafka, items, changes, rounds):
        if figure["what"] in ("snapshot", "changes"):
            rate = figure["items_per_s"]
        if "ratio" in figure:
            name, _, limit = figure["what"].partition(" / ")
            yield Line(3 if "snapshot" in name else 4, f"{name}, {NAME}", rate, "items/s", rate / figure["ratio"], limit, figure["aim"], settings=SETTINGS)
