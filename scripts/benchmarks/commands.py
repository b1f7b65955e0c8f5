"""Commands as whole processes: how long they take, and how much memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

LAUNCHER = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(child.pid, 0)
print(used.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Prints a command's peak memory. A small process must start it: a child begins with the peak of
the process that it is a copy of."""

RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def python(*arguments: object) -> list[str]:
    return [sys.executable, *map(str, arguments)]


def imgsearch(*arguments: object) -> list[str]:
    return python("-m", "imgsearch", *arguments)


def environment(workspace: Path) -> dict[str, str]:
    """Return variables that keep the user's galleries and caches out of this."""
    kept = {name: value for name, value in os.environ.items() if name != "IMGSEARCH_GALLERY"}
    own = {
        "IMGSEARCH_CACHE": str(workspace / "cache"),
        "XDG_STATE_HOME": str(workspace / "state"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    return kept | own


def median_seconds(argv: Sequence[str], variables: Mapping[str, str], times: int) -> float:
    """Return how long a command takes, the median of some starts; one more before is not timed."""
    run(argv, variables)
    return statistics.median(run(argv, variables) for _ in range(times))


def cold_seconds(argv: Sequence[str], variables: Mapping[str, str], times: int) -> float:
    """Return how long a command takes while imgsearch's cache is empty, a median."""
    seconds = []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as cache:
            seconds.append(run(argv, {**variables, "IMGSEARCH_CACHE": cache}))
    return statistics.median(seconds)


def run(argv: Sequence[str], variables: Mapping[str, str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(argv, env=variables, capture_output=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv[1:4])} failed: {done.stderr.decode(errors='replace')}")
    return seconds


def peak_bytes(argv: Sequence[str], variables: Mapping[str, str]) -> int:
    """Return the most memory that a command had at any time, in bytes."""
    launch = python("-c", LAUNCHER, *argv)
    done = subprocess.run(launch, env=variables, capture_output=True, check=True)
    return int(done.stdout) * RSS_UNIT


def require_unchanged(argv: Sequence[str], variables: Mapping[str, str], count: int) -> None:
    """Check that an `index` command finds so many unchanged pictures and nothing else."""
    done = subprocess.run([*argv, "--json"], env=variables, capture_output=True, check=True)
    report = json.loads(done.stdout)
    if (report["unchanged"], report["images"]) != (count, count):
        raise RuntimeError(f"{report['unchanged']} of {count} files were found unchanged")
