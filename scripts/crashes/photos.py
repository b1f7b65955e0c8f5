"""Two folders of painted pictures that change between runs, and the truth about each file.

Nothing here asks the code under test: a picture has one colour, so its vector is known.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
from itertools import count
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from imgsearch.types import EmbedderIdentity, Preprocessing

COLOUR = EmbedderIdentity("mean-colour", "c0" * 32, Preprocessing(8, "faithful"), "avg", 3)
NO_PICTURE = b"no picture at all, whatever its name says "
NAMES = [f"{folder}{number}.jpg" for folder in ("", "sub/", "sub/deep/") for number in range(6)]

_SHARE_OF_PNG = 0.02
"""So that each writer in three decodes in a process of its own, too."""

Vector = tuple[float, ...]


class ColourEmbedder:
    """The mean colour as a unit vector."""

    identity = COLOUR
    precision = "fp32"

    def __init__(self) -> None:
        self.pictures = 0

    def embed(self, batch: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return one row for each picture."""
        self.pictures += len(batch)
        means = batch.reshape(len(batch), -1, 3).mean(axis=1)
        return (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)


class Photos:
    """Two roots of photos.

    Attributes:
        roots: The folders.
        vector_of: The true vector of every content that ever was, by its sha256.
        past: Every content that a path ever had, by path.
        changed: Paths that were changed since the gallery was last known to be up to date.
    """

    def __init__(self, folder: Path, dice: random.Random) -> None:
        self.roots = [folder / "left", folder / "right"]
        self.vector_of: dict[bytes, Vector] = {}
        self.past: dict[Path, set[bytes]] = {}
        self.changed: set[Path] = set()
        self._dice = dice
        self._clock = count(1_600_000_000)
        for root in self.roots:
            root.mkdir(parents=True)
            (root / "notes.txt").write_bytes(NO_PICTURE)  # else it would pass for not mounted
            for name in self._dice.sample(NAMES, 10):
                self._paint(root / name)

    def change(self, steps: int) -> None:
        """Add, edit, break, move, swap, copy, touch and delete some files."""
        kinds = (self._paint, self._break, self._move, self._swap, self._copy, self._delete)
        for _ in range(steps):
            step = self._dice.choices(kinds, weights=(6, 1, 2, 1, 2, 2))[0]
            step(self._any_path())

    def truth(self) -> tuple[dict[Path, Vector], set[Path]]:
        """Return the vector of each picture that is there, and the files that are none."""
        vectors, broken = {}, set()
        for path in self._files():
            digest = digest_of(path)
            if digest in self.vector_of:
                vectors[path] = self.vector_of[digest]
            else:
                broken.add(path)
        return vectors, broken

    def _files(self) -> list[Path]:
        return [path for root in self.roots for path in sorted(root.rglob("*.jpg"))]

    def _any_path(self) -> Path:
        return self._dice.choice(self.roots) / self._dice.choice(NAMES)

    def _paint(self, path: Path) -> None:
        content, colour = self._picture()
        length = sum(value * value for value in colour) ** 0.5
        vector = tuple(value / length for value in colour)
        self.vector_of[hashlib.sha256(content).digest()] = vector
        self._write(path, content)

    def _picture(self) -> tuple[bytes, tuple[int, ...]]:
        """Return a picture and its colour, mostly a JPEG, which costs no process to decode."""
        wanted = tuple(self._dice.randrange(1, 256) for _ in range(3))
        kind = "PNG" if self._dice.random() < _SHARE_OF_PNG else "JPEG"
        stream = io.BytesIO()
        Image.new("RGB", (8, 8), wanted).save(stream, kind, quality=100, subsampling=0)
        with Image.open(stream) as picture:  # a JPEG has not all colours
            colour = picture.convert("RGB").getpixel((0, 0))
        return stream.getvalue(), colour

    def _break(self, path: Path) -> None:
        self._write(path, NO_PICTURE * self._dice.randrange(2, 5))

    def _move(self, path: Path) -> None:
        if path.exists():
            other = self._any_path()
            other.parent.mkdir(parents=True, exist_ok=True)
            path.replace(other)
            self._note(other)
            self.changed.add(path)

    def _swap(self, path: Path) -> None:
        other = self._any_path()
        if path.exists() and other.exists():
            first, second = path.read_bytes(), other.read_bytes()
            self._write(path, second)
            self._write(other, first)

    def _copy(self, path: Path) -> None:
        if path.exists():
            self._write(self._any_path(), path.read_bytes())

    def _delete(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self.changed.add(path)

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (seconds := next(self._clock), seconds))
        self._note(path)

    def _note(self, path: Path) -> None:
        self.past.setdefault(path, set()).add(digest_of(path))
        self.changed.add(path)


def digest_of(path: Path) -> bytes:
    """Return the sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).digest()
