"""What the package offers is what it says it offers."""

from __future__ import annotations

import inspect

import imgsearch
from imgsearch import errors


def test_all_is_sorted_and_every_name_can_be_loaded():
    assert imgsearch.__all__ == sorted(imgsearch.__all__)
    assert all(getattr(imgsearch, name).__name__ == name for name in imgsearch.__all__)


def test_every_error_is_offered():
    own = {
        name
        for name, item in vars(errors).items()
        if inspect.isclass(item) and issubclass(item, errors.ImgsearchError)
    }

    assert own <= set(imgsearch.__all__)


def test_everything_offered_is_documented():
    assert all(getattr(imgsearch, name).__doc__ for name in imgsearch.__all__)
