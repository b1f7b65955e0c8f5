"""Small matrix products on one thread.

An answer is ordered by some twenty products of a few hundred rows. Shared among threads they gain
some milliseconds where every core is idle; where one is not, each product waits until the last
thread has had its turn, and an answer takes ten times as long.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

from threadpoolctl import ThreadpoolController

_turn = Lock()  # the limit is the whole process's: two threads would restore each other's


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Let NumPy multiply on the calling thread alone, one caller after the other."""
    with _turn, _blas().limit(limits=1):
        yield


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")
