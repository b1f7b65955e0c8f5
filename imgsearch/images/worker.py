"""The other side of `imgsearch.images.isolation`: what a child process does."""

from __future__ import annotations

import faulthandler
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from imgsearch.errors import ImageReadError
from imgsearch.images.crop import Crop, Part, cut_out_here
from imgsearch.images.isolation import Limits
from imgsearch.images.prepare import PreparedImage, prepare_here
from imgsearch.types import Preprocessing

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

_STATM_DATA: Final = 5  # the field of /proc/self/statm


class _Exchange:
    """One request and its answer, over the pipes."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes], request: dict[str, Any]) -> None:
        self._requests, self._answers, self._request = requests, answers, request
        self._limits = Limits(**request["limits"])
        self._limit_bytes = 0

    def answer(self) -> None:
        """Decode the picture of the request, and say what came of it."""
        path, name = self._request["path"], self._request["name"]
        source = Path(path) if path is not None else self._requests.read(self._request["size"])
        self._set_limits(0)
        try:
            result = _TASKS[self._request["task"]](source, name, self._request["options"], self)
        except ImageReadError as error:
            self._fail(error)
        else:
            self._succeed(result)
        finally:
            faulthandler.cancel_dump_traceback_later()

    @contextmanager
    def hold(self, pixels: int) -> Iterator[None]:
        """Wait until the other side has room for so many pixels; as `PixelBudget.hold` does."""
        faulthandler.cancel_dump_traceback_later()
        self._write({"pixels": pixels})
        if not self._requests.readline():
            sys.exit()  # nobody wants it any more
        self._set_limits(pixels)
        yield

    def _set_limits(self, pixels: int) -> None:
        # A thread of faulthandler's own watches the clock, and ends the process also where a
        # decoder never comes back to Python.
        faulthandler.dump_traceback_later(self._limits.time_s, exit=True)
        self._limit_bytes = self._limits.memory_bytes + pixels * self._limits.pixel_bytes
        _limit_memory(self._limit_bytes)

    def _fail(self, error: ImageReadError) -> None:
        if isinstance(error.__cause__, MemoryError):
            megabytes = self._limit_bytes // 1_000_000
            error = ImageReadError(error.path, f"decoding it needs more than {megabytes:,} MB")
        self._write({"error": type(error).__name__, "args": error.args})

    def _succeed(self, result: PreparedImage | Part) -> None:
        values = {field.name: getattr(result, field.name) for field in fields(result)}
        arrays = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
        plain = {name: value for name, value in values.items() if name not in arrays}
        shapes = {name: array.shape for name, array in arrays.items()}
        self._write({"fields": plain, "arrays": shapes}, *(a.tobytes() for a in arrays.values()))

    def _write(self, header: dict[str, Any], *parts: bytes) -> None:
        self._answers.write(json.dumps(header).encode("ascii") + b"\n")
        for part in parts:
            self._answers.write(part)
        self._answers.flush()


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer requests until the other side closes its pipe.

    Args:
        requests: A line of JSON each, with the content of the picture after it.
        answers: A line of JSON each, with the arrays of the result after it.
    """
    _write_no_core_dump()
    while line := requests.readline():
        _Exchange(requests, answers, json.loads(line)).answer()


def _prepare(
    source: Path | bytes, name: str, options: Mapping[str, Any], turn: _Exchange
) -> PreparedImage:
    preprocessing = Preprocessing(**options["preprocessing"])
    return prepare_here(
        source, preprocessing, name=name, max_pixels=options["max_pixels"], budget=turn
    )


def _cut_out(source: Path | bytes, name: str, options: Mapping[str, Any], turn: _Exchange) -> Part:
    crop = Crop(**options["crop"])
    return cut_out_here(source, crop, name=name, max_pixels=options["max_pixels"], budget=turn)


_TASKS: Final[dict[str, Callable[[Path | bytes, str, Mapping[str, Any], _Exchange], Any]]] = {
    "prepare": _prepare,
    "cut_out": _cut_out,
}


def _write_no_core_dump() -> None:
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_memory(more_bytes: int) -> None:
    """Let this process have so much more than it has now, where the system can see to it."""
    if resource is None:
        return
    try:
        held = int(Path("/proc/self/statm").read_bytes().split()[_STATM_DATA])
    except OSError:  # no Linux
        return
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    limit = held * os.sysconf("SC_PAGE_SIZE") + more_bytes
    if most != resource.RLIM_INFINITY:
        limit = min(limit, most)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, most))
