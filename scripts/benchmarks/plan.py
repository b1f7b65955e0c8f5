"""How much is measured, and processes to measure it in."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    Attributes:
        photos: Files of about 0.2 megapixels; there are an eighth as many of 12 megapixels.
        tutorial: How many of either the tutorial's loop is shown, each time.
        files: Entries of the gallery that is scanned again.
        gallery: Entries of the gallery that is queried.
        vectors: Sizes of the collections that are searched.
        huge_megapixels: Size of the picture that memory is measured with.
        seconds: How long rates are measured.
        rounds: How often compared rates are measured in turn.
        times: How often a command is started.
        batch_size: Pictures that an engine is given at a time.
        heights: Rows of the matrices whose products are a limit; the best of them counts.
    """

    photos: int
    tutorial: tuple[int, int]
    files: int
    gallery: int
    vectors: tuple[int, ...]
    huge_megapixels: int
    seconds: float
    rounds: int
    times: int
    batch_size: int
    heights: tuple[int, ...] = (512, 2048)

    @property
    def large_photos(self) -> int:
        """How many files of 12 megapixels are indexed."""
        return max(2, self.photos // 8)


FULL = Plan(1000, (24, 12), 100_000, 30_000, (10_000, 100_000, 500_000), 200, 3.0, 3, 5, 32)
TINY = Plan(2, (1, 1), 500, 500, (1_000,), 2, 0.02, 1, 1, 1, (64,))  # to test that it runs at all
QUICK = Plan(96, (6, 3), 5_000, 5_000, (10_000,), 24, 0.5, 1, 1, 8)


@contextmanager
def worker() -> Iterator[Callable[..., Any]]:
    """Offer a process that calls functions: what one library leaves behind hampers no other."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, silence) as pool:
        yield lambda function, *arguments: pool.submit(function, *arguments).result()


def silence() -> None:
    """Send stderr nowhere: the libraries' notes obey no variable, and errors come as exceptions."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def alone(function: Callable[..., Any], *arguments: object) -> Any:
    """Call a function in a process of its own."""
    with worker() as run:
        return run(function, *arguments)


def rate(work: Callable[[], int], seconds: float) -> float:
    """Repeat some work for a while, after once that does not count; return work a second."""
    work()
    done, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < seconds or not done:
        done += work()
    return done / elapsed
