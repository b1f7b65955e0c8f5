from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from imgsearch.dedup import screening
from imgsearch.dedup.screening import fit_sketch, match_many, padded, screen
from imgsearch.images.sketch import LANDMARK, Sketch, coarse_turns, draw

PHOTOS = Path(__file__).parents[3] / "data" / "photos"


def photo(name):
    return Image.open(PHOTOS / name).convert("RGB")


def sketched(picture: Image.Image) -> Sketch:
    return draw(np.array(picture), *picture.size)


@pytest.fixture(scope="module")
def cat():
    return photo("cat.jpg")


EDITS = {
    "a crop": lambda picture: picture.crop((0, 0, picture.width * 3 // 4, picture.height * 3 // 4)),
    "mirrored": lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "a mirrored crop": lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).crop(
        (0, 0, picture.width * 3 // 4, picture.height * 3 // 4)
    ),
    "turned": lambda picture: picture.rotate(30, expand=True),
    "smaller": lambda picture: picture.resize((picture.width // 2, picture.height // 2)),
    "blurred": lambda picture: picture.filter(ImageFilter.GaussianBlur(2)),
    "grey": lambda picture: picture.convert("L").convert("RGB"),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_an_edited_copy_passes_and_other_photos_do_not(cat, edit):
    others = [sketched(photo(name)) for name in ("dog.jpg", "owl.jpg", "coffee.jpg")]
    copy = sketched(edit(cat))
    assert list(screen([sketched(cat)] * 4, [*others, copy])) == [3]


def test_all_landmarks_of_a_picture_agree_with_themselves(cat):
    sketch = sketched(cat)
    assert len(sketch.plain) == 128
    found = fit_sketch(sketch, sketch)
    # Some look like another of the same picture; only those that are each other's best count.
    assert found.fit.agreeing > 100
    assert abs(found.fit.factor - 1) < 1e-3
    assert abs(found.fit.shift) < 1e-3
    assert not found.mirrored


def test_a_fit_tells_the_turn_the_scale_and_the_mirror(cat):
    mirrored = cat.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    small = Image.new("RGB", cat.size, "grey")
    small.paste(mirrored.resize((cat.width * 3 // 4, cat.height * 3 // 4)))
    quarter = small.transpose(Image.Transpose.ROTATE_90)  # anticlockwise; y is down

    found = fit_sketch(sketched(cat), sketched(quarter))

    assert found.mirrored
    assert found.fit.factor == pytest.approx(-0.75j, abs=0.02)


def test_a_landmark_matches_only_what_is_its_best_and_it_is_the_best_of():
    looks = {"own": [0b0, 0b111, 1 << 40], "other": [0b1, 0b0, (1 << 30) - 1]}
    own, other = (np.zeros(3, LANDMARK) for _ in looks)
    own["looks"], other["looks"] = looks["own"], looks["other"]
    nothing = np.zeros(0, LANDMARK)

    matches = match_many(padded([own, own]), padded([nothing, other]))

    # 0b111 is nearest to 0b1, which is nearer to 0b0; that is nearer still to the other 0b0. So
    # is 1 << 40, by one bit. Nothing is near the thirty bits.
    assert matches.pair.tolist() == [1]
    assert matches.own.tolist() == [0]
    assert matches.other.tolist() == [1]


def test_landmarks_of_a_mirror_image_are_found_without_making_it_anew(cat):
    mirrored = sketched(cat.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    matches = match_many(padded([sketched(cat).mirrored]), padded([mirrored.plain]))
    assert len(matches.own) > 80  # of 96


@pytest.mark.parametrize("size", [(1, 1), (1, 1000), (1000, 1), (2, 3), (40, 40)])
def test_a_blank_picture_has_no_landmarks_and_is_like_nothing(cat, size):
    blank = sketched(Image.new("RGB", size, "white"))
    assert not len(blank.plain)
    assert screen([blank] * 2, [blank, sketched(cat)]) == {}
    assert screen([sketched(cat)], [blank]) == {}


def test_of_no_pairs_none_is_likely():
    assert screen([], []) == {}


def test_of_very_many_pairs_each_is_told_as_on_its_own(cat, monkeypatch):
    monkeypatch.setattr(screening, "_TOGETHER", 2)
    others = [sketched(photo(name)) for name in ("dog.jpg", "owl.jpg", "coffee.jpg")]
    copy = sketched(EDITS["turned"](cat))
    likely = screen([sketched(cat)] * 6, [*others, copy, others[0], sketched(cat)])
    assert list(likely) == [3, 5]
    assert likely[3] == fit_sketch(sketched(cat), copy)
    assert likely[5] is None  # all of it is the same


def test_a_sketch_survives_being_kept(cat):
    sketch = sketched(cat)
    kept = Sketch.from_bytes(sketch.to_bytes())
    assert (kept.rows, kept.columns) == (sketch.rows, sketch.columns)
    assert (kept.tiny == sketch.tiny).all()
    assert (kept.plain == sketch.plain).all()
    assert (kept.mirrored == sketch.mirrored).all()


@pytest.mark.parametrize("content", [b"", bytes(100), bytes(3 + 1024 + 7)])
def test_bytes_that_are_no_sketch_are_refused(content):
    with pytest.raises(ValueError, match=r"sketch|size"):
        Sketch.from_bytes(content)


def test_the_turns_of_a_picture_are_those_that_pillow_makes(cat):
    square = cat.resize((192, 192))
    turns = sketched(square).turns
    ways = [None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270]
    for place, way in enumerate(ways):
        turned = sketched(square if way is None else square.transpose(way)).turns[0]
        assert float(turned @ turns[place]) == pytest.approx(1, abs=0.001)


def test_the_coarse_turns_of_a_picture_are_unit_rows(cat):
    turns = coarse_turns(sketched(cat).tiny)
    assert turns.shape == (8, 64)
    assert np.linalg.norm(turns, axis=1) == pytest.approx(np.ones(8), abs=1e-5)


def sky(ground):
    """Return a sky over something, which is most of what a tiny picture shows of it."""
    down = np.linspace(230, 40, 300)[:, None, None] + np.zeros((1, 400, 3))
    down[200:] += (
        np.random.default_rng(ground).normal(0, 25, (25, 100, 1)).repeat(4, 0).repeat(4, 1)
    )
    return Image.fromarray(np.clip(down, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("turn", [None, *Image.Transpose])
def test_two_skies_are_alike_as_a_whole_and_no_copies(turn):
    one, other = sky(1), sky(2)
    copy = one if turn is None else one.transpose(turn)
    firsts, seconds = [sketched(one)] * 2, [sketched(other), sketched(copy)]
    tiny = [float((each.turns @ firsts[0].turns[0]).max()) for each in seconds]
    assert min(tiny) > 0.9
    assert 1 in screen(firsts, seconds)
    assert 0 not in screen(firsts, seconds)


def test_what_has_next_to_no_landmarks_is_told_as_a_whole_alone():
    none = np.zeros(0, LANDMARK)
    skies = [sketched(sky(ground)) for ground in (1, 2)]
    one, other = (replace(each, plain=none, mirrored=none) for each in skies)
    assert screen(skies[:1], skies[1:]) == {}
    assert screen([one], [other]) == {0: None}


def with_landmarks_agreeing(sketch, count):
    """Return a sketch of which so many landmarks, and no others, look as they did."""
    plain = sketch.plain.copy()
    plain["looks"][count:] = np.random.default_rng(count).integers(
        0, 2**63, len(plain) - count, np.uint64
    )
    return replace(sketch, plain=plain, mirrored=plain[:0])


@pytest.mark.parametrize(("count", "other_detail", "likely"), [
    (8, False, True),
    (8, True, False),
    (30, True, True),
])  # fmt: skip
def test_where_few_landmarks_agree_detail_has_to_as_well(cat, count, other_detail, likely):
    first = sketched(cat)
    second = with_landmarks_agreeing(first, count)
    if other_detail:
        noise = np.random.default_rng(1).integers(0, 256, first.tiny.shape, np.uint8)
        second = replace(second, tiny=noise)
    else:
        second = replace(second, tiny=255 - (255 - second.tiny) // 2)
    fit = fit_sketch(first, second)
    assert (fit is not None) is likely


@pytest.mark.parametrize(("times", "likely"), [(2, True), (4, False)])
def test_few_landmarks_do_not_make_a_picture_a_small_part_of_another(cat, times, likely):
    slope = np.tile(np.arange(0, 256, 8, np.uint8), (32, 1))  # and so is any part of it
    part = replace(with_landmarks_agreeing(sketched(cat), 8), tiny=slope)
    marks = sketched(cat).plain.copy()
    marks["place"] /= times
    marks["size"] -= np.log(times)
    whole = replace(part, plain=marks)
    assert (fit_sketch(part, whole) is not None) is likely
