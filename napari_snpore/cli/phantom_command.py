"""The command ``snpore phantom``: a simulated fibre with its truth and tilt series."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from napari_snpore.cli.options import Output
from napari_snpore.cli.outputs import note
from napari_snpore.cli.progress import watched
from napari_snpore.phantom import (
    make_phantom,
    make_random_phantom,
    simulate_measured_series,
    simulate_tilt_series,
)
from napari_snpore.study.demo import ANGLES_DEG, DOSE
from napari_snpore.study.output_folder import finish, output_folder
from napari_snpore.study.phantom_files import write_phantom, write_tilts
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
        typer.Option(
            "--easy",
            help="Grey values of pore, C, Sn are 0, 1, 2; default: 0, 1, 12 (sodiated: 0, 1, 3.5).",
        ),
    ] = False,
    family: Annotated[
        Literal["fibre", "field", "balls"],
        typer.Option(
            help="Shapes: the fibre of the source; or random fractions, with pores cut from a random"
            " field or from random balls. Of those the state sets the grey values only."
        ),
    ] = "fibre",
    tilts: Annotated[
        bool,
        typer.Option(
            "--tilts", help="Write the tilt series as well: 70 images, 2° steps; default: off."
        ),
    ] = False,
    simulator: Annotated[
        Literal["model", "measured"],
        typer.Option(
            help="Simulator of the tilt series: the model of the reconstruction, or one outside it"
            " (finer grid, probe with a tail, residual shifts, unknown gain, dark level)."
        ),
    ] = "model",
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
    with output_folder(output, command="phantom") as folder, watched() as monitor:
        record = Record("phantom", seed=seed)
        context = RunContext(record, monitor)
        note(
            context,
            output,
            [],
            state=state,
            shape=shape,
            spacing_nm=spacing_nm,
            seed=seed,
            easy=easy,
            family=family,
            dose=dose if tilts else None,
            simulator=simulator if tilts else None,
        )
        with context.step("phantom"):
            if family == "fibre":
                made = make_phantom(state, shape=shape, spacing=spacing_nm, seed=seed, easy=easy)
            else:
                made = make_random_phantom(
                    family, state=state, shape=shape, spacing=spacing_nm, seed=seed, easy=easy
                )
        with context.step("write"):
            write_phantom(folder, made)
        if tilts:
            with context.step("tilts"):
                simulate = (
                    simulate_tilt_series if simulator == "model" else simulate_measured_series
                )
                series = simulate(made, angles_deg=ANGLES_DEG, dose=dose, seed=seed)
                write_tilts(folder / "tilts.tif", series)
        shares = ", ".join(
            f"{row['name']} {row['fraction_percent']:.1f} %"
            for row in made.fractions.to_dict("records")
        )
        kind = state if family == "fibre" else f"{state} {family}"
        text = f"{kind} phantom, seed {seed}: {shares}"
        finish(folder, record, f"{text} of the envelope (planted truth)\n", None)
    typer.echo(text)
