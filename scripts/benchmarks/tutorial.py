"""The way of the usual tutorial: Keras's VGG16, one photo after the other."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

SIDE = 224
BATCH = 32

FIRST_VECTOR = """
import sys
import numpy as np
from keras.applications.vgg16 import VGG16, preprocess_input
from keras.utils import img_to_array, load_img
model = VGG16(weights=sys.argv[2], include_top=False, pooling="avg", input_shape=(224, 224, 3))
pixels = img_to_array(load_img(sys.argv[1], target_size=(224, 224)))
vector = model.predict(preprocess_input(np.expand_dims(pixels, axis=0)), verbose=0).flatten()
assert vector.shape == (512,)
"""
"""A fresh process that embeds one photo: arguments are the photo and Keras's weight file."""


@cache
def keras_model() -> Any:
    """Return Keras's network with the true weights."""
    from keras.applications.vgg16 import VGG16

    from imgsearch.embedding.weights import load_weights

    model = VGG16(weights=None, include_top=False, pooling="avg", input_shape=(SIDE, SIDE, 3))
    model.set_weights(list(load_weights().arrays().values()))
    return model


def write_weights(path: Path) -> None:
    """Write the weights as Keras reads them."""
    keras_model().save_weights(path)


def load_pixels(path: Path) -> np.ndarray:
    from keras.utils import img_to_array, load_img

    return img_to_array(load_img(path, target_size=(SIDE, SIDE)))


def loop_seconds(paths: list[Path]) -> float:
    """Embed photos one by one as the tutorial does; the first one is shown before, untimed."""
    embed_one(paths[0])
    started = time.perf_counter()
    for path in paths:
        embed_one(path)
    return time.perf_counter() - started


def embed_one(path: Path) -> np.ndarray:
    from keras.applications.vgg16 import preprocess_input

    batch = preprocess_input(np.expand_dims(load_pixels(path), axis=0))
    return keras_model().predict(batch, verbose=0).flatten()


def batches_seconds(paths: list[Path]) -> float:
    """Embed photos in batches; the first one is shown before, untimed."""
    embed_batch(paths[:BATCH])
    started = time.perf_counter()
    for start in range(0, len(paths), BATCH):
        embed_batch(paths[start : start + BATCH])
    return time.perf_counter() - started


def embed_batch(paths: list[Path]) -> np.ndarray:
    from keras.applications.vgg16 import preprocess_input

    batch = preprocess_input(np.stack([load_pixels(path) for path in paths]))
    return keras_model().predict(batch, batch_size=BATCH, verbose=0)
