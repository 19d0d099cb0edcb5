"""Entry point of ``snpore``; exit status 0: done, 1: failed, with one sentence on standard error,
2: bad usage.

``--debug``, at any position, prints the traceback of a failure.
"""

from __future__ import annotations

import sys
import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from napari_snpore import __version__
from napari_snpore.cli.commands import register
from napari_snpore.errors import InputError, Stopped
from napari_snpore.memory import free_memory, size_text

_NO_THREAD = "can't start new thread"  # Python's words where no memory is left for its stack


class _Commands(TyperGroup):
    """The commands, with the complaint about a wrong choice as a plain sentence."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            # typer checks the words of a Literal by pydantic, which prefixes its message
            error.message = error.message.removeprefix("Value error, ")
            raise


app = typer.Typer(
    name="snpore",
    cls=_Commands,
    help="From a HAADF-STEM tilt series to pore / Sn / C phases, tables and figures.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # in a terminal of 80 columns the tables of rich cut option names
    context_settings={"help_option_names": ["-h", "--help"]},
)
register(app)


def _show_version(show: bool) -> None:
    """Print the version and exit if ``--version`` is given."""
    if show:
        typer.echo(f"snpore {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Print the traceback of a failure (at any position).")
    ] = False,
) -> None:
    """From a HAADF-STEM tilt series to pore / Sn / C phases, tables and figures."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit.

    Parameters
    ----------
    arguments : list of str, optional
        Words after ``snpore``; default ``sys.argv[1:]``.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        app(words, prog_name="snpore")
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            traceback.print_exc()
        typer.echo(f"snpore: {sentence_for(error)}", err=True)
        sys.exit(1)


def sentence_for(error: BaseException) -> str:
    """Return the sentence that is printed for an exception."""
    if isinstance(error, (InputError, Stopped)):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "Stopped on request; nothing was written."
    if isinstance(error, MemoryError) or str(error) == _NO_THREAD:
        return (
            f"Memory ran out with {size_text(free_memory())} free; nothing was written; bin or crop the data, close other "
            "programs, or allow the process more."
        )
    if isinstance(error, OSError):
        return f"{error.filename or 'A file'} cannot be used: {error.strerror or error}."
    first = str(error).strip().splitlines()[0] if str(error).strip() else "no message"
    return f"An error inside the program ({type(error).__name__}: {first}); run again with --debug and report what it shows."
