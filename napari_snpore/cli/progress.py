"""Progress on standard error: bars on a terminal, one plain line per step elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from napari_snpore.compute import Progress as ProgressCallback
from napari_snpore.study.run_context import Monitor


def echo_apart(sentence: str) -> None:
    """Print a sentence on standard error, apart from the results."""
    typer.echo(sentence, err=True)


@contextmanager
def watched() -> Iterator[Monitor]:
    """Yield the monitor for standard error: bars on a terminal, else one line per step with its
    time (s).
    """
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bars:

        @contextmanager
        def monitor(name: str) -> Iterator[ProgressCallback]:
            task = bars.add_task(name, total=None)
            yield lambda done, total: bars.update(task, completed=done, total=total)
            bars.update(task, total=1, completed=1)

        yield monitor


def _lines(console: Console) -> Monitor:
    """Return a monitor that prints name and time (s) of each step at its end."""

    @contextmanager
    def monitor(name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield None
        console.print(f"{name}: {time.perf_counter() - start:.1f} s")

    return monitor
