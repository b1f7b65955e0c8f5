"""What the README shows works as it is shown."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.weights

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_the_python_snippet_finds_the_cat_and_its_copy(photos, tmp_path):
    (snippet,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    own = tmp_path / "data" / "photos"
    shutil.copytree(photos, own, ignore=shutil.ignore_patterns(".imgsearch"))

    done = subprocess.run(
        [sys.executable, "-c", snippet],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        check=False,
    )

    assert done.returncode == 0, done.stderr
    first, second, third, *_ = done.stdout.splitlines()
    assert first == "58 photos, 0 not readable"
    assert second == f"1.000 {own.resolve() / 'cat.jpg'}"
    assert third.endswith("cat-reencoded.jpg")


def test_the_transcript_names_the_photos_that_a_query_finds(imgsearch, photos, gallery):
    (transcript,) = re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
    shown = [Path(line.split("\t")[1]).name for line in transcript.splitlines() if "\t" in line]

    answer = imgsearch("query", photos / "cat.jpg", "-k", len(shown), "--gallery", gallery)

    found = [Path(line.split("\t")[1]).name for line in answer.lines]
    assert len(shown) == 5
    assert found == shown


def test_the_plan_shown_is_the_plan_of_the_sample_photos(imgsearch, gallery, tmp_path):
    (shown,) = re.findall(r"\$ imgsearch dupes plan -o plan.json\n(.*?)\$", README, re.DOTALL)

    answer = imgsearch("dupes", "plan", "-o", tmp_path / "plan.json", "--gallery", gallery)

    assert tiers_and_names(answer.out.decode()) == tiers_and_names(shown)


def tiers_and_names(text: str) -> list[tuple[str, str]]:
    lines = [line.strip().split("\t") for line in text.splitlines() if "\t" in line]
    return sorted((line[0], Path(line[1]).name) for line in lines)
