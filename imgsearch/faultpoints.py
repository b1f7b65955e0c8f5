"""Named moments of a write at which a crash or a refusing disk would hurt most.

Code that changes files says `reached("publish.token_renewed")`; a test watches, and kills the
process or raises there. There is no switch but the function `watch`: no option, no variable of the
environment, no file. Unwatched, a point costs a call and a comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_watcher: Callable[[str], None] | None = None


def reached(point: str) -> None:
    """Say that a named moment has come.

    Args:
        point: Its name, of this place alone: the module or the step, a dot, what has just happened.
    """
    if _watcher is not None:
        _watcher(point)


@contextmanager
def watch(watcher: Callable[[str], None]) -> Iterator[None]:
    """Call a function at every point that this process reaches; for tests.

    Args:
        watcher: Told the point's name, in the thread that reached it. What it raises is raised
            there, as an error of the step that follows.
    """
    global _watcher
    before, _watcher = _watcher, watcher
    try:
        yield
    finally:
        _watcher = before
