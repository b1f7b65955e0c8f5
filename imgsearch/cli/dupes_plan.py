"""`imgsearch dupes plan`: writes down which copies are to go."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from imgsearch.cli.dupes_find import folder_of
from imgsearch.cli.dupes_options import (
    ConfigOption,
    KeepInOption,
    KeepOption,
    NeverTouchOption,
    TierOption,
    wishes_of,
)
from imgsearch.cli.options import GalleryOption, JsonOption, QuietOption
from imgsearch.cli.output import json_path, one_line, print_error, print_json, print_line
from imgsearch.cli.progress import stages_bar
from imgsearch.dedup.decisions import read_decisions
from imgsearch.dedup.find import FindOptions, find_groups
from imgsearch.dedup.freed import files_behind, freed_bytes
from imgsearch.dedup.keep_config import read_rulebook
from imgsearch.dedup.plan import PlanEntry, entry_document, write_plan
from imgsearch.dedup.planning import PlanOptions, Proposal, make_plan
from imgsearch.gallery.locate import find_gallery
from imgsearch.gallery.store import open_for_reading


def plan(
    out: Annotated[
        Path, typer.Option("--output", "-o", metavar="PLAN.json", help="The file to write.")
    ],
    root: Annotated[
        Path | None,
        typer.Argument(
            metavar="[ROOT]",
            help="Only files in this folder. Default: the gallery's.",
            show_default=False,
        ),
    ] = None,
    tier: TierOption = None,
    keep: KeepOption = None,
    keep_in: KeepInOption = None,
    never_touch: NeverTouchOption = None,
    config: ConfigOption = None,
    gallery: GalleryOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Plan which copies are to go; nothing is changed or removed.

    The plan is a file to look at: an entry a line, each with the file that stays and why. Lines
    may be deleted. `imgsearch dupes apply` carries it out.

    Example: imgsearch dupes plan -o plan.json ~/Pictures
    """
    folder = find_gallery(gallery, asked_for=root)
    wishes = wishes_of(keep, keep_in, never_touch, tier)
    with open_for_reading(folder) as store:
        rulebook = read_rulebook(wishes, store.folder, config)
        below = None if root is None else folder_of(root)
        with stages_bar(quiet=quiet or as_json) as bar:
            found = find_groups(store, FindOptions(rules=rulebook.rules, below=below), bar)
        decisions = read_decisions(store.folder)
        options = PlanOptions(rulebook.tiers, rulebook.rules, decisions)
        proposal = make_plan(store.folder, decisions.filter(found), options)
    write_plan(out, proposal.plan)
    if as_json:
        print_json(_document(out, proposal))
        return
    _print_plain(proposal)
    if not quiet:
        print_error(_summary(out, proposal))


def _print_plain(proposal: Proposal) -> None:
    """Print a line a copy: its tier or `stays`, its path and why, between tabs."""
    for entry in proposal.plan.entries:
        why = f"copy of {one_line(str(entry.keep.path))}: {one_line(entry.reason)}"
        print_line(f"{entry.tier}\t{one_line(str(entry.remove.path))}\t{why}")
        for file in entry.siblings:
            print_line(f"{entry.tier}\t{one_line(str(file.path))}\tbelongs to the one above")
    for skipped in proposal.skipped:
        print_line(f"stays\t{one_line(str(skipped.path))}\t{one_line(skipped.reason)}")


def _summary(out: Path, proposal: Proposal) -> str:
    entries = proposal.plan.entries
    if not entries:
        return f"nothing to remove; {out} is a plan without entries"
    count = f"{len(_names(entries)):,} files to go, {_bytes(entries) / 1e6:,.1f} MB"
    return f"{count}; see what would happen with: imgsearch dupes apply {quote(str(out))}"


def _document(out: Path, proposal: Proposal) -> dict[str, Any]:
    entries = proposal.plan.entries
    return {
        **json_path(out.absolute(), "plan"),
        **json_path(proposal.plan.gallery, "gallery"),
        "entries": [entry_document(entry) for entry in entries],
        "skipped": [{**json_path(each.path), "reason": each.reason} for each in proposal.skipped],
        "bytes": _bytes(entries),
    }


def _bytes(entries: tuple[PlanEntry, ...]) -> int:
    names = _names(entries)
    return freed_bytes(names, files_behind(names))


def _names(entries: tuple[PlanEntry, ...]) -> list[Path]:
    return [file.path for entry in entries for file in entry.removals]
