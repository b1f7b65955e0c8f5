"""Decode in child processes what could crash, hang or eat the memory of this one.

A child is lent to one thread at a time, lives from picture to picture, and is replaced once it
dies. What goes over its pipes is JSON and plain bytes: a child that a hostile file has taken over
can send a false picture, and nothing that is run here.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from imgsearch.errors import ImageReadError, ImageTooLargeError, UnsupportedImageError
from imgsearch.images.budget import PixelBudget

# The child finds what this process has imported, however it came to be importable here.
_BOOT: Final = (
    "import sys; sys.path[:] = sys.argv[1:];"
    "from imgsearch.images.worker import serve; serve(sys.stdin.buffer, sys.stdout.buffer)"
)
# Not later: while a thread loads OpenCV, a folder is in sys.path whose `typing` is not Python's.
_PATH: Final = tuple(sys.path)
_EXIT_GRACE_S: Final = 5.0


_ERRORS: Final = {
    kind.__name__: kind for kind in (ImageReadError, ImageTooLargeError, UnsupportedImageError)
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What the decoding of one picture may cost.

    Attributes:
        time_s: Seconds for its header, and as many for its pixels; one more for each megabyte.
        memory_bytes: Memory, where the system sees to it, beside that for the declared pixels.
        pixel_bytes: Memory for each declared pixel. Decoders hold a picture up to three times in
            four bytes a pixel, and JPEG 2000 in four bytes a channel.
    """

    time_s: float = 30.0
    memory_bytes: int = 512_000_000
    pixel_bytes: int = 40


@dataclass(frozen=True, slots=True)
class Job:
    """A picture to be decoded elsewhere.

    Attributes:
        task: Which function of `imgsearch.images.worker` does it.
        name: What an error message calls the picture.
        source: The file, or its content.
        options: What else the function is given; plain JSON.
    """

    task: str
    name: str
    source: Path | bytes
    options: Mapping[str, Any]


class _WorkerLostError(Exception):
    """The child process ended in the middle of a job."""


class _CrashError(ImageReadError):
    """The child process crashed; it is not certain yet whether over this picture."""


class Worker:
    """A child process that decodes one picture after another.

    Args:
        limits: What it may spend on a picture.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.is_new = True
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _BOOT, *_PATH],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            start_new_session=True,  # Ctrl-C in a terminal is for this process, not for the child
        )

    def run(self, job: Job, budget: PixelBudget | None) -> dict[str, Any]:
        """Have a picture decoded.

        Returns:
            The fields of the result by name, arrays among them.

        Raises:
            ImageReadError: If the picture cannot be read, or the child did not survive it.
        """
        content = job.source if isinstance(job.source, bytes) else b""
        path = None if isinstance(job.source, bytes) else os.fspath(job.source)
        megabytes = (len(content) if path is None else Path(path).stat().st_size) / 1e6
        limits = replace(self._limits, time_s=self._limits.time_s + megabytes)
        request = {
            "task": job.task,
            "name": job.name,
            "path": path,
            "size": len(content),
            "limits": asdict(limits),
            "options": dict(job.options),
        }
        started = time.monotonic()
        try:
            self._send(_line(request), content)
            reply = self._receive()
            if "pixels" in reply:
                with _turn(budget, int(reply["pixels"])):
                    started = time.monotonic()
                    self._send(b"\n")
                    reply = self._receive()
            return self._result(reply)
        except _WorkerLostError:
            raise self._obituary(job.name, time.monotonic() - started, limits) from None
        finally:
            self.is_new = False

    @property
    def is_alive(self) -> bool:
        """Whether it can take another job."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the child, whatever it is doing."""
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                _pipe(stream).close()
        self._process.kill()
        self._process.wait()

    def _send(self, *parts: bytes) -> None:
        stdin = _pipe(self._process.stdin)
        try:
            for part in parts:
                stdin.write(part)
            stdin.flush()
        except OSError as error:
            raise _WorkerLostError from error

    def _receive(self) -> dict[str, Any]:
        line = _pipe(self._process.stdout).readline()
        if not line.endswith(b"\n"):
            raise _WorkerLostError
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _result(self, reply: dict[str, Any]) -> dict[str, Any]:
        if "error" in reply:
            raise _ERRORS[reply["error"]](*reply["args"])
        fields: dict[str, Any] = reply["fields"]
        for name, shape in reply["arrays"].items():
            content = _pipe(self._process.stdout).read(int(np.prod(shape)))
            if len(content) != np.prod(shape):
                raise _WorkerLostError
            fields[name] = np.frombuffer(content, np.uint8).reshape(shape)
        return fields

    def _obituary(self, name: str, elapsed_s: float, limits: Limits) -> ImageReadError:
        try:
            code = self._process.wait(_EXIT_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if elapsed_s >= limits.time_s:
            return ImageReadError(name, f"decoding it took longer than {limits.time_s:.0f} s")
        if code == -getattr(signal, "SIGKILL", 0):
            return _CrashError(name, "the system killed its decoder, mostly for want of memory")
        return _CrashError(name, f"the decoder crashed ({_name_of(code)})")


class WorkerPool:
    """Lends workers to threads: as many as are wanted at the same time, and no more.

    Args:
        limits: What a worker may spend on a picture.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._idle: list[Worker] = []
        self._lock = threading.Lock()

    def run(self, job: Job, budget: PixelBudget | None = None) -> dict[str, Any]:
        """Have a picture decoded in a process of its own; see `Worker.run`.

        A picture is blamed for a crash only by a worker that had no other before: an earlier one
        may have left the memory of its decoder in disorder.
        """
        worker = self._take()
        was_new = worker.is_new
        try:
            return self._run(worker, job, budget)
        except _CrashError as error:
            if was_new:
                raise ImageReadError(error.path, error.reason) from None
        try:
            return self._run(Worker(self._limits), job, budget)
        except _CrashError as error:
            raise ImageReadError(error.path, error.reason) from None

    def _run(self, worker: Worker, job: Job, budget: PixelBudget | None) -> dict[str, Any]:
        try:
            result = worker.run(job, budget)
        except ImageReadError:
            self._give_back(worker)
            raise
        except BaseException:  # in the middle of an exchange: it would answer the next one wrongly
            worker.close()
            raise
        self._give_back(worker)
        return result

    def close(self) -> None:
        """End the workers that are idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()

    def forget(self) -> None:
        """Leave the workers to the process that this one was forked from."""
        self._lock = threading.Lock()
        self._idle = []

    def _take(self) -> Worker:
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.is_alive:
                    return worker
                worker.close()
        return Worker(self._limits)

    def _give_back(self, worker: Worker) -> None:
        if not worker.is_alive:
            worker.close()
            return
        with self._lock:
            self._idle.append(worker)


WORKERS: Final = WorkerPool()
"""The workers of this process; the first one is started when there is something to do."""

atexit.register(WORKERS.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=WORKERS.forget)


def _turn(budget: PixelBudget | None, pixels: int) -> AbstractContextManager[None]:
    return budget.hold(pixels) if budget is not None else nullcontext()


def _line(value: object) -> bytes:
    return json.dumps(value).encode("ascii") + b"\n"


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # all of them are pipes
    return stream


def _name_of(code: int) -> str:
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"exit code {code}"
