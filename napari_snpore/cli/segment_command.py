"""The command ``snpore segment``: phases of a volume by thresholds, envelope and clean-up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from napari_snpore.cli.inputs import cut_axes_of, parse_specks
from napari_snpore.cli.options import CutAxis, NoCut, Output, Overwrite, Spacing
from napari_snpore.cli.outputs import note, recorded
from napari_snpore.files import read_volume, write_volume
from napari_snpore.measurement.fractions import volume_fractions
from napari_snpore.segmentation.occlusion import DIRECTIONS, OCCLUSION_THRESHOLD
from napari_snpore.segmentation.thresholds import Method as ThresholdMethod
from napari_snpore.study.provenance import plain
from napari_snpore.study.recipe import (
    CleanupSection,
    EnvelopeSection,
    InputSection,
    ThresholdSection,
    checked,
)
from napari_snpore.study.segmenting import find_phases
from napari_snpore.study.summary import segmentation_text

_USUAL_CUT = [1]  # a fibre along y


def segment(
    volume: Annotated[Path, typer.Argument(help="A reconstructed volume.")],
    output: Output,
    thresholds: Annotated[
        list[float] | None,
        typer.Option(
            "--threshold",
            "-t",
            help="One threshold in grey units; repeat for t1, t2, ...; default: suggested.",
        ),
    ] = None,
    phases: Annotated[
        int, typer.Option(min=2, max=5, help="Number of phases if thresholds are suggested.")
    ] = 3,
    method: Annotated[
        ThresholdMethod, typer.Option(help="Method by which thresholds are suggested.")
    ] = "haadf",
    calibrated: Annotated[
        bool,
        typer.Option(
            "--calibrated",
            help="Thresholds in units of vacuum = 0, carbon = 1; default: raw grey values.",
        ),
    ] = False,
    smooth: Annotated[
        Literal["none", "gaussian", "median", "nl_means", "tv"],
        typer.Option(help="Smoothing before the thresholds are applied."),
    ] = "none",
    smooth_strength: Annotated[
        float,
        typer.Option(
            min=0, help="In voxels (gaussian, median), or in units of the noise (nl_means, tv)."
        ),
    ] = 1.0,
    majority: Annotated[
        int,
        typer.Option(min=0, max=5, help="Radius of the majority filter in voxels; 0: no filter."),
    ] = 0,
    fill: Annotated[
        list[str] | None,
        typer.Option(help="Phase whose holes are filled; repeat per phase; default: none."),
    ] = None,
    specks: Annotated[
        list[str] | None,
        typer.Option(
            help="PHASE:VOXELS, such as Sn:8: smaller objects get the surrounding phase; default: none."
        ),
    ] = None,
    envelope: Annotated[
        bool, typer.Option(help="Separate vacuum from pore by ambient occlusion.")
    ] = True,
    ray_length_nm: Annotated[
        float | None,
        typer.Option(
            min=0, help="Ray length of the occlusion in nm; default: half the radius of the body."
        ),
    ] = None,
    occlusion_threshold: Annotated[
        float, typer.Option(help="τ: occlusion from which void is pore, 0 to 1.")
    ] = (OCCLUSION_THRESHOLD),
    directions: Annotated[
        int, typer.Option(min=8, help="Number of ray directions of the occlusion.")
    ] = DIRECTIONS,
    cut_axis: CutAxis = None,
    no_cut: NoCut = False,
    spacing_nm: Spacing = None,
    overwrite: Overwrite = False,
) -> None:
    """Threshold a volume into phases: 0 exterior, 1 pore, 2 C, 3 Sn (or 1..N for other
    materials).
    """
    source = checked(InputSection, volume=str(volume), spacing_nm=spacing_nm)
    how = checked(
        ThresholdSection,
        values=thresholds or None,
        phases=phases,
        method=method,
        calibrated=calibrated,
    )
    cleanup = checked(
        CleanupSection,
        smooth=smooth,
        smooth_strength=smooth_strength,
        majority_radius=majority,
        fill=fill or [],
        specks=parse_specks(specks or []),
    )
    axes = cut_axes_of(cut_axis, no_cut)
    around = checked(
        EnvelopeSection,
        enabled=envelope,
        ray_length_nm=ray_length_nm,
        occlusion_threshold=occlusion_threshold,
        directions=directions,
        cut_axes=_USUAL_CUT if axes is None else axes,
    )
    with recorded("segment", output, overwrite=overwrite) as context:
        note(context, [volume], input=source, threshold=how, cleanup=cleanup, envelope=around)
        data = read_volume(volume, spacing=spacing_nm)
        found = find_phases(data, how, around, cleanup, context=context)
        write_volume(output, found.phases, overwrite=overwrite)
        fractions = volume_fractions(
            found.phases.data, spacing=data.spacing, names=found.scheme.names
        )
        context.record.results.update(
            plain({"thresholds": found.thresholds, "fractions": fractions.to_dict("records")})
        )
    typer.echo(segmentation_text(found, fractions))
