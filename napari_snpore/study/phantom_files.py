"""Files of a phantom: grey volume, true phases, truth tables, and tilt series with its angles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from napari_snpore.errors import OutputError
from napari_snpore.files import write_table, write_volume
from napari_snpore.files.atomic import atomic_paths
from napari_snpore.files.write import write_images
from napari_snpore.history import PlantedPhasesStep
from napari_snpore.outputs.places import check_beside
from napari_snpore.phantom import Phantom
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.volume import Volume


def write_phantom(folder: Path, phantom: Phantom) -> None:
    """Write the grey volume, the true phases and the truth tables of a phantom into a folder."""
    volume = phantom.volume
    write_volume(folder / "volume.tif", volume)
    phases = Volume(
        phantom.phases, volume.spacing, volume.origin, (*volume.history, PlantedPhasesStep().step)
    )
    write_volume(folder / "phases_truth.tif", phases)
    write_table(folder / "fractions_truth.csv", phantom.fractions)
    write_table(folder / "dead_pores_truth.csv", phantom.dead_pores.table)
    for name, table in phantom.objects.items():
        write_table(folder / f"objects_{name}_truth.csv", table)
    boxes = [
        {"region": name, "size_nm": size, **{f"center_{axis}_nm": value for axis, value in zip("zyx", center, strict=True)},
         "pore_fraction_percent": pore}
        for name, (center, size, pore) in phantom.boxes.items()
    ]  # fmt: skip
    write_table(folder / "boxes_truth.csv", pd.DataFrame(boxes))


def write_tilts(path: Path, series: TiltSeries, *, overwrite: bool = False) -> Path:
    """Write a tilt series as TIFF with its pixel size and tilt axis, and its angles beside it as
    ``.rawtlt``; both change together.

    Raises
    ------
    OutputError
        The file exists, angles lie beside a file that does not exist, or one cannot be written.
    """
    angles = path.with_suffix(".rawtlt")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} is there already; overwrite=True replaces it.")
    check_beside(path, [angles])
    with atomic_paths(path, angles) as (images_part, angles_part):
        write_images(images_part, series)
        np.savetxt(angles_part, series.angles_deg, fmt="%8.2f")
    return path
