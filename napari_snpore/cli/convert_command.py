"""The command ``snpore convert``: a volume of any format that is read, written in another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_snpore.cli.options import Image, Output, Overwrite
from napari_snpore.cli.outputs import note, recorded
from napari_snpore.cli.reading import echo_reading
from napari_snpore.errors import InputError
from napari_snpore.files import RawLayout, read_volume, write_volume


def convert(
    volume: Annotated[
        list[Path],
        typer.Argument(help="A volume: one file, a folder of slices, or one file per slice."),
    ],
    output: Output,
    spacing_nm: Annotated[
        str | None,
        typer.Option(
            help="Edge of a voxel in nm, or three with commas along z, y, x; default: from the file."
        ),
    ] = None,
    raw_shape: Annotated[
        str | None,
        typer.Option(
            help="Raw voxels: their numbers along z, y, x with commas; default: no raw file."
        ),
    ] = None,
    raw_dtype: Annotated[
        str,
        typer.Option(
            help="Type of raw voxels: uint8, int16, float32, ..., or with the byte order as '>u2'."
        ),
    ] = "uint8",
    raw_offset: Annotated[int, typer.Option(min=0, help="Bytes before the first raw voxel.")] = 0,
    image: Image = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a volume in another format, with voxel size and history; the suffix of the output
    selects it (.mrc, .tif, .imagej.tif, .ome.zarr, .nrrd).
    """
    spacing = None if spacing_nm is None else _edges(spacing_nm)
    layout = None
    if raw_shape is not None:
        layout = RawLayout(tuple(_whole_numbers(raw_shape)), raw_dtype, raw_offset)
    with recorded("convert", output, overwrite=overwrite, inputs=volume) as (context, part):
        note(
            context,
            output.parent,
            volume,
            spacing_nm=spacing,
            image=image,
            raw=None if layout is None else [list(layout.shape), layout.dtype, layout.offset],
        )
        source = volume[0] if len(volume) == 1 else [str(path) for path in volume]
        data = read_volume(source, spacing=spacing, image=image, raw=layout)
        with context.step("write") as watch:
            write_volume(part, data, **watch)
    echo_reading(data.history)
    edges = " × ".join(f"{edge:.6g}" for edge in data.spacing)
    shape = " × ".join(str(count) for count in data.shape)
    typer.echo(f"{output}: {shape} voxels of {data.dtype}, {edges} nm (z, y, x).")


def _edges(words: str) -> list[float]:
    """Return the edges of a voxel (z, y, x) in nm from one number or three with commas."""
    try:
        found = [float(word) for word in words.split(",")]
    except ValueError:
        found = []
    if len(found) not in (1, 3):
        raise InputError(
            f"--spacing-nm is {words[:40]!r}; one number, or three with commas along z, y, x, is needed."
        )
    return found * 3 if len(found) == 1 else found


def _whole_numbers(words: str) -> list[int]:
    parts = words.split(",")
    if not all(part.strip().isascii() and part.strip().isdecimal() for part in parts):
        raise InputError(
            f"--raw-shape is {words[:40]!r}; three whole numbers with commas along z, y, x are needed."
        )
    return [int(part) for part in parts]
