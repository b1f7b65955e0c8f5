"""Several pictures as one question, unwanted ones, and parts of pictures."""

import numpy as np
import pytest
from PIL import Image

from imgsearch.errors import ImageReadError, QueryError
from imgsearch.gallery.filters import Filter
from imgsearch.images.crop import Crop
from imgsearch.index.combination import combined
from imgsearch.query import QueryImage, QueryOptions, search_gallery


def ask(lab, names, *, unlike=(), crop=None, **options):
    """The answers as lists of (name, score rounded to 3 digits)."""
    queries = [QueryImage(lab.root / name, name, crop) for name in names]
    unwanted = tuple(QueryImage(lab.root / name, name) for name in unlike)
    with lab.reader() as store:
        wanted = QueryOptions(unlike=unwanted, **options)
        answers = search_gallery(store, queries, wanted, lab.make_embedder)
    return [[(hit.path.name, round(hit.score, 3)) for hit in hits] for hits in answers]


def test_pictures_asked_together_have_one_answer_near_all_of_them(three):
    # Red (1, 0, 0) and green (0, 1, 0) make (1, 1, 0) / sqrt 2, which is yellow.
    answer = ask(three, ["a.png", "c.png"], together=True)

    assert answer == [[("b.png", 1.0), ("a.png", 0.707), ("c.png", 0.707)]]


def test_one_picture_asked_together_is_itself(three):
    assert ask(three, ["a.png"], together=True) == ask(three, ["a.png"])


def test_what_is_unwanted_counts_half(three):
    # Yellow less half of red is (0.7071 - 0.5, 0.7071, 0), of length 0.7368.
    answer = ask(three, ["b.png"], unlike=["a.png"])

    assert answer == [[("c.png", 0.96), ("b.png", 0.877), ("a.png", 0.281)]]


def test_each_picture_has_its_answer_without_what_is_unwanted(three):
    answers = ask(three, ["a.png", "c.png"], unlike=["b.png"], k=1)

    assert [hits[0][0] for hits in answers] == ["a.png", "c.png"]


def test_all_pictures_of_a_question_can_be_left_out(three):
    assert ask(three, ["a.png", "c.png"], together=True, exclude_self=True) == [[("b.png", 1.0)]]


def test_pictures_that_cancel_out_are_an_error():
    # The mean of what is wanted is (0.5, 0), and half of (1, 0) goes from it.
    east, northeast, southeast = np.array([[1, 0], [0.5, 0.75**0.5], [0.5, -(0.75**0.5)]], "f4")

    with pytest.raises(QueryError, match="cancel each other out"):
        combined([northeast, southeast], [east])


def test_a_part_of_a_picture_is_a_query_of_its_own(three):
    picture = Image.new("RGB", (40, 20), "#0f0")
    picture.paste("#f00", (0, 0, 20, 20))
    picture.save(three.root / "half.png")

    left, right = Crop(0, 0, 0.5, 1), Crop(20, 0, 20, 20)
    assert ask(three, ["half.png"], crop=left, k=1) == [[("a.png", 1.0)]]
    assert ask(three, ["half.png"], crop=right, k=1) == [[("c.png", 1.0)]]


def test_a_part_of_an_indexed_picture_is_not_that_picture(three):
    answer = ask(three, ["a.png"], crop=Crop(0, 0, 0.5, 0.5), k=1)
    assert answer == [[("a.png", 1.0)]]
    assert ask(three, ["a.png"], crop=Crop(0, 0, 4, 4), exclude_self=True, k=1) == [
        [("b.png", 0.707)]
    ]


def test_a_part_that_lies_outside_is_an_error(three):
    with pytest.raises(ImageReadError, match="outside its 8 x 8 pixels"):
        ask(three, ["a.png"], crop=Crop(9, 0, 4, 4))


@pytest.mark.parametrize(
    ("crop", "box"),
    [
        ((0, 0, 1, 1), (0, 0, 200, 100)),
        ((0.5, 0.25, 0.5, 0.5), (100, 25, 200, 75)),
        ((10, 20, 30, 40), (10, 20, 40, 60)),
        ((190, 90, 50, 50), (190, 90, 200, 100)),
        ((0.5, 0.5, 0.001, 0.001), (100, 50, 101, 51)),
    ],
)
def test_a_crop_is_in_parts_or_in_pixels(crop, box):
    assert Crop(*crop).box(200, 100) == box


@pytest.mark.parametrize("crop", [(-1, 0, 1, 1), (0, 0, 0, 1), (float("nan"), 0, 1, 1)])
def test_a_crop_that_is_no_rectangle_is_refused(crop):
    with pytest.raises(ValueError, match="crop"):
        Crop(*crop)


def test_a_query_that_does_not_pass_the_filter_is_no_hit(three):
    assert ask(three, ["a.png"], only=Filter(paths=("[bc].png",)), k=2) == [
        [("b.png", 0.707), ("c.png", 0.0)]
    ]


@pytest.mark.parametrize("date", ["May", "2024-13", "2024-02-30", "24", "2024-05-31T25:00"])
def test_what_is_no_date_is_refused(date):
    with pytest.raises(ValueError, match="is no date"):
        Filter(since=date)


def test_an_unknown_format_is_refused_and_common_names_are_known():
    with pytest.raises(ValueError, match="WORD is no format"):
        Filter(formats=("WORD",))
    assert Filter(formats=("jpg", "heic", "Tif")).formats
