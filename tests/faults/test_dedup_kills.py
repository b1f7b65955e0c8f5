"""Clean-ups are killed some sixty times, and no byte is ever lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

from figures import tried

CHECKOUT = Path(__file__).parents[2]


def environment(tmp_path):
    paths = f"{CHECKOUT}{os.pathsep}{CHECKOUT / 'scripts'}"
    return {**os.environ, "PYTHONPATH": paths, "TMPDIR": str(tmp_path), "OMP_NUM_THREADS": "1"}


def soak(tmp_path, *arguments, code=None):
    """Run the soak as its script does: in a process of its own, which has no threads to fork."""
    script = ["-c", code] if code else [str(CHECKOUT / "scripts" / "soak_dupes.py")]
    return subprocess.run(
        [sys.executable, *script, *arguments],
        cwd=CHECKOUT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=1500,
    )


def test_sixty_kills_of_apply_and_undo_lose_no_byte(tmp_path):
    result = soak(tmp_path, "--files", "12", "--kills", "64", "--seed", "5")

    assert result.returncode == 0, result.stderr
    figures = json.loads(result.stdout)
    assert figures["losses"] == 0
    assert figures["kills"] >= 60
    assert min(figures["kills of apply"], figures["kills of undo"]) >= 15
    assert figures["kills_by_point"]["a random moment"] >= 5
    assert figures["points_never_killed_at"] == []
    tried("kills of clean-ups and of undoing them", figures["kills"])


def test_the_soak_notices_a_journal_that_comes_too_late(tmp_path):
    saboteur = """
import sys
from imgsearch.dedup.journal import Journal, Step
Journal.announce = lambda self, files, keep: Step(1, files, keep)
import soak_dupes
sys.exit(soak_dupes.main())
"""
    result = soak(tmp_path, "--files", "24", "--kills", "10", code=saboteur)

    assert result.returncode == 1
    assert json.loads(result.stdout)["losses"] == 1
    assert "what is left is in" in result.stderr
