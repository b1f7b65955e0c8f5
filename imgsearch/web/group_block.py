"""A group of copies as the review page's script wants it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from imgsearch.dedup.freed import files_behind
from imgsearch.dedup.planning import DEFAULT_TIERS, Skipped
from imgsearch.dedup.records import REMOVABLE, Group, Member, Picture
from imgsearch.errors import ImageReadError
from imgsearch.images.read import explain_os_error
from imgsearch.web.previews import PREVIEW_SIDE, THUMBNAIL_SIDE, data_uri, read_small

# What browsers show by themselves; the page holds a larger preview of any other file.
_SHOWN_BY_BROWSERS: Final = frozenset(("JPEG", "PNG", "GIF", "WEBP", "BMP", "AVIF", "ICO"))

EntryText = Callable[[Picture, Member], str | Skipped]
"""The plan's entry, as JSON text, that removes a member while a picture stays, or why it stays."""


@dataclass(slots=True)
class _Small:
    """The small pictures of a group: files of equal content share one."""

    thumbs: list[str] = field(default_factory=list)
    previews: dict[bytes, str | None] = field(default_factory=dict)
    places: dict[bytes, int] = field(default_factory=dict)

    def add(self, picture: Picture) -> None:
        """Make the small pictures of a file, unless its content has them.

        Raises:
            ImageReadError: If the file cannot be read any more.
        """
        content = picture.facts.content_hash
        if content in self.places:
            return
        is_shown = picture.facts.format in _SHOWN_BY_BROWSERS
        pixels = read_small(picture.path, THUMBNAIL_SIDE if is_shown else PREVIEW_SIDE)
        self.places[content] = len(self.thumbs)
        self.thumbs.append(data_uri(pixels, THUMBNAIL_SIDE))
        self.previews[content] = None if is_shown else data_uri(pixels, PREVIEW_SIDE)


def describe_group(group: Group, page_folder: Path, entry: EntryText) -> dict[str, Any]:
    """Return a group as a JSON document for the page.

    A member has `entry`, the text that removes it while the keeper stays, and `swap`, the text that
    removes the keeper while that member stays; each is None where that must not be. An oversized
    group can be chosen from, and so can what was edited, but nothing of it is chosen beforehand.
    """
    small = _Small()
    problems = [_problem(member.picture, small) for member in group.members]
    members = []
    for member, problem in zip(group.members, problems, strict=True):
        texts = _texts(group, member, entry) if not (problem or problems[0]) else _NO_TEXTS
        members.append(_describe(member, problem, small, page_folder) | texts)
    return {
        "key": _key(group),
        "tier": group.tier,
        "oversized": group.oversized,
        "thumbs": small.thumbs,
        "members": members,
    }


_NO_TEXTS: Final = {
    "entry": None,
    "swap": None,
    "chosen": False,
    "locked": "unreadable or changed",
}


def _texts(group: Group, member: Member, entry: EntryText) -> dict[str, Any]:
    """Return what a plan says of a member; nothing for the keeper and for what is no copy."""
    may_go = member.picture != group.keep and member.verdict.tier in REMOVABLE
    if not may_go or group.tier not in REMOVABLE:
        return _NO_TEXTS | {"locked": "not a copy"}
    removal = entry(group.keep, member)
    swap = entry(member.picture, Member(group.keep, member.verdict))
    may_be_chosen = member.verdict.tier in DEFAULT_TIERS and not group.oversized
    return {
        "entry": removal if isinstance(removal, str) else None,
        "swap": swap if isinstance(swap, str) else None,
        "chosen": may_be_chosen and isinstance(removal, str),
        "locked": removal.reason if isinstance(removal, Skipped) else "",
    }


def _problem(picture: Picture, small: _Small) -> str | None:
    """Add a file's small pictures, or say why it has none.

    A file that is no longer what was indexed and compared is not even decoded.
    """
    try:
        state = picture.path.stat()
        if (state.st_size, state.st_mtime_ns) != (picture.stamp.size_bytes, picture.stamp.mtime_ns):
            return "it has changed since it was indexed; index it again"
        small.add(picture)
    except OSError as error:
        return explain_os_error(error)
    except ImageReadError as error:
        return error.reason
    return None


def _describe(
    member: Member, problem: str | None, small: _Small, page_folder: Path
) -> dict[str, Any]:
    picture, verdict = member.picture, member.verdict
    content = picture.facts.content_hash
    return {
        "name": _shown(picture.path.name),
        "folder": _shown(str(picture.path.parent)),
        "width": picture.facts.width,
        "height": picture.facts.height,
        "format": picture.facts.format,
        "size": picture.stamp.size_bytes,
        **_file_behind(picture.path),
        "date": _date(picture.stamp.mtime_ns),
        "tier": verdict.tier,
        "score": verdict.score,
        "reason": verdict.reason,
        "thumb": None if problem else small.places[content],
        "problem": problem,
        "preview": None if problem else small.previews[content],
        "url": _url(picture, page_folder),
    }


def _file_behind(path: Path) -> dict[str, Any]:
    """Return which file has this name, and how many names it has."""
    file = files_behind([path]).get(path)
    if file is None:
        return {"file": None, "links": 1}
    return {"file": f"{file.device}:{file.inode}", "links": file.links}


def _url(picture: Picture, page_folder: Path) -> str | None:
    """Return the file's address relative to the page, if a browser can show it."""
    if picture.facts.format not in _SHOWN_BY_BROWSERS:
        return None
    try:
        relative = os.path.relpath(picture.path, page_folder)
    except ValueError:  # on another drive
        return picture.path.as_uri()
    return quote(os.fsencode(relative.replace(os.sep, "/")))


def _shown(text: str) -> str:
    """Return a name as text for people; bytes that are no UTF-8 become a sign that says so."""
    return os.fsencode(text).decode(errors="replace")


def _date(mtime_ns: int) -> str:
    try:
        moment = datetime.fromtimestamp(mtime_ns // 1_000_000_000).astimezone()
    except (OverflowError, OSError, ValueError):
        return "no date"
    return moment.strftime("%Y-%m-%d %H:%M")


def _key(group: Group) -> str:
    """Return what names a group's content and places, for choices that the browser keeps."""
    digest = sha256()
    for member in group.members:
        digest.update(member.picture.facts.content_hash + os.fsencode(member.picture.path) + b"\0")
    return digest.hexdigest()[:24]
