from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from imgsearch.dedup import candidates, landmark_votes
from imgsearch.dedup.candidates import near_pairs, united, whole_pairs
from imgsearch.dedup.contents import read_contents
from imgsearch.dedup.landmark_votes import LandmarkVotes
from imgsearch.images.sketch import each_turn, turns_of


def test_contents_of_near_vectors_are_pairs_once_and_in_order(lab):
    # Red and orange, orange and yellow are near one another; blue is near to none of them.
    for name, colour in (("a", "#f00"), ("b", "#f80"), ("c", "#ff0"), ("d", "#00f")):
        lab.paint(f"{name}.png", colour)
    lab.update()
    with lab.reader() as store:
        pairs = near_pairs(store, read_contents(store)).close
    # cos(red, orange) = 0.88, cos(orange, yellow) = 0.96, cos(red, yellow) = 0.71
    assert_array_equal(pairs, [[0, 1], [0, 2], [1, 2]])


def test_neither_near_nor_among_the_nearest_is_for_other_signs_to_decide(lab, monkeypatch):
    monkeypatch.setattr(candidates, "CLOSEST", 1)
    monkeypatch.setattr(candidates, "CLOSE_SCORE", 0.9)
    for name, colour in (("a", "#f00"), ("b", "#f80"), ("c", "#ff0"), ("d", "#00f")):
        lab.paint(f"{name}.png", colour)
    lab.update()
    with lab.reader() as store:
        near = near_pairs(store, read_contents(store))
    # Orange is the nearest of red at 0.88; red and yellow have a nearer one each.
    assert_array_equal(near.close, [[0, 1], [1, 2]])
    # Some of the others are as similar as 0.71: one landmark that looks alike is enough.
    assert [0, 2] in near.far[1].tolist()
    assert not len(near.far[2])


def test_the_less_similar_two_pictures_are_the_more_landmarks_have_to_look_alike(lab, monkeypatch):
    monkeypatch.setattr(candidates, "CLOSEST", 1)
    monkeypatch.setattr(candidates, "CLOSE_SCORE", 0.9)
    monkeypatch.setattr(candidates, "LEAST_VOTES", ((1, 0.8), (2, 0.6)))
    for name, colour in (("a", "#f00"), ("b", "#f80"), ("c", "#ff0"), ("d", "#00f")):
        lab.paint(f"{name}.png", colour)
    lab.update()
    with lab.reader() as store:
        near = near_pairs(store, read_contents(store))
    assert [0, 2] not in near.far[1].tolist()
    assert [0, 2] in near.far[2].tolist()


def test_no_more_than_the_nearest_neighbours_are_looked_at(lab, monkeypatch):
    monkeypatch.setattr(candidates, "NEIGHBOURS", 1)
    for name, colour in (("a", "#f00"), ("b", "#f80"), ("c", "#ff0")):
        lab.paint(f"{name}.png", colour)
    lab.update()
    with lab.reader() as store:
        near = near_pairs(store, read_contents(store))
    assert_array_equal(united([near.close, *near.far.values()], 3), [[0, 1], [1, 2]])


def test_blocks_of_one_row_find_the_same_pairs(lab, monkeypatch):
    for number in range(6):
        lab.paint(f"{number}.png", (200 + number, 10, 10))
    lab.update()
    monkeypatch.setattr(candidates, "_SCORES_AT_ONCE", 1)
    with lab.reader() as store:
        pairs = near_pairs(store, read_contents(store)).close
    assert_array_equal(pairs, [[a, b] for a in range(6) for b in range(a + 1, 6)])


def test_an_empty_gallery_has_no_pairs(lab):
    lab.update()
    with lab.reader() as store:
        near = near_pairs(store, read_contents(store))
    assert not any(map(len, [near.close, *near.far.values()]))
    assert whole_pairs([np.zeros((0, 64), np.float32)] * 8).shape == (0, 2)


def test_a_picture_is_paired_with_one_that_is_like_one_of_its_turns():
    turns = np.zeros((8, 3, 4), np.float32)
    turns[:, 0, 0] = 1
    turns[:, 1, 1] = 1
    turns[:, 2, 2] = 1
    turns[5, [0, 2]] = turns[0, [2, 0]]  # the first, mirrored and turned, is the third
    assert_array_equal(whole_pairs(turns), [[0, 2]])


@pytest.mark.parametrize("turn", range(8))
@pytest.mark.parametrize("at_once", [1 << 20, 1])
def test_a_pair_is_found_whichever_of_the_turns_it_is_alike_in(turn, at_once, monkeypatch):
    monkeypatch.setattr(candidates, "_SCORES_AT_ONCE", at_once)
    square = np.random.default_rng(3).normal(size=(5, 4, 4))
    planes = turns_of(square * 100)
    planes[3] = turns_of(planes[1, turn].reshape(4, 4) * 100)
    pairs = whole_pairs(each_turn(np.ascontiguousarray(planes[:, 0])))
    assert_array_equal(pairs, [[1, 3]])


def test_pairs_of_two_lists_are_united_without_repeats():
    some, others = np.array([[0, 3], [1, 2]]), np.array([[0, 1], [1, 2]])
    assert_array_equal(united([some, others], 4), [[0, 1], [0, 3], [1, 2]])


@pytest.fixture
def looks():
    """Four pictures; the third has eight landmarks of the first, the fourth two of the second."""
    looks = np.random.default_rng(1).integers(0, 1 << 63, (4, 60), np.uint64)
    looks[2, :8] = looks[0, 10:18] ^ np.uint64(1)  # the same but for one bit
    looks[3, :2] = looks[1, 30:32] ^ np.uint64(1)
    return list(looks)


def test_pictures_that_share_several_landmarks_are_candidates(looks):
    assert_array_equal(LandmarkVotes(looks[:3]).pairs(), [[0, 2]])


def test_candidates_are_the_same_when_few_votes_are_counted_at_once(looks, monkeypatch):
    together = LandmarkVotes(looks).pairs()
    monkeypatch.setattr(landmark_votes, "_VOTES_AT_ONCE", 3)
    assert len(list(LandmarkVotes(looks)._shares())) > 2
    assert_array_equal(LandmarkVotes(looks).pairs(), together)


def test_of_some_pairs_those_that_share_a_landmark_or_two_are_supported(looks):
    asked = np.array([[0, 1], [0, 2], [1, 2], [1, 3]])
    some, none = LandmarkVotes(looks).supported({2: asked, 1000: asked})
    assert_array_equal(some, [[0, 2], [1, 3]])
    assert_array_equal(none, np.empty((0, 2)))


def test_what_many_landmarks_look_like_makes_no_candidates():
    everywhere = np.full(60, 7, np.uint64)
    assert not len(LandmarkVotes([everywhere] * 3).pairs())


def test_pictures_without_landmarks_are_no_candidates():
    assert not len(LandmarkVotes([]).pairs())
    assert not len(LandmarkVotes([np.empty(0, np.uint64)] * 2).pairs())
    nothing = LandmarkVotes([np.empty(0, np.uint64)] * 2)
    asked = {1: np.array([[0, 1]]), 2: np.empty((0, 2), np.int64)}
    assert not any(map(len, nothing.supported(asked)))
