#!/usr/bin/python3
"""The man pages describe every command, option and configuration key that the program knows, and none else."""

import os
import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = (ROOT / os.environ.get("BUILD", "build")).resolve()
PAGES = [ROOT / "deploy/man/tidings.1", ROOT / "deploy/man/tidings.yaml.5"]
PROGRAM, CONFIGURATION = (page.read_text() for page in PAGES)


def source(pattern: str) -> str:
    return "\n".join(path.read_text() for path in sorted((ROOT / "bridge").glob(pattern)))


def lists_of_keys(text: str) -> set[str]:
    """What conf_keys accepts, wherever it is called."""
    lists = re.findall(r"static const char \*const \w*keys\[\] = \{(.*?)\}", text, re.S)
    return {key for keys in lists for key in re.findall(r'"(\w+)"', keys)}


def keys_of_the_program() -> set[str]:
    text = source("**/*.c")
    drivers = set(re.findall(r'^const struct (?:source|sink)_driver .*?\.name = "(\w+)"', text, re.S | re.M))
    router = (ROOT / "core/router.c").read_text()
    topics = re.search(r"topic_name\(.*?\{(.*?)\n\}", router, re.S)[1]
    return lists_of_keys(text) | drivers | set(re.findall(r'"(\w+)"', topics))


def documented_keys() -> list[str]:
    return re.findall(r"^\.It Cm ([\w.]+)$", CONFIGURATION, re.M)


class Man(unittest.TestCase):
    maxDiff = None

    def test_the_pages_are_well_formed(self) -> None:
        for page in PAGES:
            done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], stdout=subprocess.PIPE, text=True)
            self.assertEqual((done.stdout, done.returncode), ("", 0))

    def test_commands(self) -> None:
        listed = subprocess.run([BUILD / "tidings", "help"], stdout=subprocess.PIPE, text=True, check=True).stdout
        commands = set(re.findall(r"^  tidings (\w+)", listed, re.M))
        self.assertEqual(set(re.findall(r"^\.It Cm (\w+)$", PROGRAM, re.M)), commands)
        self.assertEqual(set(re.findall(r"^\.Nm\n\.Cm (\w+)$", PROGRAM, re.M)), commands)

    def test_options(self) -> None:
        known = re.findall(r'\{"([\w-]+)", \w+_argument, NULL, (?:\'(\w)\'|OPTION_\w+)\}', source("cli/*.c"))
        self.assertIn(("config", "c"), known)
        described = re.findall(r"^\.It Fl (\w) , Fl -([\w-]+)", PROGRAM, re.M)
        self.assertEqual(set(described), {(short, long) for long, short in known if short})
        described = re.findall(r" Fl -([\w-]+)", "\n".join(re.findall(r"^\.It .*", PROGRAM, re.M)))
        self.assertEqual(set(described), {long for long, _ in known})

    def test_keys(self) -> None:
        paths = documented_keys()
        self.assertEqual(len(paths), len(set(paths)))
        self.assertEqual({part for path in paths for part in path.split(".")}, keys_of_the_program())


if __name__ == "__main__":
    unittest.main(verbosity=2)
