"""Starve writers of disk in every way, one after the other; a program that tests run.

Prints one JSON object a line: the case, how the writer ended, and what was left afterwards.
"""

import errno
import json
import os
import random
import sqlite3
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from crashes import verdict, writers
from crashes.photos import Photos

from imgsearch.errors import GalleryNotFoundError
from imgsearch.gallery import durable, store
from imgsearch.gallery.check import check_gallery

SIZES = [0, 40, 100, 300, *range(4096, 600_000, 40_000), 2_000_000]
POINTS = [
    *(f"durable.{name}" for name in ("opened", "written", "flushed", "renamed", "done")),
    *(f"transaction.{name}" for name in ("wanted", "begun", "done")),
]
NOBODY = 65534


def main(folder):
    photos = Photos(folder / "photos", random.Random(1))
    photos.change(30)
    gallery = folder / "gallery"
    for size in SIZES:
        attempt(f"new {size}", gallery, photos, partial(writers.files_limited, size))
        remove(gallery)
    fill(gallery, photos)
    for size in SIZES:
        photos.change(6)
        attempt(f"known {size}", gallery, photos, partial(writers.files_limited, size))
    for point in POINTS:
        for occurrence in range(1, 4 if point.startswith("durable.") else 6):
            photos.change(6)
            fault = writers.disk_refuses_at(point, occurrence, random.Random(occurrence))
            attempt(f"{point} {occurrence}", gallery, photos, fault)
    for number in (errno.ENOSPC, errno.EIO):
        photos.change(6)
        attempt(f"fsync {number}", gallery, photos, partial(flush_refused, number))
    for root in photos.roots:
        for number in range(150):
            photos._paint(root / "many" / f"{number}.jpg")
    attempt("pages", gallery, photos, catalogue_limited)
    photos.change(6)
    gallery.chmod(0o555)
    folder.chmod(0o755)
    attempt("read-only", gallery, photos, without_rights, mend=lambda: gallery.chmod(0o755))


def attempt(case, gallery, photos, fault, mend=lambda: None):
    """Let a writer fail, look at what is left, give it room, and look again."""
    before = rows(gallery)
    outcome = writers.run(writers.update(gallery, photos.roots), fault)
    left = state(gallery, photos)
    kept = [path for path in before if path not in photos.changed]
    lost = sum(rows(gallery).get(path) != before[path] for path in kept)
    mend()
    fill(gallery, photos)
    result = {"case": case, "end": outcome.end, "message": outcome.message}
    sys.stdout.write(json.dumps({**result, "left": left, "lost": lost}) + "\n")


def fill(gallery, photos):
    """Index with room enough; the gallery must then be what the files say."""
    outcome = writers.run(writers.update(gallery, photos.roots))
    assert outcome.end == "done", outcome.message
    truth, broken = photos.truth()
    verdict.require_same(rows(gallery), truth, broken)
    photos.changed &= broken
    assert check_gallery(gallery, sample=3, k=3).healthy


def state(gallery, photos):
    try:
        report = check_gallery(gallery, sample=3, k=3)
    except GalleryNotFoundError:
        return "none"
    with store.open_for_reading(gallery) as reader:
        verdict.rows_are_true(reader, photos)
    return "sound" if report.healthy else str(report.problems)


def rows(gallery):
    try:
        return verdict.rows_of(gallery)
    except GalleryNotFoundError:
        return {}


def remove(gallery):
    for path in gallery.iterdir():
        path.unlink()
    gallery.rmdir()


@contextmanager
def catalogue_limited():
    """Let the catalogue not grow by a page: SQLite's own `database or disk is full`."""
    connect = store.connect_writer

    def connect_limited(folder):
        connection = connect(folder)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    store.connect_writer = connect_limited
    yield


@contextmanager
def flush_refused(number):
    """Let fsync fail, as a disk does that lies until then."""

    def refuse(_descriptor):
        raise OSError(number, os.strerror(number))

    durable.os.fsync = refuse
    yield


@contextmanager
def without_rights():
    """Go on as a user who may write nowhere: no mode of a file binds root."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    yield


if __name__ == "__main__":
    sqlite3.enable_callback_tracebacks(True)
    main(Path(sys.argv[1]))
