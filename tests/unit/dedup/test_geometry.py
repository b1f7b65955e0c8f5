"""Transforms fitted to places."""

from __future__ import annotations

import numpy as np

from imgsearch.dedup.geometry import fit_sides, moved


def test_sides_are_scaled_and_shifted_as_the_places_say():
    places = np.array([(10, 20), (50, 30), (90, 80), (30, 70), (70, 10), (20, 90)], float)
    others = places * (1.25, 0.8) + (3, -7)
    matrix = fit_sides(places, others)
    assert np.allclose(matrix, [[1.25, 0, 3], [0, 0.8, -7], [0, 0, 1]], atol=1e-6)
    assert np.allclose(moved(matrix, places), others, atol=1e-4)


def test_of_places_on_one_line_the_other_side_keeps_its_middle():
    places = np.array([(10, 40), (50, 40), (90, 40)], float)
    assert np.allclose(moved(fit_sides(places, places), places), places, atol=1e-4)
