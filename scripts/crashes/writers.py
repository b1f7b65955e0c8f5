"""Writers that die or fail: each runs in a process of its own, forked from one that is warm."""

from __future__ import annotations

import errno
import json
import os
import random
import resource
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2  # noqa: F401 - loaded here, no writer has to load it after its fork

from crashes.photos import COLOUR, ColourEmbedder
from imgsearch import faultpoints
from imgsearch.errors import ImgsearchError
from imgsearch.gallery.check import check_gallery
from imgsearch.gallery.forget import forget_roots
from imgsearch.gallery.report import UpdateOptions
from imgsearch.gallery.update import update_gallery

BATCH = 3
DEADLINE_S = 60
_REFUSED = (errno.ENOSPC, errno.EIO)


@dataclass(frozen=True)
class Outcome:
    """How a writer ended.

    Attributes:
        end: `"done"`, `"killed"`, or `"refused"` with an error for its user.
        message: That error.
        embedded: Pictures that its embedder saw.
        failed: The files that it listed as not readable.
        seconds: How long it ran.
    """

    end: str
    message: str
    embedded: int
    failed: frozenset[Path]
    seconds: float


Action = Callable[[ColourEmbedder], "list[Path]"]
Fault = Callable[[], "contextmanager[None]"]


def update(gallery: Path, roots: list[Path]) -> Action:
    """Return a writer that indexes some roots."""

    def run(embedder: ColourEmbedder) -> list[Path]:
        report = update_gallery(
            gallery,
            roots,
            identity=COLOUR,
            make_embedder=lambda _identity: embedder,
            options=UpdateOptions(jobs=2, batch_size=BATCH),
        )
        return [file.path for file in report.failed]

    return run


def forget(gallery: Path, root: Path) -> Action:
    """Return a writer that takes a root out of a gallery."""

    def run(_embedder: ColourEmbedder) -> list[Path]:
        forget_roots(gallery, [root])
        return []

    return run


def repair(gallery: Path) -> Action:
    """Return a writer that mends a gallery."""

    def run(_embedder: ColourEmbedder) -> list[Path]:
        check_gallery(gallery, sample=3, k=3, repair=True)
        return []

    return run


def run(
    action: Action,
    fault: Fault | None = None,
    kill_after_s: float | None = None,
    *,
    deadline_s: float = DEADLINE_S,
) -> Outcome:
    """Run a writer in a child process, and wait for its end.

    Args:
        action: What it does.
        fault: What happens to it inside; None lets it live.
        kill_after_s: When to kill it from outside, in seconds.
        deadline_s: When it is taken to hang, in seconds.

    Raises:
        RuntimeError: If it hangs, or fails with anything but an error for its user.
    """
    ours, theirs = os.pipe()
    started = time.monotonic()
    child = os.fork()
    if not child:
        os.close(ours)
        _live(action, fault, theirs)
    os.close(theirs)
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        os.kill(child, signal.SIGKILL)
    status = _wait(child, started + deadline_s)
    with os.fdopen(ours, "rb") as pipe:
        lines = pipe.read().split(b"\n")
    return _outcome(lines, status, time.monotonic() - started)


def killed_at(point: str, occurrence: int) -> Fault:
    """Return a fault that kills the process when a point is reached for the n-th time."""

    def kill(_point: str) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    return _at(point, occurrence, kill)


def disk_refuses_at(point: str, occurrence: int, dice: random.Random) -> Fault:
    """Return a fault that fails at a point as a full or broken disk does there."""
    number = dice.choice(_REFUSED)

    def refuse(_point: str) -> None:
        if not point.startswith("transaction."):
            raise OSError(number, os.strerror(number))
        full = number == errno.ENOSPC
        error = sqlite3.OperationalError("database or disk is full" if full else "disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL if full else sqlite3.SQLITE_IOERR
        raise error

    return _at(point, occurrence, refuse)


@contextmanager
def files_limited(size_bytes: int) -> Iterator[None]:
    """Let no file of this process grow over a size: a true refusal, SQLite's writes included."""
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def _at(point: str, occurrence: int, act: Callable[[str], None]) -> Fault:
    left = [occurrence]

    def watcher(reached: str) -> None:
        if reached == point:
            left[0] -= 1
            if left[0] == 0:
                act(point)

    return lambda: faultpoints.watch(watcher)


def _live(action: Action, fault: Fault | None, pipe: int) -> None:
    """Do what the child is there for, tell, and leave without the parent's tidying-up."""
    embedder = ColourEmbedder()
    embed = embedder.embed

    def tell(**facts: object) -> None:
        os.write(pipe, json.dumps(facts).encode() + b"\n")

    def embed_and_tell(batch: object) -> object:
        tell(embedded=embedder.pictures + len(batch))
        return embed(batch)

    embedder.embed = embed_and_tell
    try:
        if fault is None:
            failed = action(embedder)
        else:
            with fault():
                failed = action(embedder)
        tell(end="done", failed=[os.fspath(path) for path in failed])
    except ImgsearchError as error:
        tell(end="refused", message=str(error))
    except BaseException as error:  # noqa: BLE001 - the parent reports it
        tell(end="broken", message=f"{type(error).__name__}: {error}")
    finally:
        os._exit(0)


def _wait(child: int, deadline: float) -> int:
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise RuntimeError("a writer hangs")
        time.sleep(0.002)


def _outcome(lines: list[bytes], status: int, seconds: float) -> Outcome:
    facts: dict[str, object] = {"embedded": 0, "message": "", "failed": []}
    for line in lines[:-1]:  # what follows the last line break was cut off
        facts.update(json.loads(line))
    if os.WIFSIGNALED(status) and "end" not in facts:
        if os.WTERMSIG(status) != signal.SIGKILL:
            raise RuntimeError(f"a writer died of signal {os.WTERMSIG(status)}")
        facts["end"] = "killed"
    if facts.get("end") not in {"done", "refused", "killed"}:
        raise RuntimeError(f"a writer failed with {facts.get('message')}")
    failed = frozenset(Path(name) for name in facts["failed"])
    return Outcome(facts["end"], facts["message"], facts["embedded"], failed, seconds)
