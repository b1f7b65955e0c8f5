"""Bad input: one clear line, the right exit code, and nothing lost. Needs no weights."""

from __future__ import annotations

import json
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from imgsearch.gallery.checksums import row_crc32


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.jpg"
    Image.new("RGB", (40, 30), (200, 30, 60)).save(path)
    return path


@pytest.fixture
def empty_gallery(imgsearch, tmp_path: Path) -> Path:
    """A gallery that was made of a folder without a picture; no network was needed for it."""
    (tmp_path / "none").mkdir()
    assert imgsearch("index", tmp_path / "none").code == 0
    return tmp_path / "none" / ".imgsearch"


def test_a_folder_that_is_not_there_is_named(fails, tmp_path):
    error = fails("index", tmp_path / "absent")

    assert str(tmp_path / "absent") in error
    assert "no such folder" in error
    assert not (tmp_path / "absent").exists()


def test_a_file_instead_of_a_folder_is_named(fails, picture):
    assert "it is a file" in fails("index", picture)


@pytest.mark.parametrize("content", [{}, {"notes.txt": b"no picture at all"}])
def test_a_folder_without_pictures_makes_an_empty_gallery(imgsearch, tmp_path, content):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, data in content.items():
        (folder / name).write_bytes(data)

    answer = imgsearch("index", folder)

    assert answer.code == 0
    assert answer.lines == [f"no pictures found; the gallery {folder / '.imgsearch'} is empty"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("zero.jpg", b"", "empty"),
        ("text.jpg", b"this is a text that somebody named .jpg" * 4, "not a picture"),
        ("cut.jpg", None, "ends early"),
    ],
)
def test_a_broken_file_is_listed_with_its_reason_and_stops_nothing(
    imgsearch, tmp_path, name, content, reason
):
    folder = tmp_path / "folder"
    folder.mkdir()
    if content is None:
        Image.effect_noise((200, 200), 80).convert("RGB").save(folder / name, quality=90)
        content = (folder / name).read_bytes()[:3000]
    (folder / name).write_bytes(content)

    answer = imgsearch("index", folder, "--json")

    assert answer.code == 0
    assert [failed["path"] for failed in answer.document["failed"]] == [str(folder / name)]
    assert reason in answer.document["failed"][0]["reason"]


def test_strict_makes_an_unreadable_file_an_error(imgsearch, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "zero.jpg").touch()

    assert imgsearch("index", tmp_path / "folder", "--strict").code == 1


def test_a_query_of_no_file_is_named(fails, empty_gallery, picture, tmp_path):
    assert "absent.jpg: no such file" in fails(
        "query", tmp_path / "absent.jpg", "--gallery", empty_gallery
    )


def test_an_empty_gallery_says_how_to_fill_it(fails, empty_gallery, picture):
    assert "imgsearch index" in fails("query", picture, "--gallery", empty_gallery)


@pytest.mark.parametrize("command", [["check"], ["info"], ["export", "o.npz"]])
def test_a_gallery_whose_links_lead_in_a_circle_is_one_line(fails, tmp_path, command):
    (tmp_path / "loop").symlink_to("loop")

    error = fails(*command, "--gallery", tmp_path / "loop")

    # Python 3.13 resolves such a link to itself: there is no gallery in it, then.
    assert error.startswith(f"imgsearch: gallery {tmp_path / 'loop'}: ")
    assert error.endswith("name another with --gallery DIR\n")


@pytest.mark.parametrize("command", [["query", "x.jpg"], ["check"], ["info"], ["export", "o.npz"]])
def test_no_gallery_says_how_to_make_one(fails, tmp_path, command):
    error = fails(*command, "--gallery", tmp_path / "absent")

    assert str(tmp_path / "absent") in error
    assert "imgsearch index" in error
    assert not (tmp_path / "absent").exists()


def test_no_gallery_anywhere_says_how_to_make_one(fails, tmp_path, picture):
    assert "imgsearch index" in fails("query", picture, cwd=tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [
        ["query", "x.jpg", "-k", "0"],
        ["query", "x.jpg", "-k", "abc"],
        ["query", "x.jpg", "--min-score", "2"],
        ["query", "x.jpg", "--min-score", "nan"],
        ["query", "x.jpg", "--since", "May"],
        ["query", "x.jpg", "--until", "2024-02-30"],
        ["query", "x.jpg", "--crop", "1,2,3"],
        ["query", "x.jpg", "--crop", "a,b,c,d"],
        ["query", ""],
        ["index", ".", "--jobs", "257"],
        ["query", "x.jpg", "--crop", "0,0,0,1"],
        ["query", "x.jpg", "--format", "doc"],
        ["query", "x.jpg", "--min-width", "-1"],
        ["query", "x.jpg", "--json", "--null"],
        ["query", "x.jpg", "--open"],
        ["query", "x.jpg", "--max-megapixels", "inf"],
        ["query"],
        ["index"],
        ["index", ".", "--preset", "nonsense"],
        ["index", ".", "--precision", "fp7"],
        ["nonsense"],
    ],
)
def test_a_wrong_word_is_a_usage_error(imgsearch, arguments):
    answer = imgsearch(*arguments)

    assert answer.code == 2
    assert answer.out == b""
    assert "Usage: imgsearch" in answer.err
    assert "Traceback" not in answer.err


def test_a_list_of_failures_that_is_empty_says_so_beside_the_results(imgsearch, empty_gallery):
    answer = imgsearch("info", "--failed", "--gallery", empty_gallery)

    assert (answer.code, answer.out) == (0, b"")
    assert answer.err == "imgsearch: every picture could be read\n"


def test_another_preset_than_the_gallerys_is_refused(fails, empty_gallery):
    error = fails("index", empty_gallery.parent, "--preset", "tutorial")

    assert "leave --preset out" in error


def state(gallery, key, value):
    """Write an entry of the catalogue as a release would: with its checksum."""
    with closing(sqlite3.connect(gallery / "catalog.sqlite")) as connection, connection:
        connection.execute(
            "UPDATE meta SET value = ?, crc32 = ? WHERE key = ?",
            (value, row_crc32(key, value), key),
        )


def test_a_gallery_of_other_weights_is_refused_by_name(fails, empty_gallery, picture):
    connection = sqlite3.connect(empty_gallery / "catalog.sqlite")
    (text,) = connection.execute("SELECT value FROM meta WHERE key = 'embedder'").fetchone()
    connection.close()
    state(empty_gallery, "embedder", json.dumps({**json.loads(text), "weights": "ab" * 32}))
    (empty_gallery.parent / "a.jpg").write_bytes(picture.read_bytes())

    error = fails("index", empty_gallery.parent)

    assert "weights abababab" in error


def test_a_gallery_of_a_newer_format_is_refused(fails, empty_gallery, picture):
    connection = sqlite3.connect(empty_gallery / "catalog.sqlite")
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    state(empty_gallery, "format", "999")

    assert "update imgsearch" in fails("query", picture, "--gallery", empty_gallery)


def test_a_catalogue_of_rubbish_is_refused_and_left_alone(fails, empty_gallery, picture):
    rubbish = b"rubbish" * 1000
    (empty_gallery / "catalog.sqlite").write_bytes(rubbish)

    assert "damaged" in fails("index", empty_gallery.parent)
    assert (empty_gallery / "catalog.sqlite").read_bytes() == rubbish


def test_a_root_that_cannot_be_written_asks_for_another_gallery(fails, tmp_path, picture):
    # A file where the gallery's folder would be: root's rights do not help against that.
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / ".imgsearch").write_text("in the way")

    error = fails("index", tmp_path / "photos")

    assert "--gallery DIR" in error
    assert (tmp_path / "photos" / ".imgsearch").read_text() == "in the way"


def test_a_gallery_folder_may_hold_other_files_and_they_are_left_alone(imgsearch, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "mixed").mkdir()
    (tmp_path / "mixed" / "diary.txt").write_text("dear diary")

    answer = imgsearch("index", tmp_path / "photos", "--gallery", tmp_path / "mixed")

    assert answer.code == 0
    assert (tmp_path / "mixed" / "diary.txt").read_text() == "dear diary"


def test_export_does_not_write_over_a_file(fails, empty_gallery, tmp_path):
    (tmp_path / "mine.npz").write_bytes(b"mine")

    fails("export", tmp_path / "mine.npz", "--gallery", empty_gallery)

    assert (tmp_path / "mine.npz").read_bytes() == b"mine"


def test_a_weight_file_of_something_else_is_refused_with_both_digests(fails, tmp_path, picture):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(picture.read_bytes())
    (tmp_path / "other.npz").write_bytes(b"PK rubbish")

    error = fails("index", tmp_path / "photos", "--weights", tmp_path / "other.npz")

    assert "other.npz" in error


def test_a_name_with_a_newline_stays_on_one_line_of_an_error(fails, empty_gallery, tmp_path):
    assert "two\\nlines.jpg" in fails(
        "query", tmp_path / "two\nlines.jpg", "--gallery", empty_gallery
    )


def test_what_libtiff_says_of_odd_files_does_not_reach_the_terminal(imgsearch, tmp_path):
    (tmp_path / "folder").mkdir()
    odd = tmp_path / "folder" / "odd.tif"
    Image.effect_noise((64, 64), 90).convert("RGB").save(odd, compression="tiff_lzw")
    with Image.open(odd) as picture:
        strip = picture.tag_v2[273][0]
    content = bytearray(odd.read_bytes())
    content[strip + 200 : strip + 400] = b"\xff" * 200  # libtiff complains of the LZW codes
    odd.write_bytes(content)

    answer = imgsearch("index", tmp_path / "folder")

    assert [line.partition(":")[0] for line in answer.err.splitlines()] == [f"cannot read {odd}"]


@pytest.mark.parametrize(
    ("arguments", "closed", "message"),
    [
        (["info"], ">&-", "standard output is closed"),
        (["query", "-"], "<&-", "standard input: it is closed"),
        (["--version"], ">/dev/full", "No space left on device"),
    ],
)
def test_a_stream_that_is_closed_or_full_is_one_line(
    imgsearch, empty_gallery, arguments, closed, message
):
    command = shlex.join(imgsearch.argv(*arguments))
    environment = {**imgsearch.environment, "IMGSEARCH_GALLERY": str(empty_gallery)}

    done = subprocess.run(
        ["sh", "-c", f"{command} {closed}"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr


@pytest.mark.parametrize("module", ["imgsearch.cli.main", "imgsearch.cli.info"])
def test_ctrl_c_while_the_program_still_loads_is_one_line(imgsearch, module):
    code = f"""
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)

class CtrlC:
    def find_spec(self, name, *_):
        if name == {module!r}:
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt:
                pass  # as a library might that is being loaded

sys.meta_path.insert(0, CtrlC())
from imgsearch.__main__ import main
sys.argv = ["imgsearch", "info"]
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=imgsearch.environment,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )

    assert done.returncode == 130
    assert done.stderr.splitlines() == [
        "imgsearch: interrupted; what was done is kept, the same command goes on from there"
    ]


def test_a_full_disk_under_the_output_is_one_line(imgsearch, empty_gallery):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            imgsearch.argv("info", "--gallery", empty_gallery),
            stdout=full,
            stderr=subprocess.PIPE,
            env=imgsearch.environment,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "imgsearch: the system refused: [Errno 28] No space left on device"
    ]
