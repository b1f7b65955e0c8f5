"""`imgsearch dupes`: find copies; its subcommands clean up."""

from __future__ import annotations

from typing import Any, Final

import typer

from imgsearch.cli.lazily import LazyGroup, Listed

_DEFAULT: Final = "find"
_COMMANDS: Final = {
    _DEFAULT: Listed(
        "imgsearch.cli.dupes_find",
        "find",
        "List groups of copies: the file to keep, and its copies.",
    ),
    "explain": Listed(
        "imgsearch.cli.dupes_explain",
        "explain",
        "Say whether two pictures are copies, what shows it, and how the files differ.",
    ),
    "plan": Listed(
        "imgsearch.cli.dupes_plan",
        "plan",
        "Plan which copies are to go; nothing is changed or removed.",
    ),
    "apply": Listed(
        "imgsearch.cli.dupes_apply",
        "apply",
        "Carry a plan out: with --yes, else only say what would happen.",
    ),
    "undo": Listed(
        "imgsearch.cli.dupes_apply",
        "undo",
        "Undo the latest clean-up: put every file back, with its name, its time and its"
        " permissions.",
    ),
    "ignore": Listed(
        "imgsearch.cli.dupes_decide",
        "ignore",
        "Remember that no two of these files are copies of one picture.",
    ),
    "keep-all": Listed(
        "imgsearch.cli.dupes_decide",
        "keep_all",
        "Remember that all of these copies are to stay; of a single file, its whole group.",
    ),
    "reviewed": Listed(
        "imgsearch.cli.dupes_decide",
        "reviewed",
        "Remember that you have looked at these copies; of a single file, its whole group.",
    ),
    "reopen": Listed(
        "imgsearch.cli.dupes_decide", "reopen", "Forget whatever was decided of these files."
    ),
}


class _FindsByDefault(LazyGroup):
    """Takes whatever is no subcommand for arguments of `find`."""

    listed = _COMMANDS

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - Typer's own
        is_named = bool(args) and args[0] in {*self.commands, *ctx.help_option_names}
        completes_its_name = ctx.resilient_parsing and not args
        if not (is_named or completes_its_name):
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


dupes = typer.Typer(
    cls=_FindsByDefault,
    name="dupes",
    rich_markup_mode=None,
    help="Find copies of photos, and clean them up.",
    epilog="`imgsearch dupes [ROOT]` is short for `imgsearch dupes find [ROOT]`; a folder that has"
    " the name of a subcommand is written ./NAME.",
)
