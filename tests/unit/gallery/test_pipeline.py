"""The pipeline: in order, several at once, and never far ahead."""

import os
import threading
import time
from contextlib import closing

import pytest
from PIL import Image

from imgsearch.gallery import pipeline
from imgsearch.gallery.pipeline import FileLoader, KnownContent, LoadedImage, map_in_order
from imgsearch.gallery.records import FileStamp
from imgsearch.images.fingerprint import content_hash
from imgsearch.types import Preprocessing


def test_results_come_in_the_order_of_the_items():
    release = threading.Event()

    def slow_first(item):
        if item == 0:
            release.wait(5)
        if item == 3:
            release.set()
        return item * 10

    results = map_in_order(slow_first, range(8), jobs=4, look_ahead=6)

    assert list(results) == [0, 10, 20, 30, 40, 50, 60, 70]


@pytest.mark.parametrize("jobs", [1, 3])
def test_items_are_taken_only_as_fast_as_results_are(jobs):
    taken = []

    def items():
        for number in range(1000):
            taken.append(number)
            yield number

    with closing(map_in_order(str, items(), jobs=jobs, look_ahead=5)) as results:
        assert [next(results) for _ in range(3)] == ["0", "1", "2"]
        assert len(taken) == 7  # five under way for the first result, and one more for each


def test_what_a_thread_raises_is_raised_and_the_rest_is_dropped():
    seen = []

    def work(item):
        seen.append(item)
        return 1 // (item - 2)

    with pytest.raises(ZeroDivisionError):
        list(map_in_order(work, range(1000), jobs=1, look_ahead=4))
    assert len(seen) < 10


def test_a_content_is_decoded_by_one_thread_until_it_is_released():
    known = KnownContent(lambda digest: digest == b"stored")

    assert not known.claim(b"stored")
    assert known.claim(b"new")
    assert not known.claim(b"new")
    known.release(b"new")
    assert known.claim(b"new")


def test_a_picture_too_large_for_memory_is_streamed(lab, monkeypatch):
    path = lab.paint("a.png", "#f00")
    monkeypatch.setattr(pipeline, "load", lambda path, **_: path)
    loader = FileLoader(
        {1: lab.root}, Preprocessing(8, "faithful"), KnownContent(lambda _: False), 1000
    )

    loaded = loader.load(FileStamp(1, "a.png", 1, 1))

    assert isinstance(loaded, LoadedImage)
    assert loaded.prepared.pixels[0, 0].tolist() == [255, 0, 0]
    assert path.exists()


def test_a_system_error_outside_the_reader_is_a_failure_of_the_file(lab, monkeypatch):
    def fail(_path, **_):
        raise TimeoutError("the share does not answer")

    monkeypatch.setattr(pipeline, "load", fail)
    lab.paint("a.png", "#f00")

    assert lab.update().failed[0].reason == "the share does not answer"


def test_stopping_early_is_told_before_the_threads_are_waited_for():
    stopped = threading.Event()

    def work(number):
        return number if number == 0 else stopped.wait(timeout=10)

    with closing(
        map_in_order(work, range(5), jobs=2, look_ahead=3, on_stop=stopped.set)
    ) as results:
        assert next(results) == 0

    assert stopped.is_set()


def test_a_huge_file_that_is_no_picture_is_refused_by_its_first_bytes(tmp_path):
    with (tmp_path / "sparse.jpg").open("wb") as file:
        file.truncate(1 << 40)  # hashing a terabyte would take many minutes
    known = KnownContent(lambda _digest: False)
    loader = FileLoader({1: tmp_path}, Preprocessing(8, "faithful"), known, 1000)

    outcome = loader.load(FileStamp(1, "sparse.jpg", 1 << 40, 0))

    assert outcome.kind == "failed"
    assert "begins with zero bytes" in outcome.reason


@pytest.fixture
def streaming(lab, monkeypatch):
    """A loader that takes every file for one that is too large for memory."""
    monkeypatch.setattr(pipeline, "load", lambda path, **_: path)
    known = KnownContent(lambda _digest: False)
    return FileLoader({1: lab.root}, Preprocessing(8, "faithful"), known, 1000)


def change_after_hashing(monkeypatch, change):
    def hash_and_change(source, **options):
        digest = content_hash(source, **options)
        change()
        return digest

    monkeypatch.setattr(pipeline, "content_hash", hash_and_change)


def test_a_large_file_that_is_replaced_between_hash_and_decoding_is_refused(
    lab, streaming, monkeypatch
):
    lab.paint("a.png", "#f00")
    other = lab.paint("b.png", "#00f")
    change_after_hashing(monkeypatch, lambda: other.replace(lab.root / "a.png"))

    outcome = streaming.load(FileStamp(1, "a.png", 1, 1))

    assert (outcome.kind, outcome.reason) == (
        "failed",
        "it changed while it was read; index it again",
    )


def test_a_large_file_that_is_rewritten_with_its_old_time_is_refused(lab, streaming, monkeypatch):
    path = lab.paint("a.png", "#f00")
    before = path.stat()

    def rewrite():
        time.sleep(0.02)  # file systems count in steps of a few milliseconds
        Image.new("RGB", (8, 8), "#00f").save(path)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    change_after_hashing(monkeypatch, rewrite)

    assert "changed while" in streaming.load(FileStamp(1, "a.png", 1, 1)).reason


def test_a_large_file_that_vanishes_between_hash_and_decoding_is_listed(
    lab, streaming, monkeypatch
):
    path = lab.paint("a.png", "#f00")
    change_after_hashing(monkeypatch, path.unlink)

    assert streaming.load(FileStamp(1, "a.png", 1, 1)).reason == "no such file"


def test_a_file_that_changed_while_it_was_read_is_indexed_by_the_next_update(lab, monkeypatch):
    path = lab.paint("a.png", "#f00")
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "load", lambda path, **_: path)
        change_after_hashing(patch, lambda: lab.paint("a.png", "#00f"))
        assert lab.update().failed[0].path == path

    lab.update()

    assert lab.vectors() == {"a.png": (0, 0, 1)}


def test_a_new_file_is_opened_once(lab, monkeypatch):
    lab.paint("a.png", "#f00")
    opened, system_open = [], os.open

    def count(path, *arguments, **options):
        opened.append(str(path))
        return system_open(path, *arguments, **options)

    monkeypatch.setattr(os, "open", count)
    lab.update()

    assert sum(path.endswith("a.png") for path in opened) == 1
