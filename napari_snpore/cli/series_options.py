"""Options of the commands that read, prepare and align a tilt series, and the sections they mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_snpore.cli.inputs import parse_angles
from napari_snpore.study.recipe import AlignSection, InputSection, PrepareSection, checked

Thickness = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Thickness of the volume along the beam in voxels; default: the image width.",
    ),
]
PixelSize = Annotated[
    float | None, typer.Option(min=0, help="Pixel size in nm; default: from the file.")
]
Angles = Annotated[
    str | None,
    typer.Option(
        help="Tilt angles in degrees: a .tlt/.rawtlt file, START:STOP:STEP, or a list with commas; default: from the file."
    ),
]
TiltAxisAngle = Annotated[
    float | None,
    typer.Option(
        help="Direction of the tilt axis in degrees from image y; default: found in the images."
    ),
]
Align = Annotated[bool, typer.Option(help="Align the series; --no-align: it is aligned already.")]
Background = Annotated[
    str,
    typer.Option(
        help="Vacuum level to subtract, in grey units: auto (found per image), none, or a value."
    ),
]
LeaveOut = Annotated[
    list[int] | None,
    typer.Option(help="Number of a tilt to leave out, from 0; repeat per tilt; default: none."),
]
RepairPixels = Annotated[
    bool, typer.Option("--repair-pixels", help="Replace hot and dead pixels; default: off.")
]
Invert = Annotated[
    bool, typer.Option("--invert", help="Bright field, vacuum bright: invert; default: off.")
]
BinFactor = Annotated[
    int, typer.Option("--bin", min=1, help="Binning: average squares with this edge in px.")
]
NormalizeMass = Annotated[
    bool,
    typer.Option(
        "--normalize-mass",
        help="Scale every image to the median sum of grey values; default: off.",
    ),
]
Xf = Annotated[
    Path | None, typer.Option(help="Alignment by IMOD (.xf); default: aligned by this program.")
]
Series = Annotated[
    list[Path], typer.Argument(help="A tilt series: one file, or one file per tilt.")
]


def series_sections(
    series: list[Path],
    *,
    angles: str | None,
    pixel_size_nm: float | None,
    tilt_axis_angle_deg: float | None,
    align: bool,
    xf: Path | None,
    leave_out: list[int] | None,
    repair_pixels: bool,
    invert: bool,
    bin_factor: int,
    background: str,
    normalize_mass: bool,
    image: str | None,
) -> tuple[InputSection, PrepareSection, AlignSection]:
    """Return the sections of a recipe that the options mean."""
    source = checked(
        InputSection,
        tilt_series=[str(path) for path in series] if len(series) > 1 else str(series[0]),
        angles_deg=None if angles is None else parse_angles(angles),
        pixel_size_nm=pixel_size_nm,
        tilt_axis_angle_deg=None if align else tilt_axis_angle_deg,
        image=image,
    )
    alignment = AlignSection(
        enabled=align, tilt_axis_angle_deg=tilt_axis_angle_deg, xf=None if xf is None else str(xf)
    )
    prepare = checked(
        PrepareSection,
        leave_out=leave_out or [],
        repair_pixels=repair_pixels,
        invert=invert,
        bin=bin_factor,
        background=background,
        normalize_mass=normalize_mass,
    )
    return source, prepare, alignment
