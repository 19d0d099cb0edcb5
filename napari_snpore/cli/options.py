"""Options that several commands of ``snpore`` share: output, voxel size, cut axes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_snpore.study.recipe import BlocksSection

Output = Annotated[Path, typer.Option("--output", "-o", help="File or folder of the result.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing output.")]
Spacing = Annotated[
    float | None,
    typer.Option("--spacing-nm", min=0, help="Edge of a voxel in nm; default: from the file."),
]
Image = Annotated[
    str | None,
    typer.Option(
        help="Which image of files that hold several: the name of its detector, data set or volume; "
        "default: chosen, and named in the output."
    ),
]
MemoryLimit = Annotated[
    int | None,
    typer.Option(
        "--memory-limit-mb",
        min=1,
        help="Memory in MB that a step may take; what needs more is refused before it starts; default: 80 % of what is free.",
    ),
]
ByBlocks = Annotated[
    bool | None,
    typer.Option(
        "--by-blocks/--in-memory",
        help="Work block by block, with arrays on disk, or in memory, with the same results; default: by blocks where memory "
        "is too small (run: as in the recipe).",
    ),
]
CutAxis = Annotated[
    list[int] | None,
    typer.Option(
        help="Axis along which the fibre extends beyond the box (0 z, 1 y, 2 x); repeat per axis; "
        "default: 1; measure: as segmented."
    ),
]
NoCut = Annotated[
    bool,
    typer.Option(
        "--no-cut", help="The whole body lies in the box; default: it extends beyond it along y."
    ),
]


def asked_for_blocks(given: bool | None) -> BlocksSection:
    """Return the section of a recipe that :data:`ByBlocks` means."""
    return BlocksSection(enabled="auto" if given is None else given)


def memory_bytes(limit_mb: int | None) -> int | None:
    """Return a limit in bytes; None without one."""
    return None if limit_mb is None else limit_mb * 1_000_000
