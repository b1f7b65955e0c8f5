"""What a person has decided of copies: remembered by content, whatever becomes of the files.

    decisions.json      one JSON document with a checksum of the rest of it; replaced in one step

Names and places are not in it: a decision holds for a picture that was moved, renamed, copied or
indexed anew. It is no cache, and nothing makes it again.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

from imgsearch.dedup.records import TIERS, Group
from imgsearch.errors import DecisionsError
from imgsearch.gallery.durable import read_regular, write_durably

DECISIONS_NAME: Final = "decisions.json"

Settlement: TypeAlias = Literal["keep", "reviewed"]
"""`"keep"`: all of these stay. `"reviewed"`: a person has looked at these, and is done."""

_VERSION: Final = 1
_HASH_BYTES: Final = 32
_MEND: Final = "move it away to begin anew, or restore it from a backup"

Hashes: TypeAlias = frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Decisions:
    """Decisions of a gallery's user.

    Attributes:
        ignored: Pairs of contents that are not to be called copies of one another.
        settled: Sets of contents that a person is done with, and how.
    """

    ignored: frozenset[Hashes] = frozenset()
    settled: frozenset[tuple[Settlement, Hashes]] = frozenset()

    def ignores(self, first: bytes, second: bytes) -> bool:
        """Tell whether two contents are not to be called copies of one another."""
        return frozenset((first, second)) in self.ignored

    def keeps(self, first: bytes, second: bytes) -> bool:
        """Tell whether a person said that both are to stay."""
        pair = {first, second}
        return any(kind == "keep" and pair <= hashes for kind, hashes in self.settled)

    def filter(self, groups: Iterable[Group]) -> list[Group]:
        """Return the groups that are still open, in order.

        A member that is to be no copy of its keeper is left out. A group that is settled is left
        out until a picture is in it that was not there when it was settled.
        """
        closed = _Closed(hashes for _, hashes in self.settled)
        open_groups = (self._without_ignored(group) for group in groups)
        return [
            group
            for group in open_groups
            if len(group.members) > 1 and not closed.covers(_contents(group))
        ]

    def ignore(self, hashes: Sequence[bytes]) -> Decisions:
        """Add that none of these is a copy of another; a content named twice, not of itself."""
        pairs = {frozenset(pair) for pair in combinations(hashes, 2)}
        return replace(self, ignored=self.ignored | pairs)

    def settle(self, kind: Settlement, sets: Iterable[Iterable[bytes]]) -> Decisions:
        """Add that a person is done with these sets of contents."""
        new = {(kind, frozenset(hashes)) for hashes in sets}
        return replace(self, settled=self.settled | new)

    def reopen(self, hashes: Iterable[bytes]) -> Decisions:
        """Drop every decision in which one of these contents takes part."""
        named = frozenset(hashes)
        return Decisions(
            frozenset(pair for pair in self.ignored if pair.isdisjoint(named)),
            frozenset(one for one in self.settled if one[1].isdisjoint(named)),
        )

    def __len__(self) -> int:
        return len(self.ignored) + len(self.settled)

    def _without_ignored(self, group: Group) -> Group:
        """Return a group without the members that are to be no copies of its keeper."""
        keeper = group.keep.facts.content_hash
        kept, *others = group.members
        left = [
            member
            for member in others
            if not self.ignores(keeper, member.picture.facts.content_hash)
        ]
        if len(left) == len(others):
            return group
        tiers = [member.verdict.tier for member in left if member.verdict.tier]
        weakest = max(tiers, key=TIERS.index, default=group.tier)
        kept = replace(kept, verdict=replace(kept.verdict, tier=weakest))
        return replace(group, tier=weakest, members=(kept, *left))


class _Closed:
    """Sets of contents, asked whether one of them holds a whole group."""

    def __init__(self, sets: Iterable[Hashes]) -> None:
        self._by_content: dict[bytes, list[Hashes]] = {}
        for hashes in sets:
            for content in hashes:
                self._by_content.setdefault(content, []).append(hashes)

    def covers(self, contents: Hashes) -> bool:
        return any(contents <= hashes for hashes in self._by_content.get(min(contents), ()))


def read_decisions(folder: Path) -> Decisions:
    """Return the decisions that are kept in a gallery; none where there is no file of them.

    Raises:
        DecisionsError: If the file cannot be read, or is not as it was written.
    """
    path = folder / DECISIONS_NAME
    try:
        content = read_regular(path)
    except FileNotFoundError:
        return Decisions()
    except OSError as error:
        raise DecisionsError(path, f"it cannot be read ({error.strerror}); {_MEND}") from error
    try:
        return _parse(json.loads(content.decode()))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DecisionsError(path, f"it is damaged; {_MEND}") from error


def change_decisions(folder: Path, change: Callable[[Decisions], Decisions]) -> Decisions:
    """Replace a gallery's decisions; the caller holds the gallery's lock.

    Returns:
        The new ones.

    Raises:
        DecisionsError: If the old ones are damaged, or the disk refuses.
    """
    path = folder / DECISIONS_NAME
    decisions = change(read_decisions(folder))
    text = json.dumps(_document(decisions), indent=1) + "\n"
    try:
        write_durably(path, lambda temporary: _write_text(temporary, text))
    except OSError as error:
        reason = f"it cannot be written ({error.strerror}); nothing was changed"
        raise DecisionsError(path, reason) from error
    return decisions


def _contents(group: Group) -> Hashes:
    return frozenset(member.picture.facts.content_hash for member in group.members)


def _document(decisions: Decisions) -> dict[str, Any]:
    body = {
        "version": _VERSION,
        "ignored": sorted(_texts(pair) for pair in decisions.ignored),
        "settled": sorted([kind, _texts(hashes)] for kind, hashes in decisions.settled),
    }
    return {**body, "crc32": _crc32(body)}


def _parse(document: dict[str, Any]) -> Decisions:
    crc = document.pop("crc32")
    if document["version"] != _VERSION or crc != _crc32(document):
        raise ValueError("it is not as it was written")
    if any(kind not in get_args(Settlement) for kind, _ in document["settled"]):
        raise ValueError("it has a decision of an unknown kind")
    return Decisions(
        frozenset(_hashes(texts) for texts in document["ignored"]),
        frozenset((kind, _hashes(texts)) for kind, texts in document["settled"]),
    )


def _texts(hashes: Hashes) -> list[str]:
    return sorted(content.hex() for content in hashes)


def _hashes(texts: list[str]) -> Hashes:
    hashes = frozenset(bytes.fromhex(text) for text in texts)
    if not hashes or any(len(content) != _HASH_BYTES for content in hashes):
        raise ValueError("it names no contents")
    return hashes


def _crc32(body: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(body, sort_keys=True).encode())


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
