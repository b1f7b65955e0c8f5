from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from imgsearch.dedup import insides
from imgsearch.dedup.first_look import first_look
from imgsearch.dedup.insides import INSIDE_KIND
from imgsearch.dedup.portrait import AS_A_SQUARE
from imgsearch.dedup.screening import screen
from imgsearch.images import sketch
from imgsearch.images.prepare import prepare
from imgsearch.images.sketch import SKETCH_KIND, Sketch
from imgsearch.images.thumbnail import pack_thumbnail

CAT = Path(__file__).parents[3] / "data" / "photos" / "cat.jpg"


@pytest.fixture
def thumbnail():
    return pack_thumbnail(prepare(CAT, AS_A_SQUARE, name="cat.jpg"))


def refuse(*_):
    raise cv2.error("OpenCV(5.0.0) orb.cpp: error: (-215:Assertion failed)")


def test_a_picture_is_sketched(thumbnail):
    seen = first_look(thumbnail)
    assert len(Sketch.from_bytes(seen[SKETCH_KIND]).plain) == 128
    assert seen[INSIDE_KIND] == b""  # it has no margin


def test_a_picture_that_cannot_be_sketched_is_like_no_other(thumbnail, monkeypatch, caplog):
    whole = Sketch.from_bytes(first_look(thumbnail)[SKETCH_KIND])
    monkeypatch.setattr(sketch, "_landmarks", refuse)
    blank = Sketch.from_bytes(first_look(thumbnail)[SKETCH_KIND])
    assert screen([blank, blank, whole], [blank, whole, blank]) == {}
    assert "cannot be sketched" in caplog.text


def test_a_picture_whose_margin_cannot_be_looked_for_has_none(thumbnail, monkeypatch):
    expected = first_look(thumbnail)
    monkeypatch.setattr(insides, "turned_frame", refuse)
    assert first_look(thumbnail) == expected
