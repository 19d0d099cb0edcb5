"""The command ``snpore surface``: the surface of a phase as STL, PLY or GLB."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from napari_snpore.cli.inputs import phase_labels, phase_number
from napari_snpore.cli.options import Image, Output, Overwrite, Spacing
from napari_snpore.cli.outputs import note, recorded
from napari_snpore.cli.reading import echo_reading
from napari_snpore.files import read_volume, write_surface
from napari_snpore.files.surfaces import SURFACES
from napari_snpore.measurement.surface_mesh import surface_mesh
from napari_snpore.study.measuring import phase_names_of


def surface(
    phases: Annotated[Path, typer.Argument(help="A volume of phase labels.")],
    output: Output,
    phase: Annotated[
        str, typer.Option(help="Phase: a name (pore, C, Sn) or a label number.")
    ] = "Sn",
    smoothing: Annotated[
        int, typer.Option(min=0, max=1000, help="Iterations of smoothing; 0: steps of voxels.")
    ] = 15,
    max_triangles: Annotated[
        int,
        typer.Option(min=8, help="Above this number, blocks of voxels are meshed instead."),
    ] = 2_000_000,
    spacing_nm: Spacing = None,
    image: Image = None,
    overwrite: Overwrite = False,
) -> None:
    """Write the closed surface of a phase for other programs (.stl, .ply, .glb): positions x, y, z
    in nm.
    """
    with recorded("surface", output, overwrite=overwrite, inputs=[phases], suffixes=SURFACES) as (
        context,
        part,
    ):
        data = read_volume(phases, spacing=spacing_nm, image=image)
        labels = phase_labels(data, phases)
        names = phase_names_of(data)
        number = phase_number(phase, labels, names)
        note(
            context,
            output.parent,
            [phases],
            phase=names[number - 1],
            spacing_nm=data.spacing,
            image=image,
            smoothing=smoothing,
            max_triangles=max_triangles,
        )
        with context.step("surface") as watch:
            made = surface_mesh(
                replace(data, data=labels),
                number,
                smoothing=smoothing,
                max_triangles=max_triangles,
                **watch,
            )
        write_surface(part, made, history=data.history)
        context.record.results["surface"] = {
            "triangles": len(made.faces),
            "library": made.library,
            "coarsened_by": made.coarsened_by,
            "unsmoothed": made.unsmoothed,
        }
    echo_reading(data.history)
    blocks = "" if made.coarsened_by == 1 else f", of blocks of {made.coarsened_by}³ voxels"
    typer.echo(f"{output}: {names[number - 1]}, {len(made.faces)} triangles in nm{blocks}.")
