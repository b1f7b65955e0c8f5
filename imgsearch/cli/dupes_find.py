"""`imgsearch dupes find`: groups of copies."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from imgsearch.cli.dupes_against import print_arrivals
from imgsearch.cli.dupes_options import (
    ConfigOption,
    KeepInOption,
    KeepOption,
    NeverTouchOption,
    wishes_of,
)
from imgsearch.cli.options import GalleryOption, JsonOption, QuietOption
from imgsearch.cli.output import (
    json_path,
    one_line,
    print_error,
    print_json,
    print_line,
    print_paths,
)
from imgsearch.cli.progress import stages_bar
from imgsearch.dedup.decisions import read_decisions
from imgsearch.dedup.find import FindOptions, find_groups
from imgsearch.dedup.freed import files_behind, freed_bytes
from imgsearch.dedup.keep_config import read_rulebook
from imgsearch.dedup.planning import PlanOptions
from imgsearch.dedup.records import Group, Member
from imgsearch.errors import CopiesFolderError
from imgsearch.gallery.locate import find_gallery
from imgsearch.gallery.store import open_for_reading


def find(
    root: Annotated[
        Path | None,
        typer.Argument(
            metavar="[ROOT]",
            help="Only files in this folder. Default: the gallery's.",
            show_default=False,
        ),
    ] = None,
    null: Annotated[
        bool, typer.Option("--null", "-0", help="Print the paths of copies only, NUL-separated.")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="OUT",
            help="Also write an offline page in which to look at the groups and choose what goes;"
            " it saves a plan for `imgsearch dupes apply`.",
            show_default=False,
        ),
    ] = None,
    open_it: Annotated[
        bool, typer.Option("--open", help="Open the page of --html in the browser.")
    ] = False,
    similar: Annotated[
        bool, typer.Option("--similar", help="Also list pictures that are alike and no copies.")
    ] = False,
    new: Annotated[
        Path | None,
        typer.Option(
            "--in",
            metavar="NEW",
            help="With --against: list the pictures of this folder that OLD has not, or has only"
            " smaller or edited.",
            show_default=False,
        ),
    ] = None,
    old: Annotated[
        Path | None,
        typer.Option("--against", metavar="OLD", help="The folder to look in.", show_default=False),
    ] = None,
    keep: KeepOption = None,
    keep_in: KeepInOption = None,
    never_touch: NeverTouchOption = None,
    config: ConfigOption = None,
    gallery: GalleryOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """List groups of copies: the file to keep, and its copies.

    A copy is the same picture: the same bytes, the same pixels, re-encoded or turned, or edited.
    Nothing is changed or removed.

    Example: imgsearch dupes ~/Pictures
    """
    if open_it and html is None:
        raise typer.BadParameter("--open needs --html OUT")
    started = time.monotonic()
    folder = find_gallery(gallery, asked_for=root)
    if new is not None or old is not None:
        sides = _both(new, old, is_alone=not (root or html or similar))
        print_arrivals(folder, *map(folder_of, sides), null=null, quiet=quiet, as_json=as_json)
        return
    with open_for_reading(folder) as store:
        wishes = wishes_of(keep, keep_in, never_touch)
        rules = read_rulebook(wishes, store.folder, config).rules
        below = None if root is None else folder_of(root)
        with stages_bar(quiet=quiet or as_json) as bar:
            groups = find_groups(store, FindOptions(rules, below, similar), bar)
        decisions = read_decisions(store.folder)
        groups = decisions.filter(groups)
    if html is not None:
        options = PlanOptions(rules=rules, decisions=decisions)
        _write_page(html, folder, groups, options, quiet=quiet or as_json, open_it=open_it)
    if as_json:
        print_json(_document(groups, time.monotonic() - started))
    elif null:
        print_paths(member.picture.path for group in groups for member in _copies(group))
    else:
        _print_plain(groups)
        if not quiet:
            print_error(_summary(groups))


def _write_page(
    out: Path,
    gallery: Path,
    groups: list[Group],
    options: PlanOptions,
    *,
    quiet: bool,
    open_it: bool,
) -> None:
    from imgsearch.cli.dupes_page import write_page  # what makes small pictures loads slowly
    from imgsearch.cli.query_sheets import open_page

    write_page(out, gallery, groups, options, quiet=quiet)
    if open_it:
        open_page(out)


def folder_of(root: Path) -> Path:
    """Return a folder without links.

    Raises:
        CopiesFolderError: If there is none.
    """
    try:
        folder = root.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise CopiesFolderError(root, "there is no such folder") from error
    if not folder.is_dir():
        raise CopiesFolderError(root, "it is a file; name the folder that it is in")
    return folder


def _both(new: Path | None, old: Path | None, *, is_alone: bool) -> tuple[Path, Path]:
    if new is None or old is None:
        raise typer.BadParameter("--in NEW and --against OLD go together")
    if not is_alone:
        raise typer.BadParameter("--in and --against take no ROOT, no --html and no --similar")
    return new, old


def _copies(group: Group) -> tuple[Member, ...]:
    """Return what may be removed of a group."""
    return () if group.tier == "similar" else group.members[1:]


def _print_plain(groups: list[Group]) -> None:
    """Print a line a file: tier, score, path and reason between tabs; a blank line a group."""
    for group in groups:
        keep, *others = group.members
        label = "alike" if group.tier == "similar" else "keep"
        print_line(
            f"{label}\t\t{one_line(str(keep.picture.path))}\t{one_line(keep.verdict.reason)}"
        )
        for member in others:
            verdict = member.verdict
            print_line(
                f"{verdict.tier}\t{verdict.score:.3f}\t{one_line(str(member.picture.path))}"
                f"\t{one_line(verdict.reason)}"
            )
        print_line("")


def _summary(groups: list[Group]) -> str:
    copies = [member.picture.path for group in groups for member in _copies(group)]
    if not copies:
        return "no copies found"
    megabytes = freed_bytes(copies, files_behind(copies)) / 1e6
    count = sum(group.tier != "similar" for group in groups)
    text = f"{count:,} groups: {len(copies):,} copies, {megabytes:,.1f} MB"
    oversized = sum(group.oversized for group in groups)
    return text + (f"; {oversized:,} groups are so large that you should look" if oversized else "")


def _document(groups: list[Group], seconds: float) -> dict[str, Any]:
    return {"groups": [_group(group) for group in groups], "seconds": seconds}


def _group(group: Group) -> dict[str, Any]:
    return {
        "tier": group.tier,
        **json_path(group.keep.path, "keep"),
        "oversized": group.oversized,
        "members": [
            {
                **json_path(member.picture.path),
                "tier": member.verdict.tier,
                "score": member.verdict.score,
                "reason": member.verdict.reason,
            }
            for member in group.members
        ],
    }
