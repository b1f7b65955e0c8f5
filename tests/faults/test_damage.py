"""Flipped bits, zeroed sectors and cut files: found and mended, and never a wrong answer.

A sound gallery is damaged in one place at a time. Whatever the place, a query shows no picture
under another's vector once `check` calls the gallery sound, and repair and update bring it back.
"""

import random
import shutil
import sqlite3
from io import BytesIO

import pytest
from figures import tried
from PIL import Image

from imgsearch.errors import GalleryError
from imgsearch.gallery.check import check_gallery

COLOURS = [(255, 12 * number, 10 + 7 * number) for number in range(21)]
FILES = ("catalog.sqlite", "catalog.sqlite-wal", "manifest.json", "index")


def picture(colour):
    file = BytesIO()
    Image.new("RGB", (8, 8), colour).save(file, "PNG", compress_level=0)
    return file.getvalue()


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    from conftest import Lab

    lab = Lab(tmp_path_factory.mktemp("damage"))
    for number, colour in enumerate(COLOURS[:20]):
        lab.paint(f"photo-{number:02d}.png", colour)
    lab.write("broken.png", b"\x89PNG\r\n\x1a\nnothing")
    lab.update()
    # Someone who reads keeps the log from being deleted: its last changes are nowhere else.
    with sqlite3.connect(lab.gallery / "catalog.sqlite") as reader:
        reader.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM images").fetchone()
        lab.paint("photo-20.png", COLOURS[20])
        lab.update()
        lab.sound = lab.gallery.with_name(".sound")
        shutil.copytree(lab.gallery, lab.sound, ignore=shutil.ignore_patterns("*-shm"))
    reader.close()
    lab.truth = answers(lab)
    return lab


def answers(lab):
    """Every picture's own answer: who is nearest, and how near."""
    return {number: lab.hits(picture(COLOURS[number]), k=21) for number in range(0, 21, 10)}


def restore(lab):
    shutil.rmtree(lab.gallery)
    shutil.copytree(lab.sound, lab.gallery)


def file_of(lab, name):
    exact = lab.gallery / name
    return exact if exact.exists() else next(lab.gallery.glob(f"{name}-*"))


def shows_the_truth(lab):
    """Ask without a check first: whatever is shown has the score that it really has."""
    try:
        found = answers(lab)
    except GalleryError:
        return True  # one line that says what to run
    return all(set(found[number]) <= set(lab.truth[number]) for number in found)


def flip(content, at):
    content[at] ^= 1 << at % 8


def zero(content, at):
    start = at // 512 * 512
    content[start : start + 512] = bytes(len(content[start : start + 512]))


def cut(content, at):
    del content[at:]


def is_called_sound(lab):
    try:
        return check_gallery(lab.gallery).healthy
    except GalleryError:
        return False


@pytest.mark.parametrize(("damage", "times"), [(flip, 100), (zero, 24), (cut, 8)])
@pytest.mark.parametrize("name", FILES)
def test_damage_is_harmless_or_found_and_mended(gallery, name, damage, times):
    random_places = random.Random(f"{name} {damage.__name__}")
    for _ in range(times if name == "catalog.sqlite" else times // 3):
        restore(gallery)
        path = file_of(gallery, name)
        content = bytearray(path.read_bytes())
        used = [at for at, byte in enumerate(content) if byte] if damage is flip else content
        at = random_places.choice(used) if damage is flip else random_places.randrange(len(used))
        damage(content, at)
        path.write_bytes(content)

        assert shows_the_truth(gallery), (name, damage.__name__, at)
        if not is_called_sound(gallery):
            try:
                check_gallery(gallery.gallery, repair=True)
            except GalleryError as error:
                pytest.fail(f"{name} {damage.__name__} at {at}: {error}")

        gallery.update()  # what a cut log no longer tells, the files do
        assert check_gallery(gallery.gallery).healthy, (name, damage.__name__, at)
        assert answers(gallery) == gallery.truth, (name, damage.__name__, at)
        tried("damaged places in a gallery's files")
