"""What an update is asked to do, tells while it runs, and answers."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from imgsearch.types import DEFAULT_MAX_PIXELS

MOST_JOBS: Final = 256
"""More threads than this only cost memory, and a system may refuse them."""


@dataclass(frozen=True, slots=True)
class UpdateOptions:
    """How an update goes about its work.

    Attributes:
        jobs: Threads that read and decode, at most `MOST_JOBS`; 0 for one per processor.
        batch_size: Pictures per call of the embedder, and so the most that a crash can lose.
        max_pixels: Pictures that declare more are refused before they are decoded.
        retry_failed: Read files again that failed before, though they have not changed.
        rehash: Read every file again, and trust no size and no modification time.
        wait_s: How long to wait for another writer, in seconds.
    """

    jobs: int = 0
    batch_size: int = 32
    max_pixels: int = DEFAULT_MAX_PIXELS
    retry_failed: bool = False
    rehash: bool = False
    wait_s: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.jobs <= MOST_JOBS:
            raise ValueError(f"jobs must be from 0 to {MOST_JOBS}, not {self.jobs}")
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, not {self.batch_size}")

    @property
    def threads(self) -> int:
        """How many threads to use, at least 1."""
        return self.jobs or os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an update has come.

    Attributes:
        stage: `"scan"` while the folders are walked, `"embed"` while files are read,
            `"index"` while the index file is written.
        done: Files that this stage has dealt with.
        total: How many there are, or None where that is not known yet.
    """

    stage: Literal["scan", "embed", "index"]
    done: int
    total: int | None


ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A file that could not be indexed, or a folder that could not be listed.

    Attributes:
        path: Its absolute path.
        reason: Why, for people.
    """

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """What an update did.

    Attributes:
        images: Pictures that the gallery holds now, all roots together.
        added: Paths that are new in it.
        updated: Paths whose content has changed.
        moved: Files that were found again under another path.
        unchanged: Pictures that were already indexed.
        removed: Rows dropped because their files are gone.
        failed: What could not be read below the folders that were walked, old and new.
        ignored: Files below those folders that are no pictures.
        seconds: Duration of the whole update.
        images_per_second: Files read in this run per second of it; 0 if none was.
    """

    images: int
    added: int
    updated: int
    moved: int
    unchanged: int
    removed: int
    failed: tuple[FailedFile, ...]
    ignored: tuple[FailedFile, ...]
    seconds: float
    images_per_second: float
