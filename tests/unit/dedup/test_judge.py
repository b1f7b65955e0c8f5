"""What the evidence of a pair means: which demand fails, and how likely it is a copy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from picturing import EXACT

from imgsearch.dedup.judge import judge
from imgsearch.dedup.leeway import leeway_of
from imgsearch.dedup.probability import probability


def test_of_a_perfect_pair_no_demand_is_near_failing():
    assert leeway_of(EXACT) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("found", "demand", "leeway"),
    [
        ({"tracked": 9, "sought": 12, "detail": 0.0}, "met", -0.25),
        ({"tracked": 0, "sought": 0, "detail": 0.03}, "met", 0.5),
        ({"tracked": 0, "sought": 0, "detail": 0.03, "unlike": 0.0075}, "met", 0.25),
        ({"tracked": 3, "sought": 12, "detail": 0.5}, "met", 0.0),
        ({"tracked": 3, "sought": 80, "detail": 0.5}, "met", -0.85),
        ({"unlike": 0.018}, "alike", 0.5),
        ({"unlike": 0.072}, "alike", -1.0),
        ({"unlike": 0.9}, "alike", -4.0),
        ({"changed": 0.36}, "alike", -1.0),
        ({"changed": 0.216}, "alike", -0.2),
        ({"added": 0.1}, "alike", 0.75),
        ({"first_share": 0.3, "second_share": 0.1}, "shared", -0.25),
        ({"first_share": 0.6, "second_share": 0.1}, "shared", 0.5),
    ],
)
def test_leeway_says_how_far_a_demand_is_from_failing(found, demand, leeway):
    assert getattr(leeway_of(replace(EXACT, **found)), demand) == pytest.approx(leeway)


def test_less_may_differ_where_detail_meets_detail_less_exactly():
    found = replace(EXACT, unlike=0.012)
    assert leeway_of(found).alike > 0
    assert leeway_of(replace(found, slip=0.45)).alike < 0


@pytest.mark.parametrize(
    ("found", "tier", "reason"),
    [
        ({}, "copy", "the whole picture again"),
        ({"second_share": 0.6}, "edited", "cropped"),
        ({"tracked": 4, "detail": 0.0}, None, "little detail in common"),
        ({"tracked": 20, "detail": 0.0}, "similar", "little detail in common"),
        ({"changed": 0.2}, "similar", "20% of what both show differs"),
        (
            {"changed": 0.004, "unlike": 0.004, "added": 0.1, "slip": 0.45},
            "similar",
            "less than 1% of what both show differs",
        ),
        ({"added": 0.45}, "similar", "45% of what both show would be something on it"),
        ({"first_share": 0.3, "second_share": 0.2}, "similar", "they share only 30%"),
    ],
)
def test_the_demand_that_fails_decides(found, tier, reason):
    verdict = judge(replace(EXACT, **found))
    assert verdict.tier == tier
    assert verdict.reason.startswith(reason)


def test_a_score_is_a_probability_that_falls_with_the_evidence():
    scores = [
        judge(found).score
        for found in (
            EXACT,
            replace(EXACT, unlike=0.029),
            replace(EXACT, unlike=0.07),
            None,
        )
    ]
    assert scores == sorted(scores, reverse=True)
    assert 0.99 < scores[0] < 1
    assert scores[1] > 0.9 > 0.5 > scores[3] >= 0
    assert scores[1] > scores[2] > scores[3]


def test_a_probability_never_falls_with_the_leeway():
    probabilities = [probability(leeway) for leeway in np.linspace(-1, 1, 201)]
    assert probabilities == sorted(probabilities)


def test_of_copies_those_further_from_failing_are_the_likelier():
    probabilities = [probability(leeway) for leeway in (0, 0.4, 0.55, 0.8)]
    assert probabilities == sorted(set(probabilities))
