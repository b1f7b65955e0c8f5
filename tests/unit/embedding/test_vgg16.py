"""Facts of VGG16, and the checks on batches."""

import numpy as np
import pytest

from imgsearch.embedding.vgg16 import (
    LAYERS,
    check_batch,
    kernel_shapes,
    unit_rows,
)
from imgsearch.types import Preprocessing

KEPT = Preprocessing(64, "faithful", keeps_aspect=True)


def test_thirteen_convolutions_have_the_size_that_the_digest_was_taken_over():
    floats = sum(h * w * i * o + o for h, w, i, o in kernel_shapes())

    assert len(LAYERS) == 13
    assert LAYERS[0] == "block1_conv1"
    assert LAYERS[-1] == "block5_conv3"
    assert floats * 4 == 58_858_752  # the number of bytes that DESIGN.md states


def test_rows_are_scaled_to_length_one_and_zeros_stay_zeros():
    rows = np.array([[3, 4], [0, 0], [0, 2]], np.float32)

    assert unit_rows(rows).tolist() == [[np.float32(0.6), np.float32(0.8)], [0, 0], [0, 1]]


@pytest.mark.parametrize("shape", [(8, 8, 3), (1, 8, 9, 3), (1, 8, 8, 4), (1, 3, 8, 8)])
def test_a_batch_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match="shape"):
        check_batch(np.zeros(shape, np.uint8), Preprocessing(8, "faithful"))


def test_a_batch_of_floats_is_refused():
    with pytest.raises(ValueError, match="uint8"):
        check_batch(np.zeros((1, 8, 8, 3), np.float32), Preprocessing(8, "faithful"))


@pytest.mark.parametrize("size", [(64, 64), (64, 32), (32, 64)])
def test_where_the_aspect_ratio_is_kept_the_longer_side_is_the_wanted_one(size):
    check_batch(np.zeros((1, *size, 3), np.uint8), KEPT)


@pytest.mark.parametrize("shape", [(1, 64, 96, 3), (1, 32, 32, 3), (1, 64, 31, 3), (64, 32, 3)])
def test_another_longer_side_or_one_too_short_is_refused(shape):
    with pytest.raises(ValueError, match="the longer of them 64"):
        check_batch(np.zeros(shape, np.uint8), KEPT)


MEAN = Preprocessing(64, "faithful", keeps_aspect=True, side_is_mean=True)


@pytest.mark.parametrize("size", [(64, 64), (96, 32), (32, 96)])
def test_where_the_side_is_a_mean_both_add_up_to_twice_as_much(size):
    check_batch(np.zeros((1, *size, 3), np.uint8), MEAN)


@pytest.mark.parametrize("shape", [(1, 64, 32, 3), (1, 96, 96, 3), (1, 97, 31, 3), (96, 32, 3)])
def test_another_mean_or_a_side_too_short_is_refused(shape):
    with pytest.raises(ValueError, match="their mean 64"):
        check_batch(np.zeros(shape, np.uint8), MEAN)
