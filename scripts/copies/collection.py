"""A folder whose copies are known: photos, edits of some, look-alikes, and photos beside them.

    families/0007/original.jpg, families/0007/crop.jpg ...   copies of one another
    lookalikes/burst-0003/1.jpg ...                           no two are copies
    distractors/000123.jpg                                    nor are any two of these

The paths alone tell what is a copy of what, so the folder may be shown to any other program.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from imgsearch.evaluation.edits import Edit, make_copy
from imgsearch.evaluation.lookalikes import LOOKALIKES, make_lookalikes

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".gif"}
LONGEST_SIDE = 1600  # edits of larger photos are made from them at this size, to save time
ORIGINAL = "original"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a collection is made of.

    Attributes:
        families: How many photos are edited.
        edits: What is done to each of them.
        lookalikes: How many sets are made of each kind of look-alikes.
        seed: Chooses the photos, and what the edits choose.
    """

    families: int
    edits: Sequence[Edit]
    lookalikes: int
    seed: int


def make_collection(
    root: Path, photos: Sequence[Path], distractors: Sequence[Path], recipe: Recipe
) -> None:
    """Make the folder.

    Args:
        root: The folder; it must not exist.
        photos: What is edited, and what look-alikes are made of, is chosen among these; the
            others are distractors.
        distractors: Photos beside them. A file that is there twice is taken once.
        recipe: What to make.
    """
    chosen = np.random.default_rng(recipe.seed).permutation(len(photos))
    shuffled = iter(distinct([*(photos[place] for place in chosen), *distractors]))
    readable = ((path, picture) for path in shuffled if (picture := opened(path)))
    for number in range(recipe.families):
        make_family(root / "families" / f"{number:04}", *next(readable), recipe)
    for kind in LOOKALIKES.values():
        for number in range(recipe.lookalikes):
            sources = [next(readable)[1] for _ in range(kind.photos)]
            folder = root / "lookalikes" / f"{kind.name}-{number:04}"
            folder.mkdir(parents=True)
            for place, copy in enumerate(make_lookalikes(sources, kind, recipe.seed + number)):
                (folder / f"{place}{copy.suffix}").write_bytes(copy.content)
    (root / "distractors").mkdir(parents=True)
    for number, path in enumerate(shuffled):
        link_or_copy(path, root / "distractors" / f"{number:06}{path.suffix.lower()}")


def make_family(folder: Path, path: Path, picture: Image.Image, recipe: Recipe) -> None:
    folder.mkdir(parents=True)
    link_or_copy(path, folder / f"{ORIGINAL}{path.suffix.lower()}")
    for edit in recipe.edits:
        copy = make_copy(picture, edit, recipe.seed + int(folder.name))
        (folder / f"{edit.name}{copy.suffix}").write_bytes(copy.content)


def part_of(path: Path) -> str:
    """Say by a photo's content whether it is for tuning or for measuring, wherever it lies."""
    return "tune" if hashlib.sha256(path.read_bytes()).digest()[0] < 128 else "measure"


def photos_in(folder: Path) -> list[Path]:
    """List the files with a picture's suffix below a folder, sorted."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def distinct(paths: Iterable[Path]) -> Iterator[Path]:
    """Leave out files whose content was there before."""
    seen = set()
    for path in paths:
        digest = hashlib.sha256(path.read_bytes()).digest()
        if digest not in seen:
            seen.add(digest)
            yield path


def opened(path: Path) -> Image.Image | None:
    """Open a photo upright, at most `LONGEST_SIDE` long; None if it is no photo to edit."""
    try:
        with Image.open(path) as image:
            image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            picture = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return picture if min(picture.size) >= 64 else None


def link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)


def family_of(path: Path) -> str | None:
    """Return the name of the family that a file of a collection is of."""
    return path.parent.name if path.parent.parent.name == "families" else None


def kind_of(path: Path) -> str:
    """Name the kind of a file that is in no family: its kind of look-alikes, or distractor."""
    if path.parent.parent.name == "lookalikes":
        return path.parent.name.rsplit("-", 1)[0]
    return "edits of others" if family_of(path) else "distractors"
