"""Parts 3 and 4 against the real Kopano server that TIDINGS_KOPANO names (tests/real/bench.py, server_bench.py)."""

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
SERVER_SETTINGS = ("a whole real server: tests/real/server_bench.py; new and modified items in two folders of each user, read by the daemon from the "
                   "same state in each round, and once by server.sync with entry id and subject")
PYTHON = "/usr/bin/python3"
NO_ADMINISTRATOR = 3  # the exit code


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


def users() -> list[str]:
    """Whose stores are written to."""
    named = (os.environ.get(f"TIDINGS_KOPANO_{which}USER") for which in ("", "OTHER_"))
    return [user for user in named if user and user != "SYSTEM"]


def server_lines(kafka: str, changes: int, rounds: int) -> Iterator[Line]:
    name = f"changes of a whole server, {NAME}"
    if why_not():
        yield skipped(4, name, why_not())
        return
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "figures.json"
        stores = [word for user in users() for word in ("--store", user)]
        done = subprocess.run([PYTHON, str(TESTS / "real" / "server_bench.py"), "--kafka", kafka, *stores, "--changes", str(changes),
                               "--rounds", str(rounds), "--json", str(out)], stdout=subprocess.DEVNULL)
        if done.returncode == NO_ADMINISTRATOR:
            yield skipped(4, name, "the user is no system administrator")
            return
        found = json.loads(out.read_text())
    yield Line(4, f"{found['changes']:,} {name}", found["rate"], "changes/s", found["reference"], "server.sync", 20, settings=SERVER_SETTINGS, details=found)
