"""Loads OpenVINO without the telemetry that it would bring along."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, Final, cast

from imgsearch.errors import EngineError

if TYPE_CHECKING:
    import openvino as ov  # noqa: TID251 - the wrapper itself

_TELEMETRY: Final = "openvino_telemetry"
_turn: Final = Lock()


def load_openvino() -> ModuleType:
    """Import OpenVINO, whose models then tell nobody that they are used.

    Its telemetry package would look up a host on the network and write an id into the user's home.

    Raises:
        EngineError: If OpenVINO cannot be loaded.
    """
    try:
        with _hidden(_TELEMETRY):
            import openvino  # noqa: TID251 - the wrapper itself
    except ImportError as error:
        raise EngineError(f"OpenVINO cannot be loaded: {error}; use --engine tensorflow") from error
    return cast(ModuleType, openvino)


def openvino_core() -> ov.Core:
    """Return the one `openvino.Core` of this process, which lives as long as the process.

    Its processor plugin gives the thread that loads it a stack for signals, and frees that stack
    with the core. With two cores the freed one can be the one in use: Ctrl-C is a crash then.

    Raises:
        EngineError: If OpenVINO cannot be loaded.
    """
    with _turn:
        return _core()


@cache
def _core() -> ov.Core:
    return load_openvino().Core()


@contextmanager
def _hidden(name: str) -> Iterator[None]:
    """Let imports of a module fail while the block runs: OpenVINO has a stub for that case."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = cast(ModuleType, None)
    try:
        yield
    finally:
        del sys.modules[name]
