"""`imgsearch bench`: how what was measured is said."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from imgsearch import bench
from imgsearch.bench import EngineSpeed, FileSpeed, MachineSpeed
from imgsearch.cli.main import app

SPEED = MachineSpeed(
    cores=2,
    why="it multiplies bytes",
    chosen=EngineSpeed("openvino", "int8", 56.54),
    others=(EngineSpeed("tensorflow", "fp32", 1234.5),),
    files=(FileSpeed(0.2, 50.0), FileSpeed(12.0, 5.0)),
    search_s=0.00321,
)


@pytest.fixture
def asked(monkeypatch):
    """What the command asks to be measured."""
    asked = []
    monkeypatch.setattr(bench, "measure_machine", lambda **wanted: (asked.append(wanted), SPEED)[1])
    return asked


def test_bench_says_what_to_expect_on_this_machine(asked):
    answer = CliRunner().invoke(app, ["bench", "--seconds", "0.5", "--all"])

    assert answer.exit_code == 0
    assert asked == [{"seconds": 0.5, "every_engine": True}]
    assert answer.stdout.splitlines() == [
        "precision                  int8 (openvino): it multiplies bytes",
        "network on 2 cores         56.5 images/s",
        "  tensorflow fp32          1,234.5 images/s",
        "index JPEG files of        0.2 MP      12 MP",
        "  speed                    50.0/s      5.0/s",
        "  1,000 photos             20 s        3 min",
        "  10,000 photos            3 min       33 min",
        "  100,000 photos           33 min      5.6 h",
        "search 30,000 photos       3.2 ms",
    ]


@pytest.mark.parametrize(
    ("speed", "counts"),
    [
        (5.0, [16]),  # the first files took longer than there is
        (100.0, [16, 50]),
        (1e9, [16, 4000]),
    ],
)
def test_files_are_indexed_for_as_long_as_was_asked(monkeypatch, speed, counts):
    indexed = []
    monkeypatch.setattr(bench, "_photo", lambda *_size: b"")
    monkeypatch.setattr(
        bench, "_index_files", lambda _embedder, _content, count: (indexed.append(count), speed)[1]
    )

    assert bench._file_speed(None, (1000, 200), 0.5) == FileSpeed(0.2, speed)
    assert indexed == counts
