from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgsearch.dedup import alignment
from imgsearch.dedup.alignment import lay_over
from imgsearch.dedup.guesses import Guess
from imgsearch.dedup.portrait import Portrait, thumbnail_of

PHOTOS = Path(__file__).parents[3] / "data" / "photos"


def portrait(picture: Image.Image) -> Portrait:
    return Portrait(thumbnail_of(np.array(picture), picture.width, picture.height))


@pytest.fixture
def cat():
    return Image.open(PHOTOS / "cat.jpg").convert("RGB")


@pytest.fixture
def steps(monkeypatch):
    """Return a list that grows with every step of laying one picture over another."""
    taken, shifts = [], alignment._shifts

    def noted(*args, **options):
        taken.append(args)
        return shifts(*args, **options)

    monkeypatch.setattr(alignment, "_shifts", noted)
    return taken


def test_a_picture_is_laid_over_its_crop_in_several_steps(cat, steps):
    whole = portrait(cat)
    crop = cat.crop((cat.width // 5, cat.height // 5, cat.width, cat.height))
    scale = 1 / 0.8
    nearly = np.array([[scale, 0, 3 - 0.2 * scale * whole.shape[1]], [0, scale, 0], [0, 0, 1]])
    nearly[1, 2] = -2 - 0.2 * scale * whole.shape[0]

    overlay = lay_over(whole, portrait(crop), Guess(nearly, support=9))

    assert len(steps) >= 2
    assert overlay.agreement > 0.9
    assert overlay.slip < 0.2


def test_what_meets_nowhere_is_given_up_after_one_step(cat, steps):
    other = Image.open(PHOTOS / "dog.jpg").convert("RGB").resize(cat.size)

    overlay = lay_over(portrait(cat), portrait(other), Guess(np.eye(3), support=9, is_hint=True))

    assert len(steps) == 1
    assert overlay.agreement < 0.1
