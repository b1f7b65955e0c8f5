"""The files that are measured with, made from data/photos; the same in every run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from imgsearch.embedding.registry import identity_of
from imgsearch.gallery.catalog import Catalog
from imgsearch.gallery.index_file import load_index, publish_index
from imgsearch.gallery.records import FileStamp, ImageFacts, IndexedFile
from imgsearch.gallery.roots import Walk, add_roots
from imgsearch.gallery.store import open_for_writing

SMALL = (560, 374)
LARGE = (4000, 3000)
SEED = 3
QUERY_NAME = "query.jpg"
SOURCES = Path(__file__).parents[2] / "data" / "photos"
GRAIN = (
    4.0  # standard deviation of the noise in large photos: enlarging alone makes them too smooth
)
NAMES_A_FILE = 10_000  # file systems limit how many names a file may have
NAMES_A_FOLDER = 1_000


@dataclass(frozen=True, slots=True)
class PhotoMaker:
    """Makes the photos of a folder, all different.

    Attributes:
        folder: Where they go.
        size: Width and height in pixels.
    """

    folder: Path
    size: tuple[int, int]

    def make(self, count: int) -> list[Path]:
        """Write so many photos, and return their paths."""
        self.folder.mkdir(parents=True)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(self.write, range(count)))

    def write(self, number: int) -> Path:
        """Write one photo: a part of a sample, somewhat brighter or darker."""
        random = np.random.default_rng((SEED, number))
        sample = source_photos()[number % len(source_photos())]
        share = random.uniform(0.8, 1.0)
        width, height = (round(share * side) for side in sample.size)
        left, top = (
            int(random.integers(0, sample.size[i] - (width, height)[i] + 1)) for i in (0, 1)
        )
        part = sample.resize(
            self.size, Image.Resampling.BICUBIC, box=(left, top, left + width, top + height)
        )
        bright = ImageEnhance.Brightness(part).enhance(random.uniform(0.8, 1.2))
        path = self.folder / f"{number:05}.jpg"
        (with_grain(bright, number) if self.size == LARGE else bright).save(path, quality=88)
        return path


@cache
def source_photos() -> list[Image.Image]:
    """Return the sample photos that the others are made from."""
    paths = sorted(path for path in SOURCES.glob("*.jpg") if path.is_file())
    return [Image.open(path).convert("RGB") for path in paths]


@cache
def grain() -> np.ndarray:
    """Return noise, shape (rows, columns, 1), int16."""
    random = np.random.default_rng(SEED)
    return random.normal(0, GRAIN, (LARGE[1], LARGE[0], 1)).astype(np.int16)


def with_grain(picture: Image.Image, number: int) -> Image.Image:
    pixels = np.asarray(picture, np.int16) + np.roll(grain(), 97 * number, axis=1)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def write_huge(path: Path, megapixels: int) -> None:
    """Write a JPEG of so many megapixels."""
    side = round((megapixels * 1e6) ** 0.5)
    source_photos()[0].resize((side, side), Image.Resampling.BILINEAR).save(path, quality=80)


def make_gallery(root: Path, gallery: Path, count: int) -> None:
    """Make a folder of so many files, and a gallery that knows them by random vectors.

    They are names of a few small files, which is quick; a scan sees as many files as there are
    names. The vectors are random, because searching among equal ones takes another path.
    """
    root.mkdir(parents=True)
    root = root.resolve()
    paths = list(write_names(root, count))
    identity = identity_of("default")
    with open_for_writing(gallery) as store:
        with store.catalog.transaction():
            [walk] = add_roots(store.catalog, [root])
            store.catalog.set_identity(identity)
            put_files(store.catalog, walk, paths)
        publish_index(store.catalog, load_index(store.catalog, identity.dim))


def write_names(root: Path, count: int) -> Iterator[Path]:
    """Yield paths of files, each of which has many names."""
    content = (SOURCES / "cat.jpg").read_bytes()
    for number in range(count):
        path = root / f"{number // NAMES_A_FOLDER:03}" / f"{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if number % NAMES_A_FILE == 0:
            path.write_bytes(content)
            first = path
        else:
            path.hardlink_to(first)
        yield path


def put_files(catalog: Catalog, walk: Walk, paths: list[Path]) -> None:
    random = np.random.default_rng(SEED)
    generation = catalog.next_generation()
    for number, path in enumerate(paths):
        found = path.stat()
        name = path.relative_to(walk.root).as_posix()
        stamp = FileStamp(walk.root_id, name, found.st_size, found.st_mtime_ns)
        vector = random.standard_normal(512, np.float32)
        facts = ImageFacts(number.to_bytes(32, "big"), 451, 300, "JPEG")
        catalog.put_image(IndexedFile(stamp, facts, vector / np.linalg.norm(vector)), generation)
