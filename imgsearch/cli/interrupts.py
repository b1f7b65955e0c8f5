"""Ctrl-C, whenever it comes: one line and exit code 130, while Python still loads our modules, too.

Loads nothing but what Python has loaded anyway, so that it can be the first thing that happens.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from imgsearch.cli.exit_codes import EXIT_INTERRUPTED

INTERRUPTED = "imgsearch: interrupted; what was done is kept, the same command goes on from there"


def leave_at_once() -> None:
    """Have Ctrl-C end this process, for as long as nothing has to be put in order before.

    Where it is ignored, as in the background of a script, it stays so.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


@contextmanager
def leaving_at_once() -> Iterator[None]:
    """Have Ctrl-C end this process while the block runs, where it would raise an exception."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def raised() -> Iterator[None]:
    """Have Ctrl-C raise KeyboardInterrupt while the block runs, as Python itself does it."""
    if signal.getsignal(signal.SIGINT) is not _leave:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, _leave)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    try:
        # Not 2, which may be hidden from libraries; see `native_noise`.
        os.write(sys.stderr.fileno(), f"{INTERRUPTED}\n".encode())
    finally:  # with or without somebody to tell
        os._exit(EXIT_INTERRUPTED)
