"""A catalogue that is damaged, foreign, newer or out of reach is named for what it is."""

import json
import sqlite3

import pytest

from imgsearch.errors import (
    GalleryCorruptError,
    GalleryError,
    GalleryNotFoundError,
    GalleryVersionError,
)
from imgsearch.gallery import checksums
from imgsearch.gallery.check import check_gallery
from imgsearch.gallery.export import export_gallery


@pytest.fixture
def one(lab):
    lab.paint("a.png", "#f00")
    lab.update()
    return lab


def execute(lab, *statements):
    connection = sqlite3.connect(lab.gallery / "catalog.sqlite")
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def execute_as_ours(lab, statement):
    """Change a row together with its checksum."""
    connection = sqlite3.connect(lab.gallery / "catalog.sqlite")
    with connection:
        checksums.register(connection)
        checksums.seal_writes(connection)
        connection.execute(statement)
    connection.close()


def both_refuse(lab, kind, match):
    with pytest.raises(kind, match=match), lab.reader():
        pass
    with pytest.raises(kind, match=match):
        lab.update()


def test_garbage_is_a_damaged_catalogue(one):
    (one.gallery / "catalog.sqlite").write_bytes(b"garbage" * 1000)

    both_refuse(one, GalleryCorruptError, "catalog.sqlite is damaged .* check --repair")


def test_a_description_of_a_table_that_is_no_text_is_damage_and_mended(one):
    execute(one, "PRAGMA wal_checkpoint(TRUNCATE)")
    path = one.gallery / "catalog.sqlite"
    content = path.read_bytes()
    assert content.count(b"CREATE TABLE images") == 1
    path.write_bytes(content.replace(b"CREATE TABLE images", b"CREATE TABLE i\xd4ages"))

    both_refuse(one, GalleryCorruptError, "is damaged .*check --repair")
    assert check_gallery(one.gallery, repair=True).healthy
    assert one.names() == ["a.png"]


def test_the_database_of_another_program_is_refused_and_left_as_it_is(lab):
    lab.gallery.mkdir()
    execute(lab, "CREATE TABLE theirs (x)")
    before = (lab.gallery / "catalog.sqlite").read_bytes()

    both_refuse(lab, GalleryCorruptError, "another program's database; name another with")

    assert (lab.gallery / "catalog.sqlite").read_bytes() == before


def test_a_newer_format_is_refused(one):
    execute(one, "PRAGMA user_version = 4", "UPDATE meta SET value = '4' WHERE key = 'format'")

    both_refuse(one, GalleryVersionError, "format 4 is newer than 3, .*; update imgsearch")


def test_a_format_in_the_header_that_is_not_the_tables_is_damage_and_mended(one):
    connection = sqlite3.connect(one.gallery / "catalog.sqlite")
    connection.execute("PRAGMA user_version = 2")
    connection.close()

    with pytest.raises(GalleryCorruptError, match="has a damaged header; run"):
        one.names()
    check_gallery(one.gallery, repair=True)
    one.update()
    assert check_gallery(one.gallery).healthy
    assert one.names() == ["a.png"]


def test_an_empty_catalogue_file_is_no_gallery_yet(lab):
    lab.gallery.mkdir()
    (lab.gallery / "catalog.sqlite").touch()
    lab.paint("a.png", "#f00")

    with pytest.raises(GalleryNotFoundError, match="it is empty"), lab.reader():
        pass
    assert lab.update().added == 1


def identity(**changes):
    """A sound identity as the catalogue keeps it, but for these fields."""
    shape = {"side": 8, "rendering": "faithful"}
    fields = {"model": "m", "weights": "w", "preprocessing": shape, "pooling": "avg", "dim": 3}
    return json.dumps({**fields, **changes})


MISTYPED = [
    identity(dim="3"),
    identity(dim=True),
    identity(dim=0),
    identity(model=None),
    identity(preprocessing={"side": "8", "rendering": "faithful"}),
    identity(preprocessing={"side": 8, "rendering": 1}),
]


@pytest.mark.parametrize("text", MISTYPED)
def test_an_identity_of_other_types_is_damage_to_every_command(one, text):
    execute_as_ours(one, f"UPDATE meta SET value = '{text}' WHERE key = 'embedder'")

    for action in (one.update, lambda: one.search(one.root / "a.png")):
        with pytest.raises(GalleryCorruptError, match="embedder entry is damaged"):
            action()
    assert "embedder entry is damaged" in check_gallery(one.gallery).problems[0]


def test_pictures_whose_root_is_missing_are_damage(one, tmp_path):
    execute(one, "PRAGMA foreign_keys = OFF", "DELETE FROM roots")

    with pytest.raises(GalleryCorruptError, match="image 1 belongs to no indexed folder; run"):
        one.search((one.root / "a.png").read_bytes())
    with pytest.raises(GalleryCorruptError, match="image 1 belongs to no indexed folder; run"):
        one.rows()
    with (
        one.reader() as store,
        pytest.raises(GalleryCorruptError, match="image 1 belongs to no indexed folder; run"),
    ):
        export_gallery(store, tmp_path / "out.npz")
    assert not (tmp_path / "out.npz").exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '"x"', '{"preprocessing": {"x": 1}}'])
def test_an_identity_that_makes_no_sense_is_damage(one, text):
    execute_as_ours(one, f"UPDATE meta SET value = '{text}' WHERE key = 'embedder'")

    with pytest.raises(GalleryCorruptError, match="embedder entry is damaged"):
        one.update()


def test_a_generation_that_is_no_number_is_damage(one):
    execute(one, "UPDATE meta SET value = 'x' WHERE key = 'generation'")

    with pytest.raises(GalleryCorruptError, match="generation entry is damaged"):
        one.search(one.root / "a.png")


@pytest.mark.parametrize("table", ["roots", "images", "embeddings", "rejects", "meta"])
def test_no_error_of_sqlite_escapes_when_a_table_is_missing(one, table):
    execute(one, "PRAGMA foreign_keys = OFF", f"DROP TABLE {table}")
    one.paint("b.png", "#0f0")

    with pytest.raises(GalleryError):
        one.update()
    if table != "rejects":
        with pytest.raises(GalleryError):
            one.search(one.root / "a.png")


def test_no_error_of_sqlite_escapes_whichever_page_is_damaged(lab):
    for number in range(60):
        lab.paint(f"{number}.png", (255, number, 0))
    lab.update()
    path = lab.gallery / "catalog.sqlite"
    execute(lab, "PRAGMA wal_checkpoint(TRUNCATE)")
    sound = path.read_bytes()

    size = int.from_bytes(sound[16:18], "big")  # of a page, says SQLite's header
    assert len(sound) > 5 * size
    for start in range(0, len(sound), size):
        path.write_bytes(sound[:start] + b"\xa5" * size + sound[start + size :])
        for action in (lab.update, lambda: lab.search(lab.root / "1.png"), lab.rows):
            try:
                action()
            except GalleryError:
                break
        try:
            assert check_gallery(lab.gallery).images >= 0
        except GalleryError:
            continue


def test_a_flipped_vector_is_reported_and_mended_by_repair_and_update(one):
    one.paint("b.png", "#0f0")
    one.update()
    ids = one.ids()
    execute(one, "UPDATE embeddings SET vector = x'00000000' WHERE image_id = 1")

    assert check_gallery(one.gallery).problems == (
        "the vector of image 1 is damaged; run `imgsearch check --repair`",
    )
    with pytest.raises(GalleryCorruptError, match="vector of image 1 is damaged"):
        one.search(one.root / "a.png")

    report = check_gallery(one.gallery, repair=True)
    assert report.repaired
    assert report.problems == ("1 images have no vector; run `imgsearch index` on their folders",)
    assert one.hits(one.root / "b.png") == [("b.png", 1.0)]

    assert one.update().updated == 1
    assert (one.ids(), check_gallery(one.gallery).healthy) == (ids, True)
    assert one.hits(one.root / "a.png") == [("a.png", 1.0), ("b.png", 0.0)]


def test_a_copy_of_a_picture_whose_vector_is_damaged_is_embedded(one):
    execute(one, "UPDATE embeddings SET vector = x'00000000' WHERE image_id = 1")
    one.write("copy.png", (one.root / "a.png").read_bytes())

    report, embedded = one.update_quietly()

    assert (report.added, embedded) == (1, 1)
    check_gallery(one.gallery, repair=True)
    assert one.update_quietly()[1] == 0  # its copy knows the vector
    assert one.vectors() == {"a.png": (1, 0, 0), "copy.png": (1, 0, 0)}


def test_a_missing_vector_is_reported_and_mended(one):
    execute(one, "DELETE FROM embeddings")

    assert check_gallery(one.gallery).problems[0].startswith("1 images have no vector")
    with pytest.raises(GalleryCorruptError, match="image 1 has no vector"):
        one.rows()
    check_gallery(one.gallery, repair=True)
    assert one.update().updated == 1


def test_a_gallery_that_is_not_there_says_how_to_make_one(lab):
    with pytest.raises(GalleryNotFoundError, match="make one with `imgsearch index PHOTOS`"):
        lab.rows()
    assert not lab.gallery.exists()
