"""Programs that find copies: imgsearch, and two from the package index to compare it with."""

from __future__ import annotations

import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from copies.collection import photos_in

Pair = tuple[Path, Path]
HASH_BITS = 64
LOWEST_SIMILARITY = 0.75  # of hashes, that a pair is ranked at all: 16 of 64 bits differ
USUAL_BITS = 8  # that may differ, as users of perceptual hashes do it
BLOCK = 512


@dataclass(slots=True)
class Detection:
    """What a program found.

    Attributes:
        name: The program, with what was chosen about it.
        scores: Every pair that it scored, the paths in order.
        called: The pairs that it calls copies.
        seconds: Wall-clock time of each step.
        cpu_seconds: Time of processors, of all steps together.
    """

    name: str
    scores: dict[Pair, float] = field(default_factory=dict)
    called: set[Pair] = field(default_factory=set)
    seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: float = 0.0

    def add(self, first: Path, second: Path, score: float, *, called: bool) -> None:
        """Note a pair; the best score counts if it comes twice."""
        pair = (first, second) if first < second else (second, first)
        self.scores[pair] = max(score, self.scores.get(pair, 0.0))
        if called:
            self.called.add(pair)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Measure a step."""
        started, used = time.perf_counter(), processor_seconds()
        yield
        self.seconds[step] = time.perf_counter() - started
        self.cpu_seconds += processor_seconds() - used


def imgsearch(root: Path) -> Detection:
    """Index a folder into a gallery elsewhere, and take the groups of `imgsearch dupes`.

    Every pair within a group counts, scored by its less sure member.
    """
    found = Detection("imgsearch")
    with tempfile.TemporaryDirectory(prefix="imgsearch-evaluate-") as gallery:
        with found.timed("index"):
            command("index", str(root), "--gallery", gallery)
        with found.timed("dupes"):
            answer = json.loads(command("dupes", "--json", "--gallery", gallery))
    for group in answer["groups"]:
        members = [(Path(m["path"]), m["score"]) for m in group["members"]]
        for (first, one), (second, other) in itertools.combinations(members, 2):
            found.add(first, second, min(one, other), called=group["tier"] != "similar")
    return found


def image_dedup_ai(root: Path) -> Detection:
    """Take the groups of image-dedup-ai as it comes, and rank what it links at a lower bound."""
    from image_dedup_ai import Index

    found = Detection("image-dedup-ai")
    with found.timed("all"), Index() as index:
        index.add(root)
        result = index.find_duplicates()
    for group in result.groups:
        for first, second in itertools.combinations(group, 2):
            found.add(Path(first), Path(second), result.threshold, called=True)
    with Index() as index:  # a second time, not timed: only to rank
        index.add(root)
        for first, second, similarity in index.find_duplicates(threshold=LOWEST_SIMILARITY).pairs:
            found.add(Path(first), Path(second), similarity, called=False)
    return found


def image_hash(root: Path) -> Detection:
    """Compare ImageHash's pHash of every picture with that of every other."""
    found = Detection(f"ImageHash pHash, {USUAL_BITS} bits")
    with found.timed("all"):
        compare_hashes(root, found, turns=1)
    return found


def image_hash_turned(root: Path) -> Detection:
    """Compare the pHash of every picture, turned and mirrored in all eight ways."""
    found = Detection(f"ImageHash pHash, {USUAL_BITS} bits, 8 turns")
    with found.timed("all"):
        compare_hashes(root, found, turns=8)
    return found


DETECTORS: dict[str, Callable[[Path], Detection]] = {
    "imgsearch": imgsearch,
    "image-dedup-ai": image_dedup_ai,
    "imagehash": image_hash,
    "imagehash-turned": image_hash_turned,
}
MODULES = {
    "image-dedup-ai": "image_dedup_ai",
    "imagehash": "imagehash",
    "imagehash-turned": "imagehash",
}
"""What must be installed for a detector."""


def command(*arguments: str) -> bytes:
    """Run imgsearch as from a shell; return what it prints."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(
        [sys.executable, "-m", "imgsearch", *arguments],
        stdout=subprocess.PIPE,
        env=environment,
        check=True,
    ).stdout


def processor_seconds() -> float:
    """Return the processors' time of this process and of its children that have ended."""
    mine, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return mine.ru_utime + mine.ru_stime + children.ru_utime + children.ru_stime


def compare_hashes(root: Path, found: Detection, *, turns: int) -> None:
    """Note all pairs whose hashes differ in few bits, block by block."""
    with ThreadPoolExecutor() as threads:
        hashed = list(zip(photos_in(root), threads.map(hashes, photos_in(root)), strict=True))
    paths = [path for path, values in hashed if values is not None]
    table = np.array([values for _, values in hashed if values is not None])
    for start in range(0, len(paths), BLOCK):
        block = table[start : start + BLOCK, :turns, None]
        differing = np.bitwise_count(block ^ table[None, None, :, 0]).min(axis=1)
        near = differing <= HASH_BITS * (1 - LOWEST_SIMILARITY)
        for row, column in np.argwhere(near).tolist():
            if start + row != column:
                bits = int(differing[row, column])
                score = 1 - bits / HASH_BITS
                found.add(paths[start + row], paths[column], score, called=bits <= USUAL_BITS)


def hashes(path: Path) -> Sequence[np.uint64] | None:
    """Return the pHash of a picture in all eight turns, upright first; None if unreadable."""
    import imagehash

    try:
        with Image.open(path) as image:
            image.draft("RGB", (512, 512))
            upright = ImageOps.exif_transpose(image).convert("L")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    upright.thumbnail((256, 256))
    turned: Iterable[Image.Image] = (upright, *map(upright.transpose, Image.Transpose))
    return [packed(imagehash.phash(each)) for each in turned]


def packed(value: Any) -> np.uint64:
    return np.packbits(value.hash.ravel()).view(np.uint64)[0]
