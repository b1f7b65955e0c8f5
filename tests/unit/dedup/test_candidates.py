from __future__ import annotations

import numpy as np
from numpy.testing import assert_array_equal

from imgsearch.dedup import candidates
from imgsearch.dedup.candidates import landmark_pairs, near_pairs, united, whole_pairs
from imgsearch.dedup.contents import read_contents


def test_contents_of_near_vectors_are_pairs_once_and_in_order(lab):
    # Red and orange, orange and yellow are near one another; blue is near to none of them.
    for name, colour in (("a", "#f00"), ("b", "#f80"), ("c", "#ff0"), ("d", "#00f")):
        lab.paint(f"{name}.png", colour)
    lab.update()
    with lab.reader() as store:
        pairs = near_pairs(store, read_contents(store))
    # cos(red, orange) = 0.88, cos(orange, yellow) = 0.96, cos(red, yellow) = 0.71
    assert_array_equal(pairs, [[0, 1], [0, 2], [1, 2]])


def test_blocks_of_one_row_find_the_same_pairs(lab, monkeypatch):
    for number in range(6):
        lab.paint(f"{number}.png", (200 + number, 10, 10))
    lab.update()
    monkeypatch.setattr(candidates, "_SCORES_AT_ONCE", 1)
    with lab.reader() as store:
        pairs = near_pairs(store, read_contents(store))
    assert_array_equal(pairs, [[a, b] for a in range(6) for b in range(a + 1, 6)])


def test_an_empty_gallery_has_no_pairs(lab):
    lab.update()
    with lab.reader() as store:
        assert near_pairs(store, read_contents(store)).shape == (0, 2)
    assert whole_pairs(np.zeros((0, 8, 64), np.float32)).shape == (0, 2)


def test_a_picture_is_paired_with_one_that_is_like_one_of_its_turns():
    turns = np.zeros((3, 8, 4), np.float32)
    turns[0, :, 0] = 1
    turns[1, :, 1] = 1
    turns[2, :, 2] = 1
    turns[0, 5] = (0, 0, 1, 0)  # the first, mirrored and turned, is the third
    assert_array_equal(whole_pairs(turns), [[0, 2]])


def test_pairs_of_two_lists_are_united_without_repeats():
    some, others = np.array([[0, 3], [1, 2]]), np.array([[0, 1], [1, 2]])
    assert_array_equal(united([some, others], 4), [[0, 1], [0, 3], [1, 2]])


def test_pictures_that_share_several_landmarks_are_candidates():
    looks = np.random.default_rng(1).integers(0, 1 << 63, (3, 60), np.uint64)
    looks[2, :8] = looks[0, 10:18] ^ np.uint64(1)  # eight are the same but for one bit
    assert_array_equal(landmark_pairs(list(looks)), [[0, 2]])


def test_what_many_landmarks_look_like_makes_no_candidates():
    everywhere = np.full(60, 7, np.uint64)
    assert not len(landmark_pairs([everywhere] * 3))


def test_pictures_without_landmarks_are_no_candidates():
    assert not len(landmark_pairs([]))
    assert not len(landmark_pairs([np.empty(0, np.uint64)] * 2))
