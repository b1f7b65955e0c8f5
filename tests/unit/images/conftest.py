import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image


def quarters(width=64, height=32, mode="RGB"):
    """Red, green / blue, yellow: no two of the eight orientations look alike."""
    picture = Image.new("RGB", (width, height), "#f00")
    picture.paste("#0f0", (width // 2, 0, width, height // 2))
    picture.paste("#00f", (0, height // 2, width // 2, height))
    picture.paste("#ff0", (width // 2, height // 2, width, height))
    return picture.convert(mode)


def photo(width=640, height=480, seed=0):
    """Smooth colour with some grain: what a photo is to a codec."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16)
    grain = rng.integers(-8, 9, smooth.shape, dtype=np.int16)
    return Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8))


def encode(picture, kind, **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def names_of_quarters(pixels):
    """The colours in the middle of the four quarters, in reading order, as letters."""
    height, width = pixels.shape[:2]
    names = {(0, 0, 0): "k", (1, 0, 0): "r", (0, 1, 0): "g", (0, 0, 1): "b", (1, 1, 0): "y"}
    names[1, 1, 1] = "w"
    middles = pixels[height // 4 :: height // 2, width // 4 :: width // 2].reshape(4, 3)
    return "".join(names[tuple(int(level > 127) for level in middle)] for middle in middles)


@pytest.fixture
def pictures():
    """Makers of test pictures, and a reader of what came out."""
    return SimpleNamespace(
        quarters=quarters, photo=photo, encode=encode, names_of_quarters=names_of_quarters
    )
