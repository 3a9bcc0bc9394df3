"""What a benchmark says: a line with its figure, the limit beside it, and what both were measured with."""

import json
import os
import platform
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Optional


@dataclass
class Line:
    """`limit` is what the bare thing does in the same run; the ratio is between the two. `aim` is of the ratio, or of the
    value where there is no limit; `low` says that less is better."""

    part: int  # of the seven
    name: str
    value: Optional[float]
    unit: str
    limit: Optional[float] = None
    limit_name: str = ""
    aim: Optional[float] = None
    low: bool = False
    settings: str = ""
    skipped: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> Optional[float]:
        return self.value / self.limit if self.value is not None and self.limit else None

    @property
    def met(self) -> Optional[bool]:
        judged = self.ratio if self.limit else self.value
        if self.aim is None or judged is None:
            return None
        return judged <= self.aim if self.low else judged >= self.aim

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"ratio": self.ratio, "met": self.met}


def skipped(part: int, name: str, why: str) -> Line:
    return Line(part, name, None, "", skipped=why)


def number(value: Optional[float]) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def aim_text(line: Line) -> str:
    if line.aim is None:
        return ""
    word = {True: "", False: "  MISSED", None: ""}[line.met]
    return f"{'<=' if line.low else '>='} {number(line.aim)}{word}"


def row(line: Line) -> str:
    if line.skipped:
        return f"{line.part}  {line.name:44} skipped: {line.skipped}"
    figure = f"{number(line.value):>11} {line.unit:14}"
    limit = f"/ {line.limit_name} {number(line.limit)}" if line.limit else ""
    ratio = f"{line.ratio:6.2f}" if line.ratio is not None else " " * 6
    return f"{line.part}  {line.name:44} {figure} {ratio}  {aim_text(line):16} {limit}".rstrip()


HEAD = f"   {'':44} {'figure':>11} {'':14} {'ratio':>6}  {'aim':16} / the bare thing"


def machine() -> dict[str, Any]:
    model = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {"processors": os.cpu_count(), "model": model[0] if model else platform.machine(), "kernel": platform.release(),
            "load_before": os.getloadavg()[0]}


class Report:
    """Lines as they come, on the terminal and in the file."""

    def __init__(self, size: str, path: Optional[Path]) -> None:
        self.size, self.path = size, path
        self.lines: list[Line] = []
        self.seconds: dict[int, float] = {}  # by part
        self.about = {"size": size, "began": int(time.time()), "machine": machine()}
        print(f"{self.about['machine']['processors']} processors, load {self.about['machine']['load_before']:.1f}\n{HEAD}", flush=True)

    def add(self, line: Line) -> None:
        self.lines.append(line)
        print(row(line), flush=True)
        self.write()

    def took(self, part: int, seconds: float) -> None:
        self.seconds[part] = round(seconds, 1)
        self.write()

    def write(self) -> None:
        if self.path:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(json.dumps(self.about | {"seconds": self.seconds, "lines": [line.as_json() for line in self.lines]}, indent=1) + "\n")

    def settings(self) -> str:
        """Each once, below the table."""
        return "\n".join(dict.fromkeys(f"{line.part}  {line.settings}" for line in self.lines if line.settings))

    def times(self) -> str:
        return f"{sum(self.seconds.values()):.0f} s: " + ", ".join(f"part {part} {seconds:.0f}" for part, seconds in self.seconds.items())
