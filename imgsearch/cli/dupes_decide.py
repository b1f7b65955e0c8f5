"""`imgsearch dupes ignore`, `keep-all`, `reviewed`, `reopen`: what a person decides of copies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from imgsearch.cli.options import GalleryOption, JsonOption, QuietOption
from imgsearch.cli.output import json_path, print_error, print_json
from imgsearch.dedup.decisions import Decisions, Settlement, change_decisions, read_decisions
from imgsearch.dedup.find import FindOptions, find_groups
from imgsearch.dedup.keep_config import KeepWishes, read_rulebook
from imgsearch.dedup.records import Group
from imgsearch.gallery.locate import find_gallery
from imgsearch.gallery.lock import writer_lock
from imgsearch.gallery.store import open_for_reading
from imgsearch.images.fingerprint import content_hash

FilesArgument = Annotated[list[Path], typer.Argument(metavar="FILE...", show_default=False)]


def ignore(
    files: Annotated[
        list[Path], typer.Argument(metavar="A B...", help="Files, two or more.", show_default=False)
    ],
    gallery: GalleryOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remember that no two of these files are copies of one picture.

    It is remembered by their content: it holds wherever they are moved to, and after indexing
    anew. `imgsearch dupes reopen` takes it back.

    Example: imgsearch dupes ignore lake.jpg lake-at-dusk.jpg
    """
    if len(files) < 2:
        raise typer.BadParameter("name two files or more")
    hashes = [content_hash(path) for path in files]
    _decide(gallery, lambda decisions: decisions.ignore(hashes), quiet=quiet, as_json=as_json)


def keep_all(
    files: FilesArgument,
    gallery: GalleryOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remember that all of these copies are to stay; of a single file, its whole group.

    They are not listed again until another copy of them turns up, and are in no plan even then.

    Example: imgsearch dupes keep-all cat.jpg cat-for-print.jpg
    """
    _settle("keep", files, gallery, quiet=quiet, as_json=as_json)


def reviewed(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE...]", show_default=False)
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All groups that are listed now.")
    ] = False,
    gallery: GalleryOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remember that you have looked at these copies; of a single file, its whole group.

    They are not listed again until another copy of them turns up.

    Example: imgsearch dupes reviewed --all
    """
    if bool(files) == everything:
        raise typer.BadParameter("name files, or give --all")
    _settle("reviewed", files or [], gallery, quiet=quiet, as_json=as_json)


def reopen(
    files: FilesArgument,
    gallery: GalleryOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Forget whatever was decided of these files.

    Example: imgsearch dupes reopen lake.jpg
    """
    hashes = [content_hash(path) for path in files]
    _decide(gallery, lambda decisions: decisions.reopen(hashes), quiet=quiet, as_json=as_json)


def _settle(
    kind: Settlement, files: Sequence[Path], gallery: Path | None, *, quiet: bool, as_json: bool
) -> None:
    """Settle the files as one set; a single one with its group, and none as all open groups."""
    hashes = [content_hash(path) for path in files]
    sets = [hashes] if len(files) > 1 else _open_groups(gallery, set(hashes))
    if not sets and files:
        print_error(f"{files[0]} has no copies that are listed")
    _decide(gallery, lambda decisions: decisions.settle(kind, sets), quiet=quiet, as_json=as_json)


def _open_groups(gallery: Path | None, wanted: set[bytes]) -> list[list[bytes]]:
    """Return the contents of each group that is listed, or only of those with a wanted one."""
    with open_for_reading(find_gallery(gallery)) as store:
        rules = read_rulebook(KeepWishes(), store.folder).rules
        groups = find_groups(store, FindOptions(rules=rules))
        groups = read_decisions(store.folder).filter(groups)
    sets = [_contents(group) for group in groups]
    return [hashes for hashes in sets if not wanted or not wanted.isdisjoint(hashes)]


def _contents(group: Group) -> list[bytes]:
    return [member.picture.facts.content_hash for member in group.members]


def _decide(
    gallery: Path | None,
    change: Callable[[Decisions], Decisions],
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    with open_for_reading(find_gallery(gallery)) as store:
        folder = store.folder
    with writer_lock(folder):
        decisions = change_decisions(folder, change)
    if as_json:
        counts = {"ignored_pairs": len(decisions.ignored), "settled_groups": len(decisions.settled)}
        print_json({**json_path(folder, "gallery"), **counts})
    elif not quiet:
        print_error(
            f"remembered: {len(decisions.ignored):,} pairs that are no copies,"
            f" {len(decisions.settled):,} groups that are settled"
        )
