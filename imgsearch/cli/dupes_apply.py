"""`imgsearch dupes apply` and `undo`: carry a plan out, and take that back."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from imgsearch.cli.options import GalleryOption, JsonOption, QuietOption
from imgsearch.cli.output import json_path, one_line, print_error, print_json, print_line
from imgsearch.cli.progress import counting_bar
from imgsearch.dedup.apply import ApplyOptions, ApplyReport, apply_plan, rehearse_plan
from imgsearch.dedup.destination import Destination, parse_destination
from imgsearch.dedup.keep_config import KeepWishes, read_rulebook
from imgsearch.dedup.plan import PlanEntry, read_plan
from imgsearch.dedup.undo import UndoReport, undo_cleanup
from imgsearch.errors import GalleryNotFoundError
from imgsearch.gallery.locate import find_gallery


def _destination(text: str) -> Destination:
    try:
        return parse_destination(text)
    except (ValueError, RuntimeError) as error:
        raise typer.BadParameter(str(error)) from error


def apply(
    plan: Annotated[Path, typer.Argument(metavar="PLAN.json", help="What to carry out.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it. Without this, only say what would happen.")
    ] = False,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="trash|quarantine:DIR|hardlink",
            help="Where files go. hardlink makes identical ones names of the file that stays.",
        ),
    ] = "trash",
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 if an entry could not be carried out.")
    ] = False,
    gallery: GalleryOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Carry a plan out: with --yes, else only say what would happen.

    Each file, and the one for whose sake it goes, is read again first; what has changed since it
    was planned stays. `imgsearch dupes undo` puts everything back. The gallery is the plan's own.

    Example: imgsearch dupes apply plan.json --yes --to quarantine:~/copies
    """
    destination = _destination(to)
    wanted = read_plan(plan)
    folder = gallery or wanted.gallery
    with counting_bar("Looking again", quiet=quiet or as_json) as bar:
        options = ApplyOptions(
            destination,
            read_rulebook(KeepWishes(), folder).rules.never_touch,
            lambda done: bar(done, len(wanted.entries)),
        )
        report = (apply_plan if yes else rehearse_plan)(folder, wanted, options)
    if as_json:
        print_json(_document(report, destination, dry_run=not yes))
    else:
        _print_plain(report, destination, dry_run=not yes)
        if not quiet:
            print_error(_summary(report, wanted.gallery, dry_run=not yes))
    if strict and report.refused:
        raise typer.Exit(1)


def undo(
    everything: Annotated[
        bool, typer.Option("--all", help="Undo all clean-ups, the latest first.")
    ] = False,
    gallery: GalleryOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Undo the latest clean-up: put every file back, with its name, its time and its permissions.

    Nothing that has since appeared in a file's place is touched. Exits 1 if a file could not be
    put back; the same command tries again. Once more, and it undoes the clean-up before.

    Example: imgsearch dupes undo
    """
    with counting_bar("Putting back", quiet=quiet or as_json) as bar:
        report = undo_cleanup(
            find_gallery(gallery), everything=everything, progress=lambda done: bar(done, done)
        )
    if as_json:
        print_json(_undo_document(report))
    else:
        for path in report.restored:
            print_line(f"back\t{one_line(str(path))}")
        for path, reason in report.failed:
            print_line(f"not back\t{one_line(str(path))}\t{one_line(reason)}")
        if not quiet:
            print_error(_undo_summary(report))
    for journal, line in report.unread:
        print_error(f"line {line} of {journal} is damaged; what it names was not put back")
    if report.failed or report.unread:
        raise typer.Exit(1)


def _print_plain(report: ApplyReport, to: Destination, *, dry_run: bool) -> None:
    """Print a line a file: what became of it or would, its path and why, between tabs."""
    verb = f"would go to {to}" if dry_run else f"to {to}"
    if to.action == "hardlink":
        verb = "would be linked" if dry_run else "linked"
    for entry in report.removed:
        for file in _files(entry, to):
            why = f"{entry.tier}: {one_line(str(entry.keep.path))} stays"
            print_line(f"{verb}\t{one_line(str(file))}\t{why}")
    for entry in report.gone:
        print_line(f"done before\t{one_line(str(entry.remove.path))}")
    for entry, reason in report.refused:
        print_line(f"stays\t{one_line(str(entry.remove.path))}\t{one_line(reason)}")


def _files(entry: PlanEntry, to: Destination) -> list[Path]:
    files = entry.removals[:1] if to.action == "hardlink" else entry.removals
    return [file.path for file in files]


def _summary(report: ApplyReport, gallery: Path, *, dry_run: bool) -> str:
    count = f"{len(report.removed):,} pictures, {report.freed_bytes / 1e6:,.1f} MB"
    stays = f"; {len(report.refused):,} stay" if report.refused else ""
    if dry_run:
        return f"would remove {count}{stays}; nothing was changed. To do it: add --yes"
    if not report.removed:
        return f"nothing was removed{stays}"
    where = "" if _is_at_hand(gallery) else f" --gallery {quote(str(gallery))}"
    undoing = f"imgsearch dupes undo{where}"
    return f"removed {count}{stays}; `{undoing}` puts them back"


def _is_at_hand(gallery: Path) -> bool:
    """Tell whether a command that names no gallery means this one."""
    try:
        return find_gallery().resolve() == gallery
    except GalleryNotFoundError:
        return False


def _undo_summary(report: UndoReport) -> str:
    if not report.journals:
        return "nothing to undo"
    older = f"; {report.remaining:,} earlier clean-ups can be undone" if report.remaining else ""
    failed = f", {len(report.failed):,} not" if report.failed else ""
    return f"{len(report.restored):,} files are back{failed}{older}"


def _document(report: ApplyReport, to: Destination, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "to": str(to),
        "journal": None,
        **({} if report.journal is None else json_path(report.journal, "journal")),
        "removed": [_entry(entry) for entry in report.removed],
        "refused": [{**_entry(entry), "reason": reason} for entry, reason in report.refused],
        "gone": [_entry(entry) for entry in report.gone],
        "bytes": report.freed_bytes,
    }


def _entry(entry: PlanEntry) -> dict[str, Any]:
    return {
        **json_path(entry.remove.path),
        **json_path(entry.keep.path, "keep"),
        "tier": entry.tier,
        "siblings": [json_path(file.path) for file in entry.siblings],
    }


def _undo_document(report: UndoReport) -> dict[str, Any]:
    return {
        "journals": [json_path(path) for path in report.journals],
        "restored": [json_path(path) for path in report.restored],
        "failed": [{**json_path(path), "reason": reason} for path, reason in report.failed],
        "damaged_lines": [{**json_path(path), "line": line} for path, line in report.unread],
        "remaining": report.remaining,
    }
