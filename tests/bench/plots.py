#!/usr/bin/python3
"""Draws what a run of the benchmark has found: throughput, memory and latency, as SVG.

    tests/bench/plots.py FILE.json DIRECTORY
"""
import json
import math
import sys
from html import escape
from pathlib import Path
from typing import Any, Iterable

WIDTH, LEFT, RIGHT, BAR, GAP = 860, 330, 110, 14, 12
ENGINE, BARE, AIM, TEXT, GRID = "#2a6f97", "#b8c4cc", "#c1121f", "#222222", "#e3e3e3"
STYLE = "font-family:sans-serif;font-size:12px"

Line = dict[str, Any]


def text(x: float, y: float, what: str, anchor: str = "start", colour: str = TEXT) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(what)}</text>'


def box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{height:.1f}" fill="{colour}"/>'


def rule(x: float, y: float, height: float, colour: str, dashes: str = "") -> str:
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{x:.1f}" y2="{y + height:.1f}" stroke="{colour}" stroke-dasharray="{dashes}"/>'


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def picture(title: str, about: str, height: float, parts: Iterable[str]) -> str:
    head = [text(10, 22, title), text(10, 40, about, colour="#777777")]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.0f}" style="{STYLE}">\n'
            f'{box(0, 0, WIDTH, height, "#ffffff")}\n' + "\n".join([*head, *parts]) + "\n</svg>\n")


def scale(values: list[float], logarithmic: bool) -> Any:
    """From a value to a length, and the values at which to draw a rule."""
    room, top = WIDTH - LEFT - RIGHT, max(values)
    if not logarithmic:
        step = 10 ** math.floor(math.log10(top))
        step = step / 2 if top / step < 2 else step
        return (lambda v: room * v / top), [step * i for i in range(1, int(top / step) + 1)]
    low = math.floor(math.log10(min(values)))
    decades = max(math.ceil(math.log10(top)) - low, 1)
    return (lambda v: room * (math.log10(v) - low) / decades), [10.0 ** (low + i) for i in range(1, decades + 1)]


def bars(title: str, about: str, groups: list[tuple[str, list[tuple[float, str, str]]]], aim: float = 0, logarithmic: bool = False) -> str:
    """Each group is a label and bars of (value, colour, note)."""
    values = [value for _, group in groups for value, _, _ in group] + ([aim] if aim else [])
    length, ticks = scale(values, logarithmic)
    height = 80 + sum(len(group) * BAR + GAP for _, group in groups)
    parts = [rule(LEFT + length(t), 52, height - 74, GRID) for t in ticks] + [text(LEFT + length(t), height - 8, number(t), "middle") for t in ticks]
    y = 56.0
    for label, group in groups:
        parts.append(text(LEFT - 8, y + len(group) * BAR / 2 + 4, label, "end"))
        for value, colour, note in group:
            parts += [box(LEFT, y, length(value), BAR - 2, colour), text(LEFT + length(value) + 5, y + BAR - 4, note)]
            y += BAR
        y += GAP
    if aim:
        parts.append(rule(LEFT + length(aim), 52, height - 74, AIM, "4 3"))
    return picture(title, about, height, parts)


def throughput(lines: list[Line], where: str) -> str:
    chosen = [l for l in lines if l["part"] <= 4 and l["value"]]
    groups = []
    for line in chosen:
        ratio = f"  {line['ratio']:.2f}" if line["ratio"] else ""
        group = [(line["value"], ENGINE, number(line["value"]) + ratio)]
        limit = line["limit"] or line["details"].get("bare_per_s")
        if limit:
            group.append((limit, BARE, f"{number(limit)}"))
        groups.append((line["name"], group))
    return bars("Throughput per second", f"{where}; blue: Tidings, with its ratio; grey: the bare thing in the same run; logarithmic", groups, logarithmic=True)


def memory(lines: list[Line], where: str) -> str:
    groups = [(l["name"], [(l["value"], ENGINE, number(l["value"]))]) for l in lines if l["unit"] == "MiB" and l["value"]]
    return bars("Peak memory of the daemon, MiB", f"{where}; VmHWM; red: the aim", groups, aim=64)


def latency(lines: list[Line], where: str) -> str:
    groups = []
    for line in lines:
        for who, colour in (("engine", ENGINE), ("daemon", ENGINE), ("bare", BARE)):
            if line["part"] == 5 and line["details"].get("percentile") == "p50" and who in line["details"]:
                found = line["details"][who]
                label = f"{who}: {line['details']['way']}, {line['details']['per_second']:,}/s"
                groups.append((label, [(found[p], colour, f"{p[:3]} {number(found[p])}") for p in ("p50_ms", "p95_ms", "p99_ms")]))
    return bars("Latency of a change, ms", f"{where}; p50, p95, p99; grey: a bare producer; logarithmic", groups, logarithmic=True)


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    found = json.loads(Path(sys.argv[1]).read_text())
    lines, where = found["lines"], f"{found['machine']['processors']} processors, load before {found['machine']['load_before']:.1f}"
    directory = Path(sys.argv[2])
    directory.mkdir(parents=True, exist_ok=True)
    has = {"throughput": lambda l: l["part"] <= 4, "memory": lambda l: l["unit"] == "MiB", "latency": lambda l: l["part"] == 5}
    for draw in (throughput, memory, latency):
        if any(has[draw.__name__](line) and line["value"] for line in lines):
            (directory / f"{draw.__name__}.svg").write_text(draw(lines, where))
            print(directory / f"{draw.__name__}.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
