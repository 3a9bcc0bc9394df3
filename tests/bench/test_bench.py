#!/usr/bin/python3
"""The benchmark in its smallest form, so that it cannot rot. What it finds is not judged."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PARTS = range(1, 8)


class Smallest(unittest.TestCase):
    lines: list[dict[str, Any]]
    seconds: dict[str, float]

    @classmethod
    def setUpClass(cls) -> None:
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.directory = Path(directory.name)
        cls.json = cls.directory / "bench.json"
        cls.done = subprocess.run([sys.executable, HERE / "bench", "--size", "smallest", "--json", cls.json], capture_output=True, text=True,
                                  env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1"))
        found = json.loads(cls.json.read_text())
        cls.lines, cls.seconds = found["lines"], found["seconds"]

    def test_everything_is_measured_or_named(self) -> None:
        self.assertEqual(self.done.returncode, 0, self.done.stderr)
        for part in PARTS:
            self.assertTrue([line for line in self.lines if line["part"] == part], f"part {part}")
        for line in self.lines:
            self.assertTrue(line["skipped"] or line["value"] is not None, line)
            self.assertIn(line["name"], self.done.stdout)

    def test_each_part_says_how_long_it_took(self) -> None:
        self.assertEqual(sorted(self.seconds), sorted(str(part) for part in PARTS))

    def test_latency_has_its_percentiles(self) -> None:
        latencies = [line["name"].rpartition(", ") for line in self.lines if line["part"] == 5 and not line["skipped"]]
        for name in {name for name, _, _ in latencies}:
            self.assertEqual([which for of, _, which in latencies if of == name], ["p50", "p95", "p99"], name)

    def test_a_ratio_has_its_limit_and_says_what_it_was_measured_with(self) -> None:
        compared = [line for line in self.lines if line["ratio"] is not None]
        self.assertTrue(compared)
        for line in compared:
            self.assertGreater(line["limit"], 0, line)
            self.assertTrue(line["limit_name"] and line["settings"], line)
            self.assertAlmostEqual(line["ratio"], line["value"] / line["limit"])

    def test_the_plots(self) -> None:
        done = subprocess.run([sys.executable, HERE / "plots.py", self.json, self.directory], stdout=subprocess.PIPE, text=True, check=True)
        self.assertTrue(done.stdout.splitlines())
        for path in done.stdout.splitlines():
            self.assertEqual(xml.etree.ElementTree.parse(path).getroot().tag, "{http://www.w3.org/2000/svg}svg")


if __name__ == "__main__":
    unittest.main(verbosity=2)
