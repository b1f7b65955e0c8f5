"""Both benchmarks run from end to end and print what they promise; figures are not judged here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

pytestmark = pytest.mark.weights


def test_bench_as_json_projects_from_the_speed_that_it_measured(imgsearch):
    document = imgsearch("bench", "--seconds", "0.1", "--json").document

    assert document["precision"] in {"fp32", "bf16", "int8"}
    assert document["search"]["images"] == 30_000
    assert [files["megapixels"] for files in document["files"]] == [0.2, 12.0]
    for files in document["files"]:
        for projected in files["projected"]:
            product = projected["seconds"] * files["images_per_second"]
            assert product == pytest.approx(projected["images"])


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What a very small run of scripts/bench prints, and the folder that it writes to."""
    folder = tmp_path_factory.mktemp("bench")
    script = Path(__file__).parents[2] / "scripts" / "bench.py"
    command = [sys.executable, script, "--tiny", "--write", folder]
    environment = {**os.environ, "PYTHONPATH": str(script.parents[1])}
    done = subprocess.run(
        command, env=environment, capture_output=True, check=False, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, folder


def test_the_full_benchmark_prints_a_table_of_every_part(written):
    table = written[0]

    figures = {
        cells[1]: float(re.sub(r"[^0-9.]", "", cells[2].split(" ")[0]))
        for cells in (re.split(r"\s*\|\s*", line) for line in table.splitlines())
        if len(cells) == 6 and re.match(r"[0-9]", cells[2])
    }
    for name in (
        "tutorial loop, 0.2 MP photos",
        "openvino fp32",
        "limit: network and decoding, 12 MP",
        "tutorial: first vector of a fresh process",
        "query, new picture, nothing cached yet",
        "query, indexed picture",
        "index, 500 unchanged files",
        "1,000 vectors, 32 at a time",
        "the same, and one of 2 MP",
    ):
        assert figures[name] > 0


def test_the_full_benchmark_writes_the_table_and_a_small_plot(written):
    table, folder = written

    assert table.strip() in (folder / "bench.md").read_text(encoding="utf-8")
    assert (folder / "bench.png").stat().st_size < 100_000
    with Image.open(folder / "bench.png") as plot:
        assert plot.width == 960
