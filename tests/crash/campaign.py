#!/usr/bin/python3
"""Ends the daemon at each of its steps, and shows that nothing is lost.

    campaign.py [--every K] [--seed S] [--from N] [--to N] [--twice] [--sink file|kafka|zeromq] [--seconds S] [--stop] [--keep]

Every effect of the daemon (a request, a batch queued, a record sent, an acknowledgement taken, a commit begun and done, a
write of the file sink) has a number. Without a death a scenario (scenario.py) has some hundreds of them. Then, for each
number, the scenario is run anew with a server, a state and topics of its own: the daemon ends there as by kill -9, before
the effect, the server goes on with the next act, and the daemon is started again (--twice: to die there once more). When
it has caught up it is stopped. The mirror must then equal the server's listing, and the records must keep their promises.
In each process one record is given up by the sink, so that every run has a rewind.

Exit 0: all mirrors are equal. The daemon must have been built with -DTIDINGS_STEPS (make crash).
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import run as runs

CLEAR_LINE = "\r\033[K"


@dataclass(frozen=True)
class Plan:
    """Which deaths are tried."""

    first: int
    last: int
    every: int
    seed: int
    twice: bool

    def deaths(self, n_steps: int) -> Iterator[runs.Death]:
        last = min(self.last, n_steps)
        for n in range(self.first + self.seed % self.every, last + 1, self.every):
            yield runs.Death(n, 1)
            if self.twice:
                yield runs.Death(n, 2)

    def shuffled(self, n_steps: int) -> list[runs.Death]:
        """So that those that are left out for want of time are any."""
        deaths = list(self.deaths(n_steps))
        random.Random(self.seed).shuffle(deaths)
        return deaths


class Table:
    """What was tried, by the effect at which the daemon died."""

    def __init__(self) -> None:
        self.tried: Counter[str] = Counter()
        self.deaths: Counter[str] = Counter()
        self.equal: Counter[str] = Counter()
        self.problems: list[str] = []

    def add(self, result: runs.Result) -> None:
        effect = result.effect or "(it was over before)"
        self.tried[effect] += 1
        self.deaths[effect] += result.n_deaths
        self.equal[effect] += not result.problems
        if result.problems:
            self.problems.append(f"{result.death}, {effect}: " + "\n    ".join(result.problems))

    def text(self) -> str:
        lines = [f"{'effect':24} {'steps tried':>12} {'died':>8} {'mirrors equal':>14}"]
        for effect, n in self.tried.most_common():
            lines.append(f"{effect:24} {n:12} {self.deaths[effect]:8} {self.equal[effect]:14}")
        totals = [sum(column.values()) for column in (self.tried, self.deaths, self.equal)]
        lines.append("{:24} {:12} {:8} {:14}".format("all", *totals))
        return "\n".join(lines)


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Ends the daemon at each of its steps, and shows that nothing is lost.")
    parser.add_argument("--every", type=int, default=1, metavar="K", help="only every K-th step")
    parser.add_argument("--seed", type=int, default=int(time.time()), metavar="S", help="begin at another one of the first K")
    parser.add_argument("--from", type=int, default=1, metavar="N", dest="first")
    parser.add_argument("--to", type=int, default=10**6, metavar="N", dest="last")
    parser.add_argument("--twice", action="store_true", help="also with a second death at the same step of the second run")
    parser.add_argument("--sink", choices=("file", "kafka", "zeromq"), default="file")
    parser.add_argument("--seconds", type=float, default=3600, metavar="S", help="start no further run after so long")
    parser.add_argument("--stop", action="store_true", help="end with the first run that fails")
    parser.add_argument("--keep", action="store_true", help="keep the directories of runs that failed")
    return parser.parse_args(words)


def show(text: str) -> None:
    if sys.stdout.isatty():
        print(CLEAR_LINE + text, end="", flush=True)


def try_one(options: argparse.Namespace, death: runs.Death) -> runs.Result:
    directory = Path(tempfile.mkdtemp(prefix="tidings-crash-", dir=runs.fast_directory()))
    result = runs.Run(directory, death, options.sink).result()
    if result.problems and options.keep:
        result.problems.append(f"kept: {directory}")
    else:
        shutil.rmtree(directory, ignore_errors=True)
    return result


def try_all(options: argparse.Namespace, n_steps: int) -> Table:
    table, deadline = Table(), time.monotonic() + options.seconds
    plan = Plan(options.first, options.last, options.every, options.seed, options.twice)
    deaths = plan.shuffled(n_steps)
    for i, death in enumerate(deaths):
        if time.monotonic() > deadline:
            print(f"{len(deaths) - i} of {len(deaths)} runs left out: {options.seconds:g} s are over")
            break
        show(f"{i + 1}/{len(deaths)}  {death}  {len(table.problems)} failed")
        table.add(try_one(options, death))
        if table.problems and options.stop:
            break
    show("")
    return table


def main(words: list[str]) -> int:
    options = parse(words)
    if not runs.PROGRAM.exists():
        print(f"{runs.PROGRAM} is missing: make crash builds it")
        return 1
    whole = try_one(options, runs.Death(0, 0))
    if whole.problems:
        print("without any death:", *whole.problems, sep="\n    ")
        return 1
    began = time.monotonic()
    table = try_all(options, whole.n_steps)
    print(f"{whole.n_steps} steps without a death; seed {options.seed}; {time.monotonic() - began:.0f} s\n{table.text()}")
    for problem in table.problems:
        print(f"LOST: {problem}")
    return 1 if table.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
