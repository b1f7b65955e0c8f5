"""What to expect on this machine: a few seconds of measuring on pictures made for it."""

from __future__ import annotations

import io
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from imgsearch.dedup.first_look import first_look
from imgsearch.embedding.base import Embedder
from imgsearch.embedding.registry import create_embedder, identity_of
from imgsearch.errors import EngineError
from imgsearch.gallery.report import UpdateOptions
from imgsearch.gallery.update import update_gallery
from imgsearch.index.factory import create_index
from imgsearch.types import EmbedderIdentity, PixelBatch, Precision

PHOTO_SIZES: Final = ((548, 365), (4000, 3000))
"""Width and height of the pictures that are indexed: 0.2 and 12 megapixels."""

PROJECTED: Final = (1_000, 10_000, 100_000)
"""Sizes of collections whose duration is told."""

SEARCHED: Final = 30_000
"""Vectors in the index that is searched."""

_BATCH: Final = 16
_FIRST_FILES: Final = 16  # enough to learn roughly how fast this machine is
_MOST_FILES: Final = 4_000
_SEED: Final = 3


@dataclass(frozen=True, slots=True)
class EngineSpeed:
    """How fast an engine runs the network, pictures being decoded already.

    Attributes:
        engine: `"openvino"` or `"tensorflow"`.
        precision: The arithmetic.
        images_per_second: Pictures embedded per second.
    """

    engine: str
    precision: Precision
    images_per_second: float


@dataclass(frozen=True, slots=True)
class FileSpeed:
    """How fast files are indexed, from the walk to the published index.

    Attributes:
        megapixels: Size of the JPEG pictures in them.
        images_per_second: Files indexed per second.
    """

    megapixels: float
    images_per_second: float

    def seconds_for(self, count: int) -> float:
        """Project how long so many files take, in seconds."""
        return count / self.images_per_second


@dataclass(frozen=True, slots=True)
class MachineSpeed:
    """What was measured.

    Attributes:
        cores: Processors that the system names.
        why: Why `auto` takes the precision of `chosen`, for people.
        chosen: What `auto` takes.
        others: The other engines and precisions that do well here, if they were asked for.
        files: Indexing, for each of `PHOTO_SIZES`.
        search_s: Duration of one search among `SEARCHED` vectors, in seconds.
    """

    cores: int
    why: str
    chosen: EngineSpeed
    others: tuple[EngineSpeed, ...]
    files: tuple[FileSpeed, ...]
    search_s: float


def measure_machine(*, seconds: float = 2.0, every_engine: bool = False) -> MachineSpeed:
    """Measure indexing and searching with the default preset on pictures made for it.

    Args:
        seconds: About how long each figure is measured; the whole takes some four times as long,
            and the time to load the network.
        every_engine: Measure the other engines and precisions too.

    Raises:
        EmbedderError: If the network cannot be loaded.
        ValueError: If `seconds` is not positive.
    """
    if seconds <= 0:
        raise ValueError(f"seconds must be positive, not {seconds}")
    identity = identity_of("default")
    embedder = create_embedder(identity)
    chosen = EngineSpeed("openvino", embedder.precision, network_speed(embedder, seconds=seconds))
    others = _other_engines(identity, chosen.precision, seconds) if every_engine else ()
    return MachineSpeed(
        cores=os.cpu_count() or 1,
        why=explain_precision(chosen.precision),
        chosen=chosen,
        others=tuple(others),
        files=tuple(_file_speed(embedder, size, seconds) for size in PHOTO_SIZES),
        search_s=_search_seconds(identity.dim, seconds),
    )


def network_speed(embedder: Embedder, *, seconds: float, batch_size: int = _BATCH) -> float:
    """Return how many prepared pictures a second an embedder turns into vectors."""
    batch = _noise(batch_size, embedder.identity.preprocessing.side)
    embedder.embed(batch)  # the first call makes buffers
    return _rate(lambda: len(embedder.embed(batch)), seconds)


def native_precisions() -> list[Precision]:
    """Return what this processor computes natively, slowest first."""
    from imgsearch.embedding.vgg16_openvino import choose_precision

    every: tuple[Precision, ...] = ("fp32", "bf16", "int8")
    return [precision for precision in every if choose_precision(precision) == precision]


def explain_precision(chosen: Precision) -> str:
    """Say in a few words why `--precision auto` takes this one here."""
    if chosen == "int8":
        return "this processor multiplies bytes natively (AMX or VNNI)"
    if chosen == "bf16":
        return "this processor multiplies bfloat16 natively, but not bytes"
    return "this processor has neither byte nor bfloat16 products"


def _other_engines(
    identity: EmbedderIdentity, taken: Precision, seconds: float
) -> Iterator[EngineSpeed]:
    for precision in native_precisions():
        if precision != taken:
            embedder = create_embedder(identity, engine="openvino", precision=precision)
            speed = network_speed(embedder, seconds=seconds)
            yield EngineSpeed("openvino", precision, speed)
    try:
        keras = create_embedder(identity, engine="tensorflow", precision="fp32")
    except EngineError:  # TensorFlow may be left out
        return
    yield EngineSpeed("tensorflow", "fp32", network_speed(keras, seconds=seconds))


def _file_speed(embedder: Embedder, size: tuple[int, int], seconds: float) -> FileSpeed:
    """Index a few files to learn how many take the time that there is, then index so many."""
    content = _photo(*size)
    speed = _index_files(embedder, content, _FIRST_FILES)
    count = int(min(speed * seconds, _MOST_FILES))
    if count > _FIRST_FILES:
        speed = _index_files(embedder, content, count)
    return FileSpeed(round(size[0] * size[1] / 1e6, 1), speed)


def _index_files(embedder: Embedder, content: bytes, count: int) -> float:
    """Index so many files in a temporary gallery, and return files per second."""
    with tempfile.TemporaryDirectory(prefix="imgsearch-bench-") as name:
        root = Path(name) / "photos"
        root.mkdir()
        for number in range(count):
            (root / f"{number:06}.jpg").write_bytes(_distinct(content, number))
        report = update_gallery(
            Path(name) / "gallery",
            [root],
            identity=embedder.identity,
            make_embedder=lambda _identity: embedder,
            options=UpdateOptions(),
            look=first_look,
        )
    return report.images_per_second


def _distinct(content: bytes, number: int) -> bytes:
    """Give a JPEG a comment: other bytes, and so another file to embed, but the same picture."""
    text = f"{number:06}".encode("ascii")
    comment = b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text
    return content[:2] + comment + content[2:]


def _photo(width: int, height: int) -> bytes:
    """Make a JPEG with about as much detail as a photo: soft shapes and a little noise."""
    random = np.random.default_rng(_SEED)
    shapes = Image.fromarray(random.integers(0, 256, (9, 12, 3), np.uint8))
    pixels = np.asarray(shapes.resize((width, height), Image.Resampling.BICUBIC), np.int16)
    grain = random.integers(-8, 9, (height, width, 1), np.int16)
    file = io.BytesIO()
    Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=88)
    return file.getvalue()


def _noise(count: int, side: int) -> PixelBatch:
    """Make a batch of prepared pictures; the network takes as long for noise as for photos."""
    return np.random.default_rng(_SEED).integers(0, 256, (count, side, side, 3), np.uint8)


def _search_seconds(dim: int, seconds: float) -> float:
    """Return how long one search takes among `SEARCHED` random vectors."""
    rows = np.random.default_rng(_SEED).standard_normal((SEARCHED, dim), np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    index = create_index("faiss", dim, rows.__getitem__)
    index.add(np.arange(SEARCHED), rows)
    return 1 / _rate(lambda: len(index.search(rows[:1], 10)), seconds / 4)


def _rate(work: Callable[[], int], seconds: float) -> float:
    """Repeat some work for a while, and return how much of it was done a second."""
    done, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < seconds or not done:
        done += work()
    return done / elapsed
