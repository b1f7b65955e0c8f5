from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from imgsearch.dedup import looking
from imgsearch.dedup.album import Album
from imgsearch.dedup.contents import Content
from imgsearch.dedup.crew import Crew
from imgsearch.dedup.looking import PairViewer
from imgsearch.dedup.onlooker import as_numbers, of_numbers
from imgsearch.dedup.records import Picture
from imgsearch.dedup.screening import fit_sketch
from imgsearch.gallery.copy_cache import CopyCache
from imgsearch.gallery.records import FileStamp, ImageFacts

PHOTOS = Path(__file__).parents[3] / "data" / "photos"
NAMES = ("cat.jpg", "dog.jpg", "owl.jpg", "coffee.jpg")
EVERY_PAIR = np.array([(0, 1), (0, 2), (0, 3), (0, 4), (1, 4), (2, 3)], np.int64)


@pytest.fixture
def contents(tmp_path):
    """Return four photos, and the first of them mirrored: the last content."""
    cat = Image.open(PHOTOS / "cat.jpg").convert("RGB")
    ImageOps.mirror(cat).save(tmp_path / "mirrored.png")
    paths = [*(PHOTOS / name for name in NAMES), tmp_path / "mirrored.png"]
    return [content(number, path) for number, path in enumerate(paths)]


def content(number: int, path: Path) -> Content:
    facts = ImageFacts(bytes([number]) * 32, 451, 300, "JPEG")
    stamp = FileStamp(1, path.name, path.stat().st_size, path.stat().st_mtime_ns)
    return Content(facts.content_hash, (Picture(number, path, stamp, facts),))


def viewer(contents, cache, monkeypatch, *, alone_ms):
    monkeypatch.setattr(looking, "_ALONE_MS", alone_ms)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    album = Album(contents, cache)
    album.sketch_all(lambda _done, _total: None)
    return PairViewer(contents, album, cache)


def found(contents, folder, monkeypatch, *, alone_ms):
    folder.mkdir()
    with CopyCache(folder) as cache:
        looks = viewer(contents, cache, monkeypatch, alone_ms=alone_ms)
        likely = looks.likely(EVERY_PAIR, lambda _done, _total: None)
        return likely, looks.judge([(0, 1), (0, 4)])


def test_child_processes_answer_what_this_one_would(tmp_path, contents, monkeypatch):
    alone = found(contents, tmp_path / "alone", monkeypatch, alone_ms=np.inf)
    monkeypatch.setattr(looking, "screen", None)  # nothing is left to do here
    monkeypatch.setattr(looking, "look", None)
    assert found(contents, tmp_path / "shared", monkeypatch, alone_ms=0) == alone
    assert alone[0] == [(0, 4)]
    assert alone[1][0, 4].tier == "copy"


def test_what_children_that_were_killed_leave_is_done_here(tmp_path, contents, monkeypatch):
    alone = found(contents, tmp_path / "alone", monkeypatch, alone_ms=np.inf)
    ask = Crew.ask

    def killing(crew, task, *given):
        for member in crew._members:
            os.kill(member._process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        return ask(crew, task, *given)

    monkeypatch.setattr(Crew, "ask", killing)
    assert found(contents, tmp_path / "killed", monkeypatch, alone_ms=0) == alone


def test_what_a_child_cannot_do_is_left_to_whoever_asked(tmp_path):
    crew = Crew(tmp_path, 1)
    assert crew.ask("screen", {0: b"no sketch"}, [(0, 0)]) is None
    assert crew.ask("screen", {}, [(0, 1)]) is None
    crew.close()


def test_a_child_says_that_a_file_cannot_be_read(tmp_path, contents):
    gone = replace(contents[0].first, path=tmp_path / "gone.jpg")
    crew = Crew(tmp_path, 1)
    assert crew.ask("look", contents[1], Content(b"?" * 32, (gone,)), None) == (None,)
    crew.close()


def test_children_end_with_the_viewer(tmp_path, contents, monkeypatch):
    with CopyCache(tmp_path) as cache:
        looks = viewer(contents, cache, monkeypatch, alone_ms=0)
        looks.judge([(0, 1)])
        processes = [member._process for member in looks._crew._members]
        assert [process.poll() for process in processes] == [None, None]
        del looks
    deadline = time.monotonic() + 10
    while any(process.poll() is None for process in processes) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [process.poll() for process in processes] == [0, 0]


def test_few_pairs_are_looked_at_here(tmp_path, contents, monkeypatch):
    monkeypatch.setattr(looking, "Crew", None)
    with CopyCache(tmp_path) as cache:
        looks = viewer(contents, cache, monkeypatch, alone_ms=500)
        assert looks.judge([(0, 4)])[0, 4].removable


def test_a_pair_that_cannot_be_compared_stays_and_is_named(tmp_path, contents, monkeypatch, caplog):
    def fail(*_):
        raise RuntimeError("(-215:Assertion failed)")

    monkeypatch.setattr(looking, "look", fail)
    with CopyCache(tmp_path) as cache:
        looks = viewer(contents, cache, monkeypatch, alone_ms=float("inf"))
        verdicts = looks.judge([(0, 1)])
        assert not cache.get_all(looking.VERDICT_KIND)
    assert not verdicts[0, 1].removable
    assert "cat.jpg and " in caplog.text
    assert "dog.jpg cannot be compared, and both stay" in caplog.text


def test_a_fit_survives_its_way_to_a_child_and_back(tmp_path, contents):
    with CopyCache(tmp_path) as cache:
        album = Album(contents, cache)
        fit = fit_sketch(album.sketch(0), album.sketch(4))
    assert of_numbers(as_numbers(fit)) == fit
    assert of_numbers(as_numbers(None)) is None
