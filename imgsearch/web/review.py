"""The review page: one file in which people look at groups of copies and choose what goes.

The page is offline and self-contained. It holds small pictures, and shows the large ones from their
own files. It removes nothing: its button saves a plan, of the entries that were chosen, as
`imgsearch dupes apply` reads it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any, BinaryIO, Final

from imgsearch.dedup.records import Group
from imgsearch.errors import ReviewPageError
from imgsearch.gallery.durable import write_durably
from imgsearch.web.group_block import EntryText, describe_group

DEFAULT_MAX_BYTES: Final = 64_000_000
"""A browser takes long over a larger page; the groups that do not fit are left out, and counted."""

_MARK: Final = b"<!doctype html>\n<!-- imgsearch review page -->\n"


@dataclass(frozen=True, slots=True)
class PlanText:
    """How a plan is put together from text.

    Attributes:
        name: What the saved file is called.
        before: What stands before the entries.
        between: What stands between two of them.
        after: What stands after them.
        entry: Makes an entry.
    """

    name: str
    before: str
    between: str
    after: str
    entry: EntryText


@dataclass(frozen=True, slots=True)
class ReviewReport:
    """What a page shows, and how many groups it had no room for."""

    groups: int
    left_out: int


def write_review_page(
    path: Path,
    groups: Iterable[Group],
    plan: PlanText,
    *,
    max_bytes: int = DEFAULT_MAX_BYTES,
    progress: Callable[[int], None] = lambda _: None,
) -> ReviewReport:
    """Write a page that shows groups; no more than one group is held in memory.

    Args:
        path: The file to make; an earlier review page is replaced, any other file is not.
        groups: What to show, in order.
        plan: The plan that the page's button saves.
        max_bytes: Groups that begin beyond this many bytes are left out.
        progress: Called with the number of groups written.

    Raises:
        ReviewPageError: If another file is in the way, or the disk refuses.
    """
    path = path.absolute()
    _refuse_other_files(path)
    page = _Page(path.parent, plan, max_bytes, progress)
    try:
        write_durably(path, lambda temporary: page.write(temporary, groups))
    except OSError as error:
        raise ReviewPageError(path, error.strerror or str(error)) from error
    return ReviewReport(page.shown, page.left_out)


def _refuse_other_files(path: Path) -> None:
    try:
        with path.open("rb") as file:
            is_ours = file.read(len(_MARK)) == _MARK
    except FileNotFoundError:
        return
    except OSError as error:
        raise ReviewPageError(path, error.strerror or str(error)) from error
    if not is_ours:
        reason = "another file is there, which is left alone; choose another name"
        raise ReviewPageError(path, reason)


class _Page:
    """A page while it is written, group by group."""

    def __init__(
        self, folder: Path, plan: PlanText, max_bytes: int, progress: Callable[[int], None]
    ) -> None:
        self.shown = 0
        self.left_out = 0
        self._folder = folder
        self._plan = plan
        self._max_bytes = max_bytes
        self._progress = progress
        self._digest = sha256()

    def write(self, path: Path, groups: Iterable[Group]) -> None:
        head, tail = _template().split(b"@groups@")
        with path.open("xb") as file:
            file.write(head)
            for block in self._blocks(file, groups):
                file.write(block)
            file.write(_data_block(self._summary(), 'id="page"'))
            file.write(tail)

    def _blocks(self, file: BinaryIO, groups: Iterable[Group]) -> Iterator[bytes]:
        for group in groups:
            if file.tell() >= self._max_bytes:
                self.left_out += 1
                continue
            document = describe_group(group, self._folder, self._plan.entry)
            self._digest.update(document["key"].encode())
            yield _data_block(document, 'class="group"')
            self.shown += 1
            self._progress(self.shown)

    def _summary(self) -> dict[str, Any]:
        plan = self._plan
        return {
            "key": self._digest.hexdigest()[:24],
            "plan": {
                "name": plan.name,
                "before": plan.before,
                "between": plan.between,
                "after": plan.after,
            },
            "left_out": self._left_out_text(),
        }

    def _left_out_text(self) -> str | None:
        if not self.left_out:
            return None
        return (
            f"This page shows {self.shown:,} groups and has no room for {self.left_out:,} more. "
            "Apply this plan, then make the page again; or make one for a single folder."
        )


def _template() -> bytes:
    """Return the page around its groups, with style and script in it.

    The policy allows that very style and script, pictures of this machine, and nothing else.
    """
    style, script = _resource("review.css"), _resource("review.js")
    policy = (
        f"default-src 'none'; style-src '{_source_hash(style)}'; "
        f"script-src '{_source_hash(script)}'; "
        "img-src data: file:; base-uri 'none'; form-action 'none'"
    )
    page = _resource("review.html").replace(b"@policy@", policy.encode())
    return page.replace(b"@style@", style).replace(b"@script@", script)


def _resource(name: str) -> bytes:
    return (resources.files("imgsearch.web") / name).read_bytes().replace(b"\r\n", b"\n")


def _source_hash(content: bytes) -> str:
    return "sha256-" + base64.b64encode(sha256(content).digest()).decode("ascii")


def _data_block(document: dict[str, Any], attribute: str) -> bytes:
    """Return a document as a script element; no text in it can end the element."""
    text = json.dumps(document, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" {attribute}>{text}</script>\n'.encode()
