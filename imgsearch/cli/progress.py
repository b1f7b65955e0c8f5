"""The progress bar: on a terminal only, with the rate and the time left."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from imgsearch.gallery.report import Progress, ProgressCallback

CountCallback: TypeAlias = Callable[[int, int], None]
"""Told how many of something are done, and how many there are."""

StageCallback: TypeAlias = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""

_TITLES = {"scan": "Looking for files", "embed": "Indexing", "index": "Writing the index"}


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[ProgressCallback | None]:
    """Show an update's bar on stderr while the block runs; gives None where nobody would see it."""
    with _bar(quiet=quiet) as bar:
        if bar is None:
            yield None
            return
        task = bar.add_task("", total=None, rate="")

        def show(progress: Progress) -> None:
            speed = bar.tasks[0].speed if progress.stage == "embed" else None
            bar.update(
                task,
                description=_TITLES[progress.stage],
                completed=progress.done,
                total=progress.total,
                rate=f"{speed:,.0f}/s" if speed else "",
            )

        yield show


@contextmanager
def counting_bar(title: str, *, quiet: bool) -> Iterator[CountCallback]:
    """Show a bar on stderr while the block runs, if anybody would see it."""
    with _bar(quiet=quiet) as bar:
        if bar is None:
            yield lambda _done, _total: None
            return
        task = bar.add_task(title, total=None, rate="")
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def stages_bar(*, quiet: bool) -> Iterator[StageCallback]:
    """Show a bar on stderr while the block runs, with a title for each stage."""
    with _bar(quiet=quiet) as bar:
        if bar is None:
            yield lambda _what, _done, _total: None
            return
        task = bar.add_task("", total=None, rate="")
        yield lambda what, done, total: bar.update(
            task, description=what, completed=done, total=total
        )


@contextmanager
def _bar(*, quiet: bool) -> Iterator[Any]:
    """Give Rich's bar, or None where nobody would see it."""
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield None
        return
    # Rich takes 0.1 s to load, which a command that shows no bar should not pay.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        yield bar
