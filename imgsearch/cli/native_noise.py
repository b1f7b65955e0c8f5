"""Keeps what native decoders write about odd files off the user's terminal."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def native_messages_hidden() -> Iterator[None]:
    """Send what C libraries write to the standard error stream nowhere, while the block runs.

    libtiff writes a line for every odd tag, past Python and with no way to turn it off; what
    matters of it reaches us as an error. Pillow logs some of the same. Python's own `sys.stderr` is
    not affected.
    """
    original = sys.__stderr__
    if original is None or sys.stderr is not original:
        yield  # somebody else has it in hand, a test for example
        return
    original.flush()
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    ours = os.fdopen(os.dup(kept), "w", buffering=1, errors="backslashreplace")
    try:
        os.dup2(nowhere, 2)
        sys.stderr = ours
        yield
    finally:
        sys.stderr = original
        ours.close()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
