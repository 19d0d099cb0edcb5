"""The application ``snpore`` with all its commands."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from napari_snpore import __version__
from napari_snpore.cli.commands import register


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
