"""Writers are killed two hundred times and starved of disk, and nothing is ever lost."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from figures import tried

from imgsearch import faultpoints
from imgsearch.faultpoints import reached, watch

CHECKOUT = Path(__file__).parents[2]


def soak(tmp_path, *arguments):
    """Run the soak as its script does: in a process of its own, which has no threads to fork."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(CHECKOUT),
        "OMP_NUM_THREADS": "1",
        "TMPDIR": str(tmp_path),
    }
    return subprocess.run(
        [sys.executable, str(CHECKOUT / "scripts" / "soak.py"), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=1500,
    )


@pytest.mark.parametrize("seed", ["1", "2"])
def test_a_hundred_kills_and_some_refused_writes_lose_nothing(tmp_path, seed):
    result = soak(tmp_path, "--kills", "110", "--seed", seed)

    assert result.returncode == 0, result.stderr
    figures = json.loads(result.stdout)
    assert figures["losses"] == 0
    assert figures["kills"] >= 110
    assert figures["kills_by_point"]["a random moment"] >= 10
    assert figures["writes refused"] >= 10
    assert figures["points_never_killed_at"] == []
    assert figures["runs compared with a fresh index"] >= figures["runs completed"] // 5 >= 20
    tried("kills of writers of a gallery", figures["kills"])
    tried("writes refused to writers of a gallery", figures["writes refused"])
    tried("runs after a kill that ended with what the files say", figures["runs completed"])


def test_the_soak_notices_rows_that_ought_to_be_gone(tmp_path):
    saboteur = """
import sys
sys.argv = ["soak", "--kills", "3"]
sys.path.insert(0, "scripts")
from imgsearch.gallery.catalog import Catalog
Catalog.remove_images = lambda self, ids, generation: len(ids)
import soak
sys.exit(soak.main())
"""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "TMPDIR": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", saboteur],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )

    assert result.returncode == 1
    assert json.loads(result.stdout)["losses"] == 1
    assert "too much" in result.stderr


def test_every_point_has_a_name_of_its_own():
    names = [
        name
        for path in (CHECKOUT / "imgsearch").rglob("*.py")
        for name in re.findall(r'\breached\("([a-z_]+\.[a-z_]+)"\)', path.read_text())
        if path.name != "faultpoints.py"
    ]

    assert len(names) > 30
    assert len(names) == len(set(names))


def test_a_point_tells_its_watcher_and_nobody_afterwards():
    seen = []
    with watch(seen.append):
        reached("test.first")
        with watch(lambda _point: seen.append("inner")):
            reached("test.second")
        reached("test.third")
    reached("test.fourth")

    assert seen == ["test.first", "inner", "test.third"]


def test_an_update_that_nobody_watches_reaches_its_points_in_silence(three):
    assert faultpoints._watcher is None
    three.paint("d.png", "#00f")
    seen = []
    with watch(seen.append):
        three.update()
    assert seen[0] == "lock.acquired"
    assert seen[-1] == "lock.released"
