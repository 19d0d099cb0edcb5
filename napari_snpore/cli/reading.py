"""What the reader of an input chose, printed by the commands that write no report of their own."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from napari_snpore.history import HistoryStep
from napari_snpore.study.reading_report import reading_statements
from napari_snpore.study.report import text_of


def echo_reading(history: Sequence[HistoryStep]) -> None:
    """Print what the reader of the input chose, such as which of several images it took."""
    if statements := reading_statements(history):
        typer.echo(text_of(statements))
