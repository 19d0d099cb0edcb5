"""The command ``snpore report``: HTML, PDF and BibTeX of a finished run or study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_snpore.cli.options import Overwrite
from napari_snpore.cli.progress import watched
from napari_snpore.report.writing import write_report


def report(
    folder: Annotated[
        Path,
        typer.Argument(help="Folder that 'snpore run', 'snpore demo' or 'snpore compare' wrote."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The HTML page; PDF and BibTeX have its name; default: FOLDER_report.html beside it.",
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write what a finished run or study did and found: one HTML page that opens anywhere, the same
    as PDF, and its references as BibTeX.
    """
    with watched() as monitor, monitor("report") as progress:
        files = write_report(folder, output, overwrite=overwrite, progress=progress)
    for path in files.paths:
        typer.echo(f"Wrote {path}")
