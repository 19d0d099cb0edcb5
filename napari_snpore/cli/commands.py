"""List of the commands of ``snpore``, in the order of ``snpore --help``."""

from __future__ import annotations

import typer

from napari_snpore.cli.blur_command import blur
from napari_snpore.cli.figure_command import figure
from napari_snpore.cli.measure_command import measure
from napari_snpore.cli.phantom_command import phantom
from napari_snpore.cli.reconstruct_command import reconstruct
from napari_snpore.cli.run_commands import demo, run, view
from napari_snpore.cli.segment_command import segment


def register(app: typer.Typer) -> None:
    """Add the commands to the application, in the order of the work."""
    for command in (demo, run, blur, reconstruct, segment, measure, figure, phantom, view):
        app.command()(command)
