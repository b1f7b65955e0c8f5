"""Both benchmarks run from end to end and print what they promise; figures are not judged here."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.weights


def test_bench_says_what_to_expect_on_this_machine(imgsearch):
    answer = imgsearch("bench", "--seconds", "0.1")

    assert answer.code == 0, answer.err
    labels = [line[:27].strip() for line in answer.lines]
    assert labels[0] == "precision"
    assert labels[2:] == [
        "index JPEG files of",
        "speed",
        "1,000 photos",
        "10,000 photos",
        "100,000 photos",
        "search 30,000 photos",
    ]


def test_bench_as_json_projects_from_the_speed_that_it_measured(imgsearch):
    document = imgsearch("bench", "--seconds", "0.1", "--json").document

    assert document["precision"] in {"fp32", "bf16", "int8"}
    assert document["search"]["images"] == 30_000
    assert [files["megapixels"] for files in document["files"]] == [0.2, 12.0]
    for files in document["files"]:
        for projected in files["projected"]:
            product = projected["seconds"] * files["images_per_second"]
            assert product == pytest.approx(projected["images"])
