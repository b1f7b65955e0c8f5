"""The command as a user runs it: in a process of its own, with a home of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Answer:
    code: int
    out: bytes
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.decode().splitlines()


class Command:
    """Runs `imgsearch` with a state folder that belongs to the test."""

    def __init__(self, home: Path) -> None:
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "IMGSEARCH_GALLERY"},
            "XDG_STATE_HOME": str(home / "state"),
            "PYTHONPATH": str(REPOSITORY),
        }

    def argv(self, *arguments: object) -> list[str]:
        return [sys.executable, "-m", "imgsearch", *(os.fsdecode(str(a)) for a in arguments)]

    def __call__(
        self,
        *arguments: object,
        cwd: Path | None = None,
        stdin: bytes = b"",
        **variables: str,
    ) -> Answer:
        done = subprocess.run(
            self.argv(*arguments),
            input=stdin,
            capture_output=True,
            cwd=cwd or REPOSITORY,
            env={**self.environment, **variables},
            check=False,
            timeout=900,
        )
        return Answer(done.returncode, done.stdout, done.stderr.decode(errors="replace"))


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of data/photos, so that no test writes into the checkout."""
    copy = tmp_path_factory.mktemp("photos") / "my photos"
    shutil.copytree(
        REPOSITORY / "data" / "photos", copy, ignore=shutil.ignore_patterns(".imgsearch")
    )
    return copy.resolve()


@pytest.fixture(scope="session")
def indexed(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """The answer of `imgsearch index` on the photos; their gallery lies inside them."""
    answer = Command(tmp_path_factory.mktemp("home"))("index", photos, "--json")
    assert answer.code == 0, answer.err
    return answer


@pytest.fixture(scope="session")
def gallery(indexed: Answer) -> Path:
    return Path(indexed.document["gallery"])


@pytest.fixture
def imgsearch(tmp_path: Path) -> Command:
    return Command(tmp_path / "home")


@pytest.fixture
def fails(imgsearch: Command) -> Callable[..., str]:
    """Run a command that has to exit 1 with one line on stderr and nothing on stdout."""

    def run(*arguments: object, **options: Any) -> str:
        answer = imgsearch(*arguments, **options)
        assert answer.code == 1
        assert answer.out == b""
        assert len(answer.err.splitlines()) == 1
        assert "Traceback" not in answer.err
        return answer.err

    return run
