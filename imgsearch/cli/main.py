"""The `imgsearch` command: its parts, its errors and its exit codes."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Annotated, Any, Final

import typer

from imgsearch import __version__
from imgsearch.cli import interrupts
from imgsearch.cli.exit_codes import EXIT_ERROR, EXIT_INTERRUPTED
from imgsearch.cli.lazily import LazyGroup, Listed
from imgsearch.cli.native_noise import native_messages_hidden
from imgsearch.cli.output import print_error
from imgsearch.errors import ImgsearchError

_COMMANDS: Final = {
    "index": Listed("imgsearch.cli.index", "index", "Index folders of photos."),
    "query": Listed("imgsearch.cli.query", "query", "Find the photos most similar to a picture."),
    "serve": Listed(
        "imgsearch.cli.serve",
        "serve",
        "Show the gallery in a browser: look through it, and search by a click.",
    ),
    "compare": Listed(
        "imgsearch.cli.compare", "compare", "Print the cosine similarity of two pictures."
    ),
    "evaluate": Listed(
        "imgsearch.cli.evaluate",
        "evaluate",
        "Measure how well a gallery answers, by pictures or pairs that you have labelled.",
    ),
    "calibrate": Listed(
        "imgsearch.cli.calibrate",
        "calibrate",
        "Find out from which score on a picture is the same picture.",
    ),
    "check": Listed("imgsearch.cli.check", "check", "Check that a gallery is sound."),
    "export": Listed("imgsearch.cli.export", "export", "Write all embeddings to a .npz file."),
    "info": Listed("imgsearch.cli.info", "info", "Say what a gallery holds."),
    "bench": Listed(
        "imgsearch.cli.bench",
        "bench",
        "Say how fast indexing and searching are on this machine.",
    ),
    "dupes": Listed("imgsearch.cli.dupes", "dupes", "Find copies of photos, and clean them up."),
}


class _Commands(LazyGroup):
    """Turns what a command raises into one line and an exit code."""

    listed = _COMMANDS

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - Typer's own signature
        try:
            with interrupts.raised(), native_messages_hidden():
                return super().invoke(ctx)
        except ImgsearchError as error:
            print_error(f"imgsearch: {error}")
            raise typer.Exit(EXIT_ERROR) from error
        except KeyboardInterrupt:
            print_error(interrupts.INTERRUPTED)
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except BrokenPipeError:
            # The reader of our output has gone, as in `| head`: nothing is wrong.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(EXIT_ERROR) from None
        except OSError as error:
            print_error(f"imgsearch: the system refused: {error}")
            raise typer.Exit(EXIT_ERROR) from error


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find the photos that look like this one, on your own machine.",
    epilog="Start with: imgsearch index ~/Pictures, then: imgsearch query cat.jpg",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"imgsearch {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Hold the options that come before a command."""


def main() -> None:
    """Run the command line, and leave without the tidying-up of libraries: it takes 0.1 s.

    Everything of ours is closed when a command returns.
    """
    code: str | int | None = 0
    try:
        app(prog_name="imgsearch")
        _flush()
    except SystemExit as leaving:
        code = leaving.code
        _flush()
    except OSError as error:  # from the options that end it at once, as --version
        print_error(f"imgsearch: the system refused: {error}")
        code = EXIT_ERROR
    os._exit(code if isinstance(code, int) else EXIT_ERROR)


def _flush() -> None:
    with suppress(OSError):  # whoever read our output has gone, or was told of it already
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
