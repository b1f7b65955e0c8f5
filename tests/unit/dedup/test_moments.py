"""Two frames of a burst are no copies, however alike they are: their clocks say so."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from imgsearch.dedup.explain import explain
from imgsearch.dedup.moments import seconds_apart

PHOTOS = Path(__file__).parents[3] / "data" / "photos"
MOMENT = "2024-05-31T18:20:05"
EXIF_DIRECTORY, TAKEN, TAKEN_FRACTION = 0x8769, 0x9003, 0x9291


@pytest.mark.parametrize(
    ("other", "seconds"),
    [
        (MOMENT, 0),
        ("2024-05-31T18:20:06", 1),
        ("2024-05-31T18:19:05", 60),
        ("2024-05-31T18:20:05.3", 0),  # its fraction may be lost in the other
        ("2024-05-31T17:20:05", 0),  # the same in another time zone
        ("2024-05-31T18:50:05", 0),
        ("2024-05-31T19:10:06", 3001),
        ("2023-05-31T18:20:09", 0),  # a clock that was set right
        (None, 0),
    ],
)
def test_how_far_apart_two_pictures_of_one_occasion_were_taken(other, seconds):
    assert seconds_apart(MOMENT, other) == seconds
    assert seconds_apart(other, MOMENT) == seconds


def test_fractions_of_a_second_tell_frames_apart():
    assert seconds_apart(f"{MOMENT}.12", f"{MOMENT}.45") == pytest.approx(0.33)
    assert seconds_apart(f"{MOMENT}.1", f"{MOMENT}.100") == 0


def test_a_moment_may_have_been_rounded_in_a_copy():
    assert seconds_apart(f"{MOMENT}.123", f"{MOMENT}.12") == 0
    assert seconds_apart(f"{MOMENT}.7", "2024-05-31T18:20:06") == 0
    assert seconds_apart(f"{MOMENT}.7", "2024-05-31T18:20:07") == pytest.approx(1.3)


@pytest.fixture
def taken(tmp_path):
    cat = Image.open(PHOTOS / "cat.jpg").convert("RGB")

    def save(name, moment, quality=90, fraction=None):
        exif = Image.Exif()
        photo = exif.get_ifd(EXIF_DIRECTORY)
        photo[TAKEN] = moment
        if fraction is not None:
            photo[TAKEN_FRACTION] = fraction
        cat.save(tmp_path / name, quality=quality, exif=exif)
        return tmp_path / name

    return save


def test_frames_of_a_burst_are_only_similar(taken):
    first = taken("1.jpg", "2024:05:31 18:20:05", fraction="10")
    second = taken("2.jpg", "2024:05:31 18:20:05", 80, fraction="60")
    verdict = explain(first, second).verdict
    assert (verdict.tier, verdict.reason) == ("similar", "taken 0.5 s apart")


def test_a_copy_of_the_same_moment_is_one(taken):
    first = taken("1.jpg", "2024:05:31 18:20:05", fraction="10")
    second = taken("2.jpg", "2024:05:31 18:20:05", 80)
    assert explain(first, second).verdict.tier == "copy"


def test_the_same_pixels_are_the_same_whatever_their_clocks_say(taken):
    first = taken("1.jpg", "2024:05:31 18:20:05")
    second = taken("2.jpg", "2024:05:31 18:20:06")
    assert explain(first, second).verdict.tier == "pixels"
