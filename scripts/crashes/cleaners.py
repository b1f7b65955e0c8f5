"""Cleaners that die: `apply` and `undo`, on file systems of several kinds."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from send2trash import plat_other

from crashes.copies import Copies
from crashes.photos import ColourEmbedder
from crashes.verdict import LossError
from crashes.writers import Action
from imgsearch.dedup.apply import ApplyOptions, apply_plan
from imgsearch.dedup.destination import parse_destination
from imgsearch.dedup.undo import undo_cleanup

WORLDS = ("one file system", "two file systems", "no hard links")


def apply(copies: Copies, to: str, world: str) -> Action:
    """Return a cleaner that carries the plan out."""

    def run(_embedder: ColourEmbedder) -> list[Path]:
        options = ApplyOptions(parse_destination(to.replace("Q", os.fspath(copies.quarantine))))
        with living_in(world, copies):
            report = apply_plan(copies.gallery, copies.plan, options)
        for entry, reason in report.refused:
            if to != "hardlink" or entry.tier == "identical":
                raise LossError(f"{entry.remove.path} was refused: {reason}")
        return []

    return run


def undo(copies: Copies, world: str) -> Action:
    """Return a cleaner that takes everything back."""

    def run(_embedder: ColourEmbedder) -> list[Path]:
        with living_in(world, copies):
            report = undo_cleanup(copies.gallery, everything=True)
        for path, reason in report.failed:
            raise LossError(f"{path} did not come back: {reason}")
        return []

    return run


@contextmanager
def living_in(world: str, copies: Copies) -> Iterator[None]:
    """Let this process see file systems of a kind, and a home of its own with a trash.

    For a process that is about to end: nothing is put back.
    """
    os.environ["HOME"] = os.fspath(copies.folder / "home")
    os.environ.pop("XDG_DATA_HOME", None)
    plat_other.XDG_DATA_HOME = os.fsencode(copies.trash.parent)
    plat_other.HOMETRASH_B = os.fsencode(copies.trash)
    if world == "two file systems":
        inside = os.fsencode(copies.photos) + b"/"
        os.rename = _within(inside, os.rename)
        os.link = _within(inside, os.link)
    elif world == "no hard links":
        os.link = _no_links
    yield


def _within(inside: bytes, call: object) -> object:
    """Return a call that refuses to cross a folder's boundary, as that of a file system."""

    def limited(source: object, target: object, **options: object) -> object:
        places = [os.fsencode(os.fspath(path)).startswith(inside) for path in (source, target)]
        if places[0] != places[1]:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return call(source, target, **options)

    return limited


def _no_links(*_names: object, **_options: object) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))
