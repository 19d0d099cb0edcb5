"""The command ``snpore segment``: phases of a volume by thresholds, envelope and clean-up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from napari_snpore.cli.inputs import cut_axes_of, parse_angles, parse_specks
from napari_snpore.cli.options import (
    ByBlocks,
    CutAxis,
    Image,
    MemoryLimit,
    NoCut,
    Output,
    Overwrite,
    Spacing,
    asked_for_blocks,
    memory_bytes,
)
from napari_snpore.cli.outputs import note, recorded
from napari_snpore.cli.reading import echo_reading
from napari_snpore.errors import InputError
from napari_snpore.files import read_tilt_series, read_volume, write_volume
from napari_snpore.files.side_files import side_paths
from napari_snpore.measurement.fractions import volume_fractions
from napari_snpore.segmentation.occlusion import DIRECTIONS, OCCLUSION_THRESHOLD
from napari_snpore.study.aligned_images import aligned_images
from napari_snpore.study.by_blocks import blocks_on_disk, plan_blocks, shared
from napari_snpore.study.provenance import plain
from napari_snpore.study.recipe import (
    CleanupSection,
    EnvelopeSection,
    InputSection,
    PolishSection,
    Recipe,
    ThresholdRule,
    ThresholdSection,
    checked,
)
from napari_snpore.study.segmentation_report import segmentation_record
from napari_snpore.study.segmenting import SEGMENT_BYTES, find_phases
from napari_snpore.study.summary import segmentation_text
from napari_snpore.tomography.discrete.polish import BOUNDARY_WEIGHT, SWEEPS

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
    tilts: Annotated[
        list[Path] | None,
        typer.Option(
            help="The tilt series that the volume was reconstructed from, raw (prepared and aligned again as the history of "
            "the volume says) or aligned; repeat where each tilt is a file; default: none."
        ),
    ] = None,
    angles: Annotated[
        str | None,
        typer.Option(help="Tilt angles of --tilts, as for reconstruct; default: from the file."),
    ] = None,
    pixel_size_nm: Annotated[
        float | None,
        typer.Option(min=0, help="Pixel size of --tilts in nm; default: from the file."),
    ] = None,
    phases: Annotated[
        int, typer.Option(min=2, max=5, help="Number of phases if thresholds are suggested.")
    ] = 3,
    rule: Annotated[
        ThresholdRule,
        typer.Option(
            help="Rule that suggests thresholds; projection: by the images (needs --tilts); auto: projection for a volume by "
            "TV whose blur is known, with --tilts, else haadf: Sn first, then carbon."
        ),
    ] = "auto",
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
    polish: Annotated[
        bool | None,
        typer.Option(
            "--polish/--no-polish",
            help="Correct the phases voxel by voxel by the images (needs --tilts); default: for a volume by TV whose blur is "
            "known.",
        ),
    ] = None,
    boundary_weight: Annotated[
        float, typer.Option(min=0, help="Polishing: energy of a pair of unlike voxels.")
    ] = BOUNDARY_WEIGHT,
    sweeps: Annotated[int, typer.Option(min=1, help="Polishing: most sweeps.")] = SWEEPS,
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
            min=0,
            help="Ray length of the occlusion in nm; default: 0.9 of the radius of the solid.",
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
    image: Image = None,
    memory_limit_mb: MemoryLimit = None,
    blocks: ByBlocks = None,
    overwrite: Overwrite = False,
) -> None:
    """Threshold a volume into phases: 0 exterior, 1 pore, 2 C, 3 Sn (or 1..N for other
    materials).
    """
    source = checked(InputSection, volume=str(volume), spacing_nm=spacing_nm, image=image)
    how = checked(
        ThresholdSection,
        values=thresholds or None,
        phases=phases,
        method=rule,
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
    touch_up = checked(
        PolishSection,
        enabled="auto" if polish is None else polish,
        boundary_weight=boundary_weight,
        sweeps=sweeps,
    )
    if not tilts and (polish or rule == "projection"):
        needed = "--polish" if polish else "--rule projection"
        raise InputError(f"{needed} needs the tilt images: give the series with --tilts.")
    inputs = [volume, *(tilts or [])]
    beside = [one for path in tilts or [] for one in side_paths(path)]
    with recorded(
        "segment",
        output,
        overwrite=overwrite,
        inputs=[*inputs, *beside],
        memory_limit=memory_bytes(memory_limit_mb),
    ) as (context, part):
        note(
            context,
            output.parent,
            inputs,
            input=source,
            tilts=[str(path) for path in tilts or []],
            threshold=how,
            cleanup=cleanup,
            envelope=around,
            polish=touch_up,
        )
        data = read_volume(volume, spacing=spacing_nm, image=image)
        plan = None
        if not tilts:
            wanted = Recipe(
                input=source,
                threshold=how,
                cleanup=cleanup,
                polish=touch_up,
                measure={"details": False},
                blocks=asked_for_blocks(blocks),
            )
            plan = plan_blocks(wanted, SEGMENT_BYTES, context.memory_limit)
            plan = plan and replace(plan, without=())
        elif blocks:
            raise InputError("By blocks there is no use of the tilt images: leave out --tilts.")
        data = shared(data, volume, plan, image)
        images = series = None
        if tilts:
            series = read_tilt_series(
                [str(path) for path in tilts] if len(tilts) > 1 else str(tilts[0]),
                angles_deg=None if angles is None else parse_angles(angles),
                pixel_size_nm=pixel_size_nm,
            )
            with context.step("align") as watch:
                images = aligned_images(series, data.history, **watch)
        with blocks_on_disk(plan, context, output) as work:
            found = find_phases(
                data, how, around, cleanup, polish=touch_up, series=images, context=work
            )
            with context.step("write") as watch:
                write_volume(part, found.phases, **watch)
            fractions = volume_fractions(
                found.phases.data, spacing=data.spacing, names=found.scheme.names
            )
        context.record.results.update(
            plain({"thresholds": found.thresholds, "fractions": fractions.to_dict("records")})
        )
        context.record.results["segmentation"] = segmentation_record(found)
    echo_reading(data.history)
    if series is not None:
        echo_reading(series.history)
    typer.echo(segmentation_text(found, fractions))
