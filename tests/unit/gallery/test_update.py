"""What an update does to a gallery when files come, change, and go."""

import io
import os
import threading

import pytest
from PIL import Image

from imgsearch.gallery import pipeline, scan
from imgsearch.images.read import load

RED, GREEN, YELLOW = (1, 0, 0), (0, 1, 0), (0.7071, 0.7071, 0)


def numbers(report):
    return {
        name: value
        for name in ("added", "updated", "moved", "unchanged", "removed")
        if (value := getattr(report, name))
    }


def encoded(colour, kind="PNG"):
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(stream, kind)
    return stream.getvalue()


def test_new_pictures_are_added_with_their_vectors(lab):
    lab.paint("a.png", "#f00")
    lab.paint("sub/b.png", "#0f0")

    report = lab.update()

    assert numbers(report) == {"added": 2}
    assert (report.images, report.failed, report.ignored) == (2, (), ())
    assert lab.vectors() == {"a.png": RED, "b.png": GREEN}


def test_a_second_update_makes_no_embedder_and_changes_nothing(lab):
    lab.paint("a.png", "#f00")
    lab.update()
    made, rows = lab.made, lab.rows()

    report = lab.update()

    assert numbers(report) == {"unchanged": 1}
    assert (lab.made, lab.rows()) == (made, rows)
    assert report.images_per_second == 0


def test_a_file_of_another_size_is_embedded_again_under_its_id(lab):
    path = lab.paint("a.png", "#f00")
    lab.update()
    before, stamp = lab.ids(), path.stat()
    path.write_bytes(encoded("#0f0") + b"longer")
    os.utime(path, ns=(stamp.st_mtime_ns, stamp.st_mtime_ns))

    report = lab.update()

    assert numbers(report) == {"updated": 1}
    assert (lab.ids(), lab.vectors()) == (before, {"a.png": GREEN})


def test_a_file_of_another_time_is_embedded_again(lab):
    lab.paint("a.png", "#f00")
    lab.update()
    lab.paint("a.png", "#0f0")

    assert numbers(lab.update()) == {"updated": 1}
    assert lab.vectors() == {"a.png": GREEN}


def test_a_file_that_was_only_touched_is_not_embedded(lab):
    path = lab.paint("a.png", "#f00")
    lab.update()
    lab.touch(path)

    report, embedded = lab.update_quietly()

    assert (numbers(report), embedded) == ({"unchanged": 1}, 0)
    assert lab.update().images_per_second == 0  # and its new time was noted


def test_a_vanished_file_loses_its_row_and_its_hits(lab):
    lab.paint("a.png", "#f00")
    path = lab.paint("b.png", "#ff0")
    lab.update()
    path.unlink()

    assert numbers(lab.update()) == {"unchanged": 1, "removed": 1}
    assert lab.hits(encoded("#f00")) == [("a.png", 1.0)]


def test_a_removed_id_is_never_given_again(lab):
    path = lab.paint("a.png", "#f00")
    lab.write("notes.txt", b"no picture")
    lab.update()
    before = lab.ids()["a.png"]
    path.unlink()
    lab.update()
    lab.paint("a.png", "#f00")
    lab.update()

    assert lab.ids()["a.png"] > before


@pytest.mark.parametrize("target", ["z.png", "other/deep/a.png", "A.png"])
def test_a_moved_or_renamed_file_keeps_its_id_and_is_not_embedded(lab, target):
    path = lab.paint("a.png", "#f00")
    lab.update()
    before = lab.ids()["a.png"]
    (lab.root / target).parent.mkdir(parents=True, exist_ok=True)
    path.rename(lab.root / target)

    report, embedded = lab.update_quietly()

    assert (numbers(report), embedded) == ({"moved": 1}, 0)
    assert {path: row[0] for path, row in lab.rows().items()} == {lab.root / target: before}


def test_a_file_moved_over_another_takes_its_place(lab):
    path = lab.paint("a.png", "#f00")
    lab.paint("b.png", "#0f0")
    lab.update()
    before = lab.ids()["b.png"]
    path.replace(lab.root / "b.png")

    report, embedded = lab.update_quietly()

    assert (numbers(report), embedded) == ({"updated": 1, "removed": 1}, 0)
    assert (lab.ids(), lab.vectors()) == ({"b.png": before}, {"b.png": RED})


def test_a_copy_of_a_known_picture_is_a_row_of_its_own_without_embedding(lab):
    path = lab.paint("a.png", "#f00")
    lab.update()
    lab.write("copy.png", path.read_bytes())

    report, embedded = lab.update_quietly()

    assert (numbers(report), embedded) == ({"added": 1, "unchanged": 1}, 0)
    assert lab.vectors() == {"a.png": RED, "copy.png": RED}


def test_two_files_that_swap_their_names_swap_their_vectors_without_embedding(lab):
    one, other = lab.paint("a.png", "#f00"), lab.paint("b.png", "#0f0")
    lab.update()
    before = lab.ids()
    one.rename(lab.root / "c.png")
    other.rename(one)
    (lab.root / "c.png").rename(other)

    report, embedded = lab.update_quietly()

    assert (numbers(report), embedded) == ({"updated": 2}, 0)
    assert (lab.ids(), lab.vectors()) == (before, {"a.png": GREEN, "b.png": RED})


def test_a_swap_across_two_batches_is_embedded_again_and_right(lab):
    paths = [lab.paint(f"{number:03}.png", (255, number, 0)) for number in range(3)]
    lab.update()
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, contents[1:] + contents[:1], strict=True):
        path.write_bytes(content + b"x" * int(path.name == "001.png"))
        lab.touch(path)

    report = lab.update(batch_size=1, jobs=1)

    assert numbers(report) == {"updated": 3}
    # 0 shows (255, 1, 0), 1 shows (255, 2, 0) and 2 shows (255, 0, 0)
    greens = [round(255 * vector[1]) for _, vector in sorted(lab.vectors().items())]
    assert greens == [1, 2, 0]


def test_copies_in_one_update_are_embedded_once(lab):
    content = encoded("#f00")
    for number in range(40):
        lab.write(f"{number}.png", content)

    report, embedded = lab.update_quietly(batch_size=4)

    assert (numbers(report), embedded) == ({"added": 40}, 1)


def test_any_number_of_files_is_walked_and_read_in_parts(lab, monkeypatch):
    monkeypatch.setattr(scan, "_ROWS_PER_INSERT", 2)
    monkeypatch.setattr(scan, "_ROWS_PER_READ", 2)
    for number in range(5):
        lab.paint(f"{number}.png", (255, number, 0))
    lab.write("notes.txt", b"no picture")

    assert numbers(lab.update()) == {"added": 5}
    for path in lab.root.glob("*.png"):
        path.unlink()
    assert numbers(lab.update()) == {"removed": 5}


def test_rehash_finds_a_change_that_keeps_size_and_time(lab):
    path = lab.write("a.png", encoded("#f00").ljust(100))
    lab.paint("b.png", "#0f0")
    lab.update()
    stamp = path.stat()
    path.write_bytes(encoded("#ff0").ljust(100))
    os.utime(path, ns=(stamp.st_mtime_ns, stamp.st_mtime_ns))

    assert numbers(lab.update()) == {"unchanged": 2}
    assert numbers(lab.update(rehash=True)) == {"updated": 1, "unchanged": 1}
    assert lab.vectors() == {"a.png": YELLOW, "b.png": GREEN}


def test_a_copy_waits_for_the_file_with_which_its_content_comes(lab, monkeypatch):
    for name, colour in (("a.png", "#f00"), ("b.png", "#0f0"), ("c.png", "#f00")):
        lab.write(name, encoded(colour))
    read = threading.Event()

    def slow_for_a(path, **options):
        # So that it is c.png whose red is decoded, and b.png alone fills the first batch.
        assert path.name != "a.png" or read.wait(5)
        return load(path, **options)

    def told(self, *arguments):
        prepared = prepare_red(self, *arguments)
        if arguments[0].path == "c.png":
            read.set()
        return prepared

    prepare_red = pipeline.FileLoader._prepare
    monkeypatch.setattr(pipeline.FileLoader, "_prepare", told)
    monkeypatch.setattr(pipeline, "load", slow_for_a)

    report, embedded = lab.update_quietly(batch_size=1, jobs=3)

    assert (numbers(report), embedded) == ({"added": 3}, 2)
    reds = [round(vector[0]) for _, vector in sorted(lab.vectors().items())]
    assert sorted(reds) == [0, 1, 1]
