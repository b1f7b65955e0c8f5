"""`imgsearch dupes`: find copies; its subcommands clean up."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from imgsearch.cli.dupes_apply import apply, undo
from imgsearch.cli.dupes_decide import ignore, keep_all, reopen, reviewed
from imgsearch.cli.dupes_explain import explain
from imgsearch.cli.dupes_find import find
from imgsearch.cli.dupes_plan import plan

_DEFAULT = "find"


class _FindsByDefault(TyperGroup):
    """Takes whatever is no subcommand for arguments of `find`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - Typer's own
        asks_for_help = bool(args) and args[0] in ctx.help_option_names
        if not asks_for_help and (not args or args[0] not in self.commands):
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


dupes = typer.Typer(
    cls=_FindsByDefault,
    name="dupes",
    help="Find copies of photos, and clean them up.",
    epilog="`imgsearch dupes [ROOT]` is short for `imgsearch dupes find [ROOT]`; a folder that has"
    " the name of a subcommand is written ./NAME.",
)
dupes.command(_DEFAULT)(find)
for subcommand in (explain, plan, apply, undo, ignore, keep_all, reviewed, reopen):
    dupes.command()(subcommand)
