"""The files of a measurement: tables (CSV, units in the column names) and object labels (voxel size
inside).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.files import write_table
from napari_snpore.files.write import write_volumes
from napari_snpore.measurement.filters import parse_filter
from napari_snpore.measurement.objects import measure_objects
from napari_snpore.study.measuring import MeasuredObjects, Measurement

VolumeSuffix = Literal[".tif", ".ome.zarr"]


def write_measurement(
    folder: str | Path,
    measured: MeasuredObjects,
    *,
    suffix: VolumeSuffix | None = ".tif",
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> None:
    """Write a measurement into ``tables/`` and ``volumes/`` of a folder; the names do not depend on
    who measured.

    ``tables/objects_<name>.csv`` and ``volumes/objects_<name>`` for each set of objects; of phases
    also ``tables/fractions.csv``, ``tables/dead_pores.csv`` (with an exterior) and one table per
    detail. ``suffix`` None: the volumes are there. ``progress``, ``should_stop``: of the volumes.

    Raises
    ------
    OutputError
        A file that cannot be written.
    """
    volumes, tables = Path(folder) / "volumes", Path(folder) / "tables"
    if suffix is not None:
        named = {volumes / f"objects_{name}{suffix}": one for name, one in measured.labels.items()}
        write_volumes(named, progress=progress, should_stop=should_stop)
    for name, table in measured.objects.items():
        write_table(tables / f"objects_{name}.csv", table)
    if not isinstance(measured, Measurement):
        return
    write_table(tables / "fractions.csv", measured.fractions)
    if measured.dead_pores is not None:
        write_table(tables / "dead_pores.csv", measured.dead_pores.table)
    for name, table in measured.details.items():
        write_table(tables / f"{name}.csv", table)


def check_filter(words: str) -> None:
    """Refuse conditions that cannot be read, or are on no column of any table of objects; before
    anything is measured.

    Raises
    ------
    InputError
        As :func:`~napari_snpore.measurement.filters.parse_filter`.
    """
    none = np.zeros((1, 1, 1), np.uint8)
    usual = measure_objects(none, spacing=1.0, intensity=none, envelope=none > 0)
    parse_filter(words, usual.assign(given_label=np.zeros(0, np.int64)))


def write_filtered(folder: str | Path, measured: MeasuredObjects, words: str) -> dict[str, Any]:
    """Write the objects that a filter keeps into ``tables/objects_<name>_filtered.csv``, with the
    filter in a column, and return the entry of the record.

    Parameters
    ----------
    folder : path
        Of the measurement.
    measured : MeasuredObjects
    words : str
        Conditions, see :func:`~napari_snpore.measurement.filters.parse_filter`.

    Raises
    ------
    InputError
        Conditions that cannot be read.
    OutputError
        A file that cannot be written.
    """
    found: dict[str, Any] = {}
    for name, table in measured.objects.items():
        kept = parse_filter(words, table)
        rows = kept.apply(table)
        write_table(Path(folder) / "tables" / f"objects_{name}_filtered.csv", rows)
        found[name] = {"filter": str(kept), "kept": len(rows), "objects": len(table)}
    return found


def filter_text(found: dict[str, Any]) -> str:
    """Return how many objects a filter kept, a line for each set."""
    return "\n".join(
        f"Filter, {name:<7} {one['kept']:,} of {one['objects']:,} objects: {one['filter']}"
        for name, one in found.items()
    )
