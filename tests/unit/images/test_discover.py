import os
import socket
from pathlib import Path

import pytest

from imgsearch.images import discover
from imgsearch.images.discover import FoundFile, looks_like_image, sniff, walk


def fail_on_error(path, error):
    pytest.fail(f"unexpected error at {path!r}: {error}")


def paths_of(root, on_error=fail_on_error):
    return [found.path for found in walk(root, on_error)]


def write(path, content=b"x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def refuse_scandir(monkeypatch, refused, error):
    true_scandir = os.scandir

    def scandir(path):
        if Path(path).name == refused:
            raise error
        return true_scandir(path)

    monkeypatch.setattr(os, "scandir", scandir)


def test_walk_yields_files_by_name_and_then_folders_by_name(tmp_path):
    for name in ("b.jpg", "z/a.jpg", "a.jpg", "c/d/e.jpg", "c/a.jpg"):
        write(tmp_path / name)

    assert paths_of(tmp_path) == ["a.jpg", "b.jpg", "c/a.jpg", "c/d/e.jpg", "z/a.jpg"]


def test_walk_reports_size_and_modification_time(tmp_path):
    file = write(tmp_path / "a.jpg", b"12345")
    os.utime(file, ns=(1, 1_700_000_000_123_456_789))

    (found,) = walk(tmp_path, fail_on_error)

    assert found == FoundFile("a.jpg", 5, 1_700_000_000_123_456_789)


def test_walk_skips_hidden_files_and_hidden_folders(tmp_path):
    write(tmp_path / "._a.jpg")
    write(tmp_path / ".imgsearch" / "b.jpg")
    write(tmp_path / "c.jpg")

    assert paths_of(tmp_path) == ["c.jpg"]


def test_walk_enters_a_root_whose_own_name_is_hidden(tmp_path):
    write(tmp_path / ".photos" / "a.jpg")

    assert paths_of(tmp_path / ".photos") == ["a.jpg"]


def test_walk_does_not_follow_links_to_folders(tmp_path):
    write(tmp_path / "outside" / "a.jpg")
    root = tmp_path / "root"
    write(root / "b.jpg")
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to(root)

    assert paths_of(root) == ["b.jpg"]


def test_walk_skips_a_link_to_a_file_inside_the_root(tmp_path):
    write(tmp_path / "z.jpg")
    (tmp_path / "a.jpg").symlink_to("z.jpg")

    assert paths_of(tmp_path) == ["z.jpg"]


def test_walk_yields_the_first_of_several_links_to_one_file_outside(tmp_path):
    outside = write(tmp_path / "outside.jpg", b"123")
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.jpg").symlink_to(outside)
    (root / "b.jpg").symlink_to(outside)

    assert [(found.path, found.size_bytes) for found in walk(root, fail_on_error)] == [("a.jpg", 3)]


def test_walk_knows_a_sibling_folder_with_a_longer_name_from_the_root(tmp_path):
    outside = write(tmp_path / "root2" / "a.jpg")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link.jpg").symlink_to(outside)

    assert paths_of(root) == ["link.jpg"]


def test_walk_yields_hard_links_as_separate_files(tmp_path):
    file = write(tmp_path / "a.jpg")
    os.link(file, tmp_path / "b.jpg")

    assert paths_of(tmp_path) == ["a.jpg", "b.jpg"]


def test_walk_passes_over_links_that_lead_nowhere(tmp_path):
    (tmp_path / "gone.jpg").symlink_to("nothing.jpg")
    (tmp_path / "round.jpg").symlink_to("round.jpg")

    assert paths_of(tmp_path) == []


def test_walk_passes_over_pipes_and_sockets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    os.mkfifo("pipe.jpg")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.jpg")

        assert paths_of(tmp_path) == []


def test_walk_passes_over_a_link_to_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.jpg").symlink_to(tmp_path / "pipe")

    assert paths_of(root) == []


def test_walk_keeps_a_name_that_is_not_utf8(tmp_path):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg")).write_bytes(b"x")

    (path,) = paths_of(tmp_path)

    assert os.fsencode(path) == b"caf\xe9.jpg"


def test_walk_keeps_a_name_with_a_line_break(tmp_path):
    write(tmp_path / "a\nb.jpg")

    assert paths_of(tmp_path) == ["a\nb.jpg"]


def test_walk_reports_a_folder_that_cannot_be_listed_and_goes_on(tmp_path, monkeypatch):
    for name in ("a/1.jpg", "locked/2.jpg", "z/3.jpg"):
        write(tmp_path / name)
    refusal = PermissionError(13, "Permission denied")
    refuse_scandir(monkeypatch, "locked", refusal)
    errors = []

    paths = paths_of(tmp_path, lambda path, error: errors.append((path, error)))

    assert paths == ["a/1.jpg", "z/3.jpg"]
    assert errors == [("locked", refusal)]


def test_walk_takes_a_folder_that_vanished_for_gone(tmp_path, monkeypatch):
    write(tmp_path / "a" / "1.jpg")
    refuse_scandir(monkeypatch, "a", FileNotFoundError(2, "No such file or directory"))

    assert paths_of(tmp_path) == []


def test_walk_reports_a_root_that_is_missing(tmp_path):
    errors = []

    paths = paths_of(tmp_path / "none", lambda path, error: errors.append((path, type(error))))

    assert paths == []
    assert errors == [("", FileNotFoundError)]


class FakeEntry:
    """A directory entry whose examination fails."""

    def __init__(self, name, error):
        self.name = name
        self.error = error

    def is_file(self, **_):
        return True

    def stat(self):
        raise self.error


class FakeListing(list):
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def test_walk_reports_a_file_that_cannot_be_examined(tmp_path, monkeypatch):
    refusal = OSError(5, "Input/output error")
    monkeypatch.setattr(os, "scandir", lambda _: FakeListing([FakeEntry("a.jpg", refusal)]))
    errors = []

    paths = paths_of(tmp_path, lambda path, error: errors.append((path, error)))

    assert paths == []
    assert errors == [("a.jpg", refusal)]


def test_walk_takes_a_file_that_vanished_for_gone(tmp_path, monkeypatch):
    entry = FakeEntry("a.jpg", FileNotFoundError(2, "No such file or directory"))
    monkeypatch.setattr(os, "scandir", lambda _: FakeListing([entry]))

    assert paths_of(tmp_path) == []


def test_walk_reports_an_entry_whose_kind_is_unknown(tmp_path, monkeypatch):
    refusal = PermissionError(13, "Permission denied")
    entry = FakeEntry("a.jpg", refusal)
    entry.is_file = lambda **_: entry.stat()
    monkeypatch.setattr(os, "scandir", lambda _: FakeListing([entry]))
    errors = []

    paths = paths_of(tmp_path, lambda path, error: errors.append((path, error)))

    assert paths == []
    assert errors == [("a.jpg", refusal)]


def test_walk_goes_deeper_than_the_recursion_limit(tmp_path, monkeypatch):
    deep = tmp_path
    for _ in range(300):
        deep = deep / "d"
    write(deep / "a.jpg")
    monkeypatch.setattr("sys.getrecursionlimit", lambda: 100)

    assert paths_of(tmp_path) == ["/".join(["d"] * 300 + ["a.jpg"])]


@pytest.mark.parametrize("name", ["a.jpg", "A.JPEG", "x.y.HEIC", "raw.Cr2", "new.jxl", "d.svg"])
def test_looks_like_image_knows_picture_suffixes_in_any_case(name):
    assert looks_like_image(name)


@pytest.mark.parametrize("name", ["notes.txt", "film.mp4", "jpg", ".jpg", "a.jpg.part", ""])
def test_looks_like_image_rejects_other_names(name):
    assert not looks_like_image(name)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "JPEG"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "PNG"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "WEBP"),
        (b"GIF89a\x01\x00\x01\x00", "GIF"),
        (b"BM" + bytes(12) + b"\x28\x00\x00\x00", "BMP"),
        (b"II*\x00\x08\x00\x00\x00", "TIFF"),
        (b"MM\x00+\x00\x08\x00\x00", "TIFF"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG2000"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "HEIF"),
        (b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avifmiaf", "AVIF"),
        (b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00mif1avif", "AVIF"),
        (b"P6\n4 4\n255\n", "PPM"),
        (b"\x00\x00\x01\x00\x01\x00\x10\x10" + bytes(16), "ICO"),
        (b"8BPS\x00\x01", "PSD"),
        (b"qoif", "QOI"),
        (b"\xff\x0a\x00", "JPEG XL"),
        (b"%!PS-Adobe-3.0 EPSF", "EPS"),
        (b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom", "camera raw"),
    ],
)
def test_sniff_names_the_format_by_content(head, name):
    assert sniff(head) == name


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"BM is how this text begins",
        b"<html>",
        bytes(64),
        b"RIFF....WAVEfmt ",
        b"Perl",
        b"\x0a",
    ],
)
def test_sniff_takes_nothing_else_for_a_picture(head):
    assert sniff(head) is None


def test_sniff_does_not_take_a_film_for_a_picture():
    assert sniff(b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomavc1") is None


def test_a_huge_folder_is_walked_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(discover, "_ENTRIES_PER_PART", 3)
    names = [f"{number}.jpg" for number in range(10)]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "b").mkdir()
    (tmp_path / "a").mkdir()
    (tmp_path / "b" / "late.jpg").touch()
    (tmp_path / "a" / "early.jpg").touch()

    paths = [file.path for file in walk(tmp_path, print)]

    assert sorted(paths[:10]) == names
    assert paths[10:] == ["a/early.jpg", "b/late.jpg"]
