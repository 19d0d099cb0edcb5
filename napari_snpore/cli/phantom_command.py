"""The command ``snpore phantom``: a simulated fibre with its truth and tilt series."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from napari_snpore.cli.options import Output
from napari_snpore.cli.outputs import note
from napari_snpore.cli.progress import watched
from napari_snpore.phantom import make_phantom, simulate_tilt_series
from napari_snpore.study.demo import ANGLES_DEG, DOSE
from napari_snpore.study.phantom_files import write_phantom, write_tilts
from napari_snpore.study.pipeline import finish, output_folder
from napari_snpore.study.provenance import Record
from napari_snpore.study.run_context import RunContext


def phantom(
    state: Annotated[
        Literal["pristine", "sodiated", "desodiated"], typer.Argument(help="State of the fibre.")
    ],
    output: Output,
    shape: Annotated[tuple[int, int, int], typer.Option(help="Number of voxels along z, y, x.")] = (
        176,
        176,
        176,
    ),
    spacing_nm: Annotated[float, typer.Option(min=0, help="Edge of a voxel in nm.")] = 0.15,
    seed: Annotated[
        int, typer.Option(help="Seed: the same seed gives the same fibre, bit for bit.")
    ] = 0,
    easy: Annotated[
        bool,
        typer.Option("--easy", help="Grey values of pore, C, Sn are 0, 1, 2; default: 0, 1, 12."),
    ] = False,
    tilts: Annotated[
        bool,
        typer.Option(
            "--tilts", help="Write the tilt series as well: 70 images, 2° steps; default: off."
        ),
    ] = False,
    dose: Annotated[
        float,
        typer.Option(
            min=0, help="Dose of the tilt series in electrons per pixel over the fibre at tilt 0."
        ),
    ] = DOSE,
) -> None:
    """Simulate a fibre with known truth: grey volume, phases, truth tables, and its tilt series on
    request.
    """
    with output_folder(output) as folder, watched() as monitor:
        record = Record("phantom", seed=seed)
        context = RunContext(record, monitor)
        note(
            context,
            [],
            state=state,
            shape=shape,
            spacing_nm=spacing_nm,
            seed=seed,
            easy=easy,
            dose=dose if tilts else None,
        )
        with context.step("phantom"):
            made = make_phantom(state, shape=shape, spacing=spacing_nm, seed=seed, easy=easy)
        with context.step("write"):
            write_phantom(folder, made)
        if tilts:
            with context.step("tilts"):
                series = simulate_tilt_series(made, angles_deg=ANGLES_DEG, dose=dose, seed=seed)
                write_tilts(folder / "tilts.tif", series)
        shares = ", ".join(
            f"{row['name']} {row['fraction_percent']:.1f} %"
            for row in made.fractions.to_dict("records")
        )
        text = f"{state} phantom, seed {seed}: {shares}"
        finish(folder, record, f"{text} of the envelope (planted truth)\n", None)
    typer.echo(text)
