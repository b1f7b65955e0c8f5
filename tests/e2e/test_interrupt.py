"""Ctrl-C: what was embedded is kept, and the next run goes on from there."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.weights

PICTURES = 96  # three batches: time enough to interrupt between the first and the last


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    random = np.random.default_rng(1)
    for number in range(PICTURES):
        blocks = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(blocks).resize((240, 180)).save(folder / f"{number:03}.jpg")
    return folder


def rows(folder: Path) -> int:
    try:
        connection = sqlite3.connect(
            f"file:{folder}/.imgsearch/catalog.sqlite?mode=ro", uri=True, timeout=10
        )
    except sqlite3.OperationalError:
        return 0
    try:
        return int(connection.execute("SELECT count(*) FROM images").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
    finally:
        connection.close()


def _listen_to_ctrl_c() -> None:
    """Undo what a test run in the background hands down: there Ctrl-C is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_an_interrupted_index_keeps_what_was_embedded(imgsearch, folder):
    process = subprocess.Popen(
        imgsearch.argv("index", folder),
        env=imgsearch.environment,
        stderr=subprocess.PIPE,
        preexec_fn=_listen_to_ctrl_c,
    )
    deadline = time.monotonic() + 120
    while rows(folder) == 0 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)

    kept = rows(folder)
    again = imgsearch("index", folder, "--json").document

    assert process.returncode == 130
    assert error.decode().splitlines() == [
        "imgsearch: interrupted; what was done is kept, the same command goes on from there"
    ]
    assert 0 < kept < PICTURES
    assert (again["unchanged"], again["added"]) == (kept, PICTURES - kept)
    assert imgsearch("check", "--gallery", folder / ".imgsearch").code == 0
