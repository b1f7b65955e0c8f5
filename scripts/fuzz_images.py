"""Decode mutated pictures by the thousand, each within limits of time and memory.

    python scripts/fuzz_images.py --count 10000 --seed 1 --keep FOLDER

Prints what became of them, and keeps those that broke a rule: an error that is none of ours, a
picture of another shape than was asked for, a crash of the decoder, or more than 10 seconds.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from hostile_files import LIMIT_PIXELS, mutants

from imgsearch.errors import ImageReadError
from imgsearch.images.isolation import WORKERS
from imgsearch.images.prepare import prepare
from imgsearch.types import Preprocessing

_SLOW_S = 10.0


def outcome_of(name: str, content: bytes) -> tuple[str, bool]:
    """Prepare one file; return what became of it, and whether that is worth a look."""
    started = time.monotonic()
    try:
        prepared = prepare(
            content, Preprocessing(32, "faithful"), name=name, max_pixels=LIMIT_PIXELS
        )
    except ImageReadError as error:
        died = any(word in error.reason for word in ("crashed", "killed", "longer", "MB"))
        return (error.reason if died else "listed"), died
    except Exception as error:  # noqa: BLE001 - finding them is the purpose
        return f"{type(error).__name__}: {error}", True
    if prepared.pixels.shape != (32, 32, 3):
        return "wrong shape", True
    slow = time.monotonic() - started > _SLOW_S
    return ("slow" if slow else "indexed"), slow


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=10_000, help="How many files.")
    parser.add_argument("--seed", type=int, default=1, help="Of the generator.")
    parser.add_argument("--keep", type=Path, help="Where to keep what broke a rule.")
    options = parser.parse_args()
    outcomes: collections.Counter[str] = collections.Counter()
    started, slowest, broken = time.monotonic(), 0.0, 0
    for name, content in mutants(options.count, options.seed):
        before = time.monotonic()
        outcome, is_odd = outcome_of(name, content)
        slowest = max(slowest, time.monotonic() - before)
        outcomes[outcome] += 1
        broken += is_odd and "Error" in outcome
        if is_odd:
            print(f"{name}: {outcome}", flush=True)
            if options.keep is not None:
                options.keep.mkdir(parents=True, exist_ok=True)
                (options.keep / name).write_bytes(content)
    with contextlib.closing(WORKERS):
        print(*(f"{count:8,} {outcome}" for outcome, count in outcomes.most_common()), sep="\n")
    print(f"{time.monotonic() - started:.0f} s, slowest {slowest:.1f} s", end="")
    peaks = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    own, child = (resource.getrusage(who).ru_maxrss / 1024 for who in peaks)
    print(f", peak memory {own:.0f} MB here and {child:.0f} MB in a child")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
