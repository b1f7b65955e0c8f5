"""Child processes that look at pictures: Python itself runs on one core in each.

Comparing two pictures is many short steps, of which Python does the half: two threads of one
process take nearly as long as one.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any, Final

# The child finds what this process has imported, however it came to be importable here.
_BOOT: Final = (
    "import sys; sys.path[:] = sys.argv[1:];"
    "from imgsearch.dedup.onlooker import serve; serve(sys.stdin.buffer, sys.stdout.buffer)"
)
_PATH: Final = tuple(sys.path)
_ONE_THREAD: Final = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1"
)
_GRACE_S: Final = 5.0


class Crew:
    """Some child processes; for any number of threads.

    Args:
        folder: The gallery whose cache they read.
        size: How many there are.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self._members = [_Member(folder) for _ in range(size)]
        self._idle: SimpleQueue[_Member] = SimpleQueue()
        for member in self._members:
            self._idle.put(member)

    def ask(self, task: str, *given: object) -> tuple[Any] | None:
        """Have one of them do something, when one is free.

        Args:
            task: A method of `Onlooker`.
            given: What it is given.

        Returns:
            The answer, alone in a tuple; None if it could not be done: it is to be done here then.
        """
        member = self._idle.get()
        try:
            return member.ask(task, given)
        finally:
            self._idle.put(member)

    def close(self) -> None:
        """End them."""
        for member in self._members:
            member.close()


class _Member:
    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _BOOT, *_PATH],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | _ONE_THREAD,
            start_new_session=True,  # Ctrl-C in a terminal is for this process, not for the child
        )
        self._is_lost = False
        self._send(folder)

    def ask(self, task: str, given: tuple[object, ...]) -> tuple[Any] | None:
        self._send((task, given))
        line = b"" if self._is_lost else _pipe(self._process.stdout).readline()
        if not line.endswith(b"\n"):
            self._is_lost = True
            return None
        answer = json.loads(line)
        return None if answer is None else (answer[0],)

    def close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                _pipe(stream).close()
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, value: object) -> None:
        if self._is_lost:
            return
        stdin = _pipe(self._process.stdin)
        try:
            pickle.dump(value, stdin)
            stdin.flush()
        except OSError:
            self._is_lost = True


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # all of them are pipes
    return stream
