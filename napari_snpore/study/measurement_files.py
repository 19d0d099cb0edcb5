"""The files of a measurement: tables (CSV, units in the column names) and object labels (voxel size
inside).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from napari_snpore.files import write_table, write_volume
from napari_snpore.study.measuring import MeasuredObjects, Measurement

VolumeSuffix = Literal[".tif", ".ome.zarr"]


def write_measurement(
    folder: str | Path, measured: MeasuredObjects, *, suffix: VolumeSuffix = ".tif"
) -> None:
    """Write a measurement into ``tables/`` and ``volumes/`` of a folder; the names do not depend on
    who measured.

    ``tables/objects_<name>.csv`` and ``volumes/objects_<name>`` for each set of objects; of phases
    also ``tables/fractions.csv``, ``tables/dead_pores.csv`` (with an exterior) and one table per
    detail.

    Raises
    ------
    OutputError
        A file that cannot be written.
    """
    volumes, tables = Path(folder) / "volumes", Path(folder) / "tables"
    for name, labels in measured.labels.items():
        write_volume(volumes / f"objects_{name}{suffix}", labels)
        write_table(tables / f"objects_{name}.csv", measured.objects[name])
    if not isinstance(measured, Measurement):
        return
    write_table(tables / "fractions.csv", measured.fractions)
    if measured.dead_pores is not None:
        write_table(tables / "dead_pores.csv", measured.dead_pores.table)
    for name, table in measured.details.items():
        write_table(tables / f"{name}.csv", table)
