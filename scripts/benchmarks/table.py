"""The table: one row a figure, with its ratios."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("openvino", "tensorflow", "faiss-cpu", "scikit-learn")


@dataclass(frozen=True, slots=True)
class Row:
    """A figure.

    Attributes:
        part: The part of the table that it belongs to.
        name: What was measured.
        value: The figure.
        unit: Its unit.
        ratio: How many times faster than the tutorial's way, if that was measured.
        share: Share of what the limit named below the table allows, if there is one.
    """

    part: str
    name: str
    value: float
    unit: str
    ratio: float | None = None
    share: float | None = None


def markdown(rows: Iterable[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| Measured | Figure | Times the tutorial | Of its limit |",
        "| --- | --: | --: | --: |",
    ]
    part = ""
    for row in rows:
        if row.part != part:
            part = row.part
            lines.append(f"| **{part}** | | | |")
        ratio = "" if row.ratio is None else f"{number(row.ratio)}"
        share = "" if row.share is None else f"{row.share:.0%}"
        lines.append(f"| {row.name} | {number(row.value)} {row.unit} | {ratio} | {share} |")
    return "\n".join(lines)


def number(value: float) -> str:
    """Format to three digits, or whole from 100 on."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def machine() -> str:
    """Name the processor and the libraries."""
    names = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}, {names}"


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
