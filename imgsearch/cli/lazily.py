"""Commands that are imported when they are asked for: no other has to wait for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, ClassVar, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from imgsearch.cli.interrupts import leaving_at_once


class Listed(NamedTuple):
    """A command as the help of its group lists it.

    Attributes:
        module: Where it is.
        name: What it is called there: a function, or a `Typer` with commands of its own.
        summary: The first sentence of its own help.
    """

    module: str
    name: str
    summary: str

    def load(self, command: str) -> Any:  # noqa: ANN401 - Typer does not export its commands' type
        """Import it; there is nothing yet that Ctrl-C would have to put in order."""
        with leaving_at_once():
            found = getattr(import_module(self.module), self.name)
        if isinstance(found, typer.Typer):
            return get_group(found)
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(command)(found)
        return get_command(alone)


class LazyGroup(TyperGroup):
    """A group that knows its commands by name and summary, and loads those that are run.

    Attributes:
        listed: Its commands by name, in the order in which they are listed.
    """

    listed: ClassVar[Mapping[str, Listed]]

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - Typer's own
        super().__init__(**attributes)
        self.commands: Any = _Commands(self.listed)

    def list_commands(self, _ctx: Any) -> list[str]:  # noqa: ANN401 - Typer's own signature
        """Return their names."""
        return list(self.listed)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - Typer's own
        """List them by their summaries."""
        with self._summarised():
            super().format_commands(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:  # noqa: ANN401 - Typer's own
        """Return the names that begin so, with their summaries."""
        with self._summarised():
            return super().shell_complete(ctx, incomplete)

    @contextmanager
    def _summarised(self) -> Iterator[None]:
        """Have commands of which no more is known than is listed, while the block runs."""
        commands = self.commands
        self.commands = {
            name: TyperCommand(name, help=each.summary) for name, each in self.listed.items()
        }
        try:
            yield
        finally:
            self.commands = commands


class _Commands(Mapping[str, Any]):
    """Loads a command when it is looked up."""

    def __init__(self, listed: Mapping[str, Listed]) -> None:
        self._listed = listed

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - see `Listed.load`
        return self._listed[name].load(name)

    def __contains__(self, name: object) -> bool:
        return name in self._listed

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed)

    def __len__(self) -> int:
        return len(self._listed)
