"""`imgsearch index` beyond the main job: what it forgets, refuses and says. Needs no weights."""

from __future__ import annotations

import shutil

import pytest


@pytest.fixture
def two_roots(imgsearch, tmp_path):
    """A gallery of the folders a and b, each with a file that cannot be read."""
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "broken.jpg").write_bytes(b"no picture")
    answer = imgsearch("index", tmp_path / "a", tmp_path / "b", "--gallery", tmp_path / "g")
    assert answer.code == 0
    assert answer.lines[0].startswith("0 images: 2 not readable (")
    return tmp_path


def test_a_root_that_is_gone_is_forgotten(imgsearch, two_roots):
    shutil.rmtree(two_roots / "b")

    answer = imgsearch("index", "--forget", two_roots / "b", "--gallery", two_roots / "g", "--json")

    assert (answer.code, answer.document["removed"], answer.err) == (0, 0, "")
    info = imgsearch("info", "--gallery", two_roots / "g", "--json").document
    assert info["roots"] == [{"path": str(two_roots / "a")}]


def test_an_unknown_root_to_forget_is_one_line_with_the_known_ones(fails, two_roots):
    error = fails("index", "--forget", two_roots / "c", "--gallery", two_roots / "g")

    assert f"its roots: {two_roots / 'a'}, {two_roots / 'b'}" in error


def test_strict_asks_only_about_the_folder_that_was_named(imgsearch, tmp_path):
    for name in ("good", "bad"):
        (tmp_path / "photos" / name).mkdir(parents=True)
    (tmp_path / "photos/bad/x.jpg").write_bytes(b"no picture")
    assert imgsearch("index", tmp_path / "photos", "--strict").code == 1

    answer = imgsearch(
        "index", tmp_path / "photos/good", "--gallery", tmp_path / "photos/.imgsearch", "--strict"
    )

    assert (answer.code, answer.err) == (0, "")


def test_a_folder_with_a_newline_stays_on_one_line_of_the_summary(imgsearch, tmp_path):
    folder = tmp_path / "two\nlines\x1b[31m"
    folder.mkdir()

    answer = imgsearch("index", folder)

    assert len(answer.lines) == 1
    assert "two\\nlines\\x1b[31m" in answer.lines[0]


@pytest.mark.parametrize("arguments", [[""], ["photos", ""], ["photos", "--gallery", ""]])
def test_an_empty_name_is_a_usage_error_and_indexes_nothing(imgsearch, tmp_path, arguments):
    (tmp_path / "photos").mkdir()

    answer = imgsearch("index", *arguments, cwd=tmp_path)

    assert (answer.code, answer.out) == (2, b"")
    assert "the name of the folder is empty" in answer.err
    assert list(tmp_path.glob("**/.imgsearch")) == []


@pytest.mark.parametrize("arguments", [["loop"], ["photos", "--gallery", "loop"]])
@pytest.mark.parametrize("more", [[], ["--forget"], ["--preset", "default"]])
def test_a_circle_of_links_is_one_clear_line(fails, tmp_path, arguments, more):
    (tmp_path / "photos").mkdir()
    (tmp_path / "loop").symlink_to("loop")

    assert "loop" in fails("index", *arguments, *more, cwd=tmp_path)
