"""The index file is a cache: lost, damaged or foreign, it costs time and never an answer."""

import json
import shutil
import sqlite3

import faiss
import numpy as np
import pytest

from imgsearch.errors import GalleryCorruptError, IndexFileError
from imgsearch.gallery import vectors
from imgsearch.gallery.check import check_gallery
from imgsearch.gallery.index_file import is_current
from imgsearch.gallery.manifest import file_digest, read_manifest


def index_of(lab):
    (path,) = lab.gallery.glob("index-*.faiss")
    return path


def edit_manifest(lab, **changes):
    """Write other fields into the manifest, without a checksum, as the first release did."""
    path = lab.gallery / "manifest.json"
    document = {**json.loads(path.read_text()), **changes}
    del document["crc32"]
    path.write_text(json.dumps(document))


def cut(lab):
    path = index_of(lab)
    path.write_bytes(path.read_bytes()[:-5])


def scribble(lab):
    path = index_of(lab)
    path.write_bytes(b"\xab" * path.stat().st_size)


def shrink(lab):
    """Give the manifest the size of a truncated file: only the header tells."""
    cut(lab)
    edit_manifest(lab, size_bytes=index_of(lab).stat().st_size)


def make_flat(lab):
    """Put the float32 index of an earlier release there, and let the manifest agree."""
    ids, rows = np.arange(1, 4), np.eye(3, dtype=np.float32)[::-1].copy()
    index = faiss.IndexIDMap2(faiss.IndexFlatIP(3))
    index.add_with_ids(rows, ids)
    path = index_of(lab)
    faiss.write_index(index, str(path))
    edit_manifest(lab, size_bytes=path.stat().st_size, sha256=file_digest(path))


def make_folder(lab):
    path = index_of(lab)
    path.unlink()
    path.mkdir()


def flip_a_vector(lab):
    path = index_of(lab)
    content = bytearray(path.read_bytes())
    content[37 + 37 + 36 + 8 + 2] ^= 0x40  # in the first vector, behind headers and count
    path.write_bytes(content)


DAMAGE = {
    "index missing": lambda lab: index_of(lab).unlink(),
    "index truncated": cut,
    "index truncated, manifest agrees": shrink,
    "index garbage": scribble,
    "index of float32": make_flat,
    "index a folder": make_folder,
    "manifest missing": lambda lab: (lab.gallery / "manifest.json").unlink(),
    "manifest garbage": lambda lab: (lab.gallery / "manifest.json").write_bytes(b"\xff\x00{"),
    "manifest nested": lambda lab: (lab.gallery / "manifest.json").write_text("[" * 100_000),
    "manifest a list": lambda lab: (lab.gallery / "manifest.json").write_text("[1, 2]"),
    "manifest of other fields": lambda lab: edit_manifest(lab, extra=1),
    "manifest, number a text": lambda lab: edit_manifest(lab, generation="1"),
    "manifest, number true": lambda lab: edit_manifest(lab, generation=True),
    "manifest, number negative": lambda lab: edit_manifest(lab, images=-1),
    "manifest, name a number": lambda lab: edit_manifest(lab, index_file=1),
    "manifest, name outside": lambda lab: edit_manifest(lab, index_file="../index-00000001.faiss"),
    "manifest, name with a null": lambda lab: edit_manifest(lab, index_file="index-0\0.faiss"),
    "manifest, name empty": lambda lab: edit_manifest(lab, index_file=""),
    "manifest, token a number": lambda lab: edit_manifest(lab, token=1),
    "manifest, digest none": lambda lab: edit_manifest(lab, sha256=None),
    "another publication": lambda lab: edit_manifest(lab, token="another"),
    "another count": lambda lab: edit_manifest(lab, images=4),
    "a newer generation": lambda lab: edit_manifest(lab, generation=9),
    "an older generation": lambda lab: edit_manifest(lab, generation=0),
}


UNSOUND = {
    "index truncated",
    "index truncated, manifest agrees",
    "index garbage",
    "index of float32",
    "index a folder",
    "another count",
    *(name for name in DAMAGE if name.startswith("manifest") and name != "manifest missing"),
}
"""What no writer leaves behind, even if it is killed; the rest merely costs time."""


@pytest.mark.parametrize("damage", DAMAGE)
def test_answers_stay_right_and_check_reports_and_mends(three, damage):
    DAMAGE[damage](three)

    # red to red 1, to yellow 1 / sqrt 2, to green 0
    assert three.hits(three.root / "a.png") == [("a.png", 1.0), ("b.png", 0.707), ("c.png", 0.0)]
    found = check_gallery(three.gallery)
    assert bool(found.problems) == (damage in UNSOUND)
    assert bool(found.notes) == (damage not in UNSOUND)
    if damage != "index a folder":
        report = check_gallery(three.gallery, repair=True)
        assert (report.healthy, report.images, report.sampled) == (True, 3, 3)


@pytest.mark.parametrize("damage", sorted(set(DAMAGE) - {"index a folder", "another count"}))
def test_the_next_update_or_check_mends_without_embedding(three, damage):
    DAMAGE[damage](three)

    report, embedded = three.update_quietly()

    assert (report.unchanged, embedded) == (3, 0)
    assert len(three.hits(three.root / "a.png")) == 3


def test_a_flipped_vector_in_the_index_file_is_found_by_the_digest(three):
    flip_a_vector(three)

    report = check_gallery(three.gallery)

    assert report.problems == (
        "the index file is damaged: its sha256 is not the manifest's;"
        " run `imgsearch check --repair`",
    )


def test_vectors_that_are_no_numbers_end_a_query_with_what_to_do_and_are_mended(three):
    path = index_of(three)
    content = bytearray(path.read_bytes())
    content[118 : 118 + 3 * 3 * 2] = b"\xff" * 18  # all vectors; a query trusts the headers
    path.write_bytes(content)

    with pytest.raises(IndexFileError, match=r"damaged; run `imgsearch check --repair`"):
        three.hits(three.root / "a.png")

    assert check_gallery(three.gallery, repair=True).healthy
    assert three.hits(three.root / "a.png", k=1) == [("a.png", 1.0)]


def test_a_catalogue_made_anew_beside_an_old_index_does_not_believe_it(three):
    for path in three.gallery.glob("catalog.sqlite*"):
        path.unlink()
    (three.root / "a.png").unlink()
    three.paint("d.png", "#00f")

    report = three.update()  # the same generation and the same number of pictures as before

    assert report.added == 3
    assert three.hits(three.root / "d.png", k=1) == [("d.png", 1.0)]
    assert three.hits(three.root / "c.png", k=2)[0] == ("c.png", 1.0)
    assert check_gallery(three.gallery).healthy


def test_a_catalogue_from_a_backup_that_counts_on_does_not_believe_a_newer_index(three, tmp_path):
    backup = tmp_path / "backup.sqlite"
    shutil.copy(three.gallery / "catalog.sqlite", backup)
    three.paint("d.png", "#00f")
    three.update()
    for path in three.gallery.glob("catalog.sqlite-*"):
        path.unlink()
    shutil.copy(backup, three.gallery / "catalog.sqlite")
    (three.root / "d.png").unlink()
    three.paint("e.png", "#0ff")

    three.update()  # generation 2 once more, with another fourth picture

    assert three.hits(three.root / "e.png", k=1) == [("e.png", 1.0)]
    # cyan to green is 1 / sqrt 2; blue to green would be 0
    assert three.hits(three.root / "c.png", k=3)[1:] == [("b.png", 0.707), ("e.png", 0.707)]
    assert check_gallery(three.gallery).healthy


def test_removals_older_than_any_index_file_are_forgotten(three):
    three.write("notes.txt", b"no picture")
    for name in ("a.png", "b.png", "c.png"):
        (three.root / name).unlink()
        three.update()

    with three.reader() as store:
        # generation 4 is published, generation 3 may still be mapped: 3 removed b, 4 removed c
        assert store.catalog.removed_since(-1).tolist() == [3]
        assert is_current(store.catalog)
    assert read_manifest(three.gallery).images == 0


def test_a_damaged_index_is_built_anew_and_never_signed_when_it_is_caught_up(three):
    flip_a_vector(three)
    three.paint("d.png", "#00f")

    three.update()

    assert check_gallery(three.gallery).healthy
    assert three.hits(three.root / "a.png", k=2) == [("a.png", 1.0), ("b.png", 0.707)]


def test_a_vector_that_no_index_takes_is_damage(three):
    blob, crc = vectors.pack(np.array([2, 0, 0], dtype=np.float32))
    connection = sqlite3.connect(three.gallery / "catalog.sqlite")
    with connection:
        connection.execute("UPDATE embeddings SET vector = ?, crc32 = ?", (blob, crc))
    connection.close()
    index_of(three).unlink()

    with pytest.raises(GalleryCorruptError, match=r"cannot be indexed .* check --repair"):
        three.hits(three.root / "a.png")
