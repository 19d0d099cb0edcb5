"""List of the commands of ``snpore``, in the order of ``snpore --help``."""

from __future__ import annotations

from collections.abc import Callable

import typer

from napari_snpore.cli.blur_command import blur
from napari_snpore.cli.compare_command import batch, compare
from napari_snpore.cli.convert_command import convert
from napari_snpore.cli.figure_command import figure
from napari_snpore.cli.measure_command import measure
from napari_snpore.cli.phantom_command import phantom
from napari_snpore.cli.reconstruct_command import reconstruct
from napari_snpore.cli.run_commands import demo, run, view
from napari_snpore.cli.segment_command import segment
from napari_snpore.cli.surface_command import surface

_SHORT: dict[Callable[..., None], str] = {
    demo: "The shipped needle and two phantoms of known truth.",
    run: "All steps of a recipe into one folder.",
    batch: "One recipe over many files, into one table.",
    compare: "States side by side, with errors.",
    blur: "Find the blur of the images of a tilt series.",
    reconstruct: "Align and reconstruct a tilt series.",
    segment: "Volume to phases: exterior, pore, C, Sn.",
    measure: "Measure phases or labelled objects.",
    surface: "Surface of a phase: STL, PLY, GLB.",
    convert: "A volume in another format.",
    figure: "Draw the plate of a finished run.",
    phantom: "Simulate a fibre of known truth.",
    view: "Open a run or files in napari.",
}
"""Per command one line of ``snpore --help``, in the order of the work; longer ones are cut there."""


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command, short in _SHORT.items():
        app.command(short_help=short)(command)
