"""From groups to a plan: which copies go, and why others stay."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from imgsearch.dedup.decisions import Decisions
from imgsearch.dedup.keepers import KeepRules
from imgsearch.dedup.paths import shown
from imgsearch.dedup.plan import Plan, PlanEntry, PlannedFile
from imgsearch.dedup.records import Group, Member, Picture, Tier
from imgsearch.dedup.richness import lost_in
from imgsearch.dedup.siblings import is_side_car
from imgsearch.errors import ImageReadError
from imgsearch.images.fingerprint import content_hash
from imgsearch.images.read import explain_os_error

DEFAULT_TIERS: Final[frozenset[Tier]] = frozenset(("identical", "pixels", "copy"))
"""What goes unless more is asked for: nothing that has been edited."""

_INDEX_AGAIN: Final = "run `imgsearch index` again"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A copy that stays, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What may go into a plan.

    Attributes:
        tiers: Only copies that are as sure as these.
        rules: What is protected, and what belongs to a picture.
        decisions: Which pictures a person said are to stay.
    """

    tiers: frozenset[Tier] = DEFAULT_TIERS
    rules: KeepRules = field(default_factory=KeepRules)
    decisions: Decisions = field(default_factory=Decisions)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan, and the copies that are not in it, in the order of their groups."""

    plan: Plan
    skipped: tuple[Skipped, ...]


def make_plan(gallery: Path, groups: Iterable[Group], options: PlanOptions) -> Proposal:
    """Plan the removal of every copy in some groups that may go.

    Args:
        gallery: The gallery's folder.
        groups: Disjoint groups of copies.
        options: What may go.
    """
    entries: list[PlanEntry] = []
    skipped: list[Skipped] = []
    for group in groups:
        for member in group.members[1:]:
            planned = plan_removal(group, member, options)
            (entries if isinstance(planned, PlanEntry) else skipped).append(planned)  # type: ignore[arg-type]
    return Proposal(Plan(gallery.resolve(), tuple(entries)), tuple(skipped))


def plan_removal(group: Group, member: Member, options: PlanOptions) -> PlanEntry | Skipped:
    """Plan the removal of a member of a group, or say why it stays."""
    if member.verdict.tier not in options.tiers:
        return Skipped(member.picture.path, f"only {member.verdict.tier}; --tier would take it in")
    if group.oversized and member.verdict.tier != "identical":
        reason = f"one of {len(group.members)} in a group that is unusually large; look at it"
        return Skipped(member.picture.path, reason)
    return plan_pair(group.keep, member, options)


def plan_pair(keep: Picture, member: Member, options: PlanOptions) -> PlanEntry | Skipped:
    """Plan the removal of a picture for the sake of another, or say why it stays."""
    picture, verdict = member.picture, member.verdict
    assert verdict.tier is not None
    try:
        _require_wanted(keep, picture, options)
        kept, removed = _as_indexed(keep), _as_indexed(picture)
        _require_two_files(keep, picture)
        siblings = _siblings(keep, picture, options.rules)
        if verdict.tier != "identical":
            _require_as_rich(keep, picture)
    except _StaysError as error:
        return Skipped(picture.path, str(error))
    return PlanEntry(kept, removed, siblings, verdict.tier, float(verdict.score), verdict.reason)


class _StaysError(Exception):
    """Why a picture stays."""


def _require_wanted(keep: Picture, picture: Picture, options: PlanOptions) -> None:
    if options.rules.is_protected(picture.path):
        raise _StaysError("protected by --never-touch")
    if options.decisions.keeps(keep.facts.content_hash, picture.facts.content_hash):
        raise _StaysError("you said that it is to stay")


def _as_indexed(picture: Picture) -> PlannedFile:
    """Return a picture's file, which has to be the one that was indexed and compared."""
    stamp = picture.stamp
    try:
        state = picture.path.lstat()
    except OSError as error:
        reason = f"{shown(picture.path)}: {explain_os_error(error)}; {_INDEX_AGAIN}"
        raise _StaysError(reason) from error
    if not stat.S_ISREG(state.st_mode):
        raise _StaysError(f"{shown(picture.path)} is a link or no regular file")
    if (state.st_size, state.st_mtime_ns) != (stamp.size_bytes, stamp.mtime_ns):
        raise _StaysError(f"{shown(picture.path)} has changed; {_INDEX_AGAIN}")
    return PlannedFile(picture.path, stamp.size_bytes, stamp.mtime_ns, picture.facts.content_hash)


def _require_two_files(keep: Picture, picture: Picture) -> None:
    if keep.path.samefile(picture.path):
        raise _StaysError(f"one file with {shown(keep.path)} already, by a hard link")


def _require_as_rich(keep: Picture, picture: Picture) -> None:
    """Check that no transparency, depth or further picture goes for a copy that lost it."""
    try:
        lost = lost_in(keep, picture)
    except ImageReadError as error:
        raise _StaysError(f"{shown(Path(error.path))} cannot be read: {error.reason}") from error
    if lost:
        raise _StaysError(f"it has {' and '.join(lost)}, which {shown(keep.path)} has not")


def _siblings(keep: Picture, picture: Picture, rules: KeepRules) -> tuple[PlannedFile, ...]:
    """Return what goes with a picture: its raw file, its film, its side-cars."""
    try:
        paths = rules.siblings.of(picture.path)
        rivals = rules.siblings.rivals(picture.path)
        files = tuple(_hashed(path) for path in paths)
        beside_keeper = {content_hash(path) for path in _beside(keep, files, rules)}
    except OSError as error:
        raise _StaysError(f"its folder cannot be listed: {explain_os_error(error)}") from error
    except ImageReadError as error:
        raise _StaysError(f"{shown(error.path)} cannot be read: {error.reason}") from error
    if paths and rivals:
        names = f"{shown(paths[0].name)} belongs to {shown(rivals[0].name)} as well"
        raise _StaysError(f"{names}; which of the two it goes with is for you to say")
    for file in files:
        _require_may_go(file, beside_keeper, rules)
    return files


def _require_may_go(file: PlannedFile, beside_keeper: set[bytes], rules: KeepRules) -> None:
    """Check that a sibling may go: a raw file or a film only if the kept picture has it, too."""
    if rules.is_protected(file.path):
        raise _StaysError(f"{shown(file.path.name)} belongs to it, and is protected")
    if file.sha256 not in beside_keeper and not is_side_car(file.path):
        raise _StaysError(f"{shown(file.path.name)} belongs to it, and is beside no other copy")


def _beside(keep: Picture, files: tuple[PlannedFile, ...], rules: KeepRules) -> list[Path]:
    """Return the kept picture's siblings that could have the bytes of some files."""
    sizes = {file.size_bytes for file in files}
    return [path for path in rules.siblings.of(keep.path) if path.stat().st_size in sizes]


def _hashed(path: Path) -> PlannedFile:
    state = path.lstat()
    if not stat.S_ISREG(state.st_mode):
        raise _StaysError(f"{shown(path.name)} belongs to it, and is a link or no regular file")
    return PlannedFile(path, state.st_size, state.st_mtime_ns, content_hash(path))
