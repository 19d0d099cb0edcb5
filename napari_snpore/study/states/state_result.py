"""A finished run read as the result of one fibre of a state: its tables, and the conditions that
have to be alike where runs are compared. Volumes stay on the disk.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from napari_snpore.comparison.state_result import StateResult
from napari_snpore.errors import FileFormatError, MissingFileError
from napari_snpore.files.formats import format_of
from napari_snpore.files.tables import read_table
from napari_snpore.outputs.own_files import RECORD
from napari_snpore.segmentation.rule_names import rule_name
from napari_snpore.study.edit_report import EDITED
from napari_snpore.study.provenance import check_record
from napari_snpore.study.recipe import MeasureSection
from napari_snpore.study.run_errors import NUMBER_COLUMNS

TABLE_FILES = {
    "sensitivity": "threshold_sensitivity",
    "nearest": "nearest_sn",
    "correlation": "correlation_pore",
    "cube sizes": "cube_sizes",
    "diffusivity": "diffusivity",
    "dead pores": "dead_pores",
    "fractions": "fractions",
    "networks": "networks",
    "detection limit": "detection_limit",
}
"""Tables of a comparison by their names, and the tables of a run that hold them."""

_OBJECTS = re.compile(r"objects_(?P<name>.+?)(?P<filtered>_filtered)?\.csv")


def read_state_result(folder: str | Path, *, name: str | None = None) -> StateResult:
    """Read the folder of a finished run.

    Parameters
    ----------
    folder : path
        Of ``snpore run``.
    name : str, optional
        Of the fibre; default: the name of the folder.

    Returns
    -------
    StateResult

    Raises
    ------
    FileFormatError
        The folder holds no finished run, one of another command, of a version whose records are not
        read, or without its table of numbers; the sentence names it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MissingFileError(f"There is no folder of a run {folder}.")
    if not (folder / RECORD).is_file():
        raise FileFormatError(f"{folder} holds no finished run: it has no {RECORD}.")
    record = check_record(folder / RECORD)
    command = record.get("command")
    if command != "run":
        raise FileFormatError(
            f"{folder} holds the result of 'snpore {command}'; folders of 'snpore run' are compared."
        )
    tables = folder / "tables"
    numbers = _numbers(folder, record)
    objects = {}
    for path in sorted(tables.glob("objects_*.csv")):
        found = _OBJECTS.fullmatch(path.name)
        if found is not None and not found["filtered"]:
            objects[found["name"]] = read_table(path)
    others = {
        what: read_table(tables / f"{file}.csv")
        for what, file in TABLE_FILES.items()
        if (tables / f"{file}.csv").is_file()
    }
    by_slice = _optional(tables / "fractions_by_slice.csv")
    if by_slice is not None and "axis" in by_slice:
        others["slabs"] = by_slice[by_slice["axis"] == "y"].reset_index(drop=True)
    return StateResult(
        name=name or folder.resolve().name,
        numbers=numbers,
        objects=objects,
        profile=_optional(tables / "shells.csv"),
        tables=others,
        conditions={**conditions_of(record, tables), "inputs": _inputs(folder, record)},
        notes=_notes(record),
    )


def conditions_of(record: Mapping[str, Any], tables: Path) -> dict[str, Any]:
    """Return what has to be alike in a comparison, from the record and the tables of a run; what is
    not known is left out. See :class:`~napari_snpore.comparison.state_result.StateResult`.
    """
    results = _part(record, "results")
    measured = _part(results, "conditions")
    quality, segmentation = _part(results, "quality"), _part(results, "segmentation")
    made, polish = _part(quality, "reconstruction"), _part(segmentation, "polish")
    images = _part(segmentation, "images")
    parameters = _part(record, "parameters")
    found: dict[str, Any] = {
        name: measured.get(name)
        for name in ("tilt_min_deg", "tilt_max_deg", "tilt_step_deg", "tilts", "dose", "contrast")
    }
    voxel = measured.get("voxel_nm")
    found["voxel_nm"] = None if voxel is None else tuple(voxel)
    if voxel is None:
        found |= _conditions_of_tables(tables)
    found["thickness_nm"] = made.get("thickness_nm")
    found["blur_px"] = polish.get("blur_px", images.get("blur_px", made.get("blur_px")))
    found["method"] = made.get("method")
    thresholds = segmentation.get("thresholds_gray")
    rule = segmentation.get("method")
    asked = _part(parameters, "threshold")
    if thresholds:
        found["thresholds"] = tuple(thresholds)
        found["thresholds_calibrated"] = _calibrated(thresholds, polish, images)
    if rule:
        found["threshold_rule"] = rule_name(rule, len(thresholds or ()) + 1)
    found["gray_calibrated"] = bool(asked.get("calibrated", False))
    section = _part(parameters, "measure")
    usual = MeasureSection()
    for name in (
        "convention",
        "min_voxels",
        "limit_nm",
        "pore_connectivity",
        "object_connectivity",
    ):
        found[name] = section.get(name, getattr(usual, name))
    rows = _part(results, "errors").get("numbers") or []
    found["edited_by_hand"] = bool(rows) and all(
        str(row.get("calibrated", "")) == f"no, {EDITED}" for row in rows
    )
    found["version"] = record.get("version")
    return {name: value for name, value in found.items() if value is not None}


def input_keys(paths: Iterable[str | Path]) -> dict[str, str]:
    """Return the names of those files that hold images, by their resolved paths."""
    known = [Path(path).resolve() for path in paths if format_of(Path(path)) is not None]
    return {str(path): path.name for path in known}


def _inputs(folder: Path, record: Mapping[str, Any]) -> dict[str, str]:
    """Return the names of the files of images that a run was made of, by their paths and by their
    content.
    """
    found: dict[str, str] = {}
    for one in record.get("inputs") or ():
        path = folder / str(one.get("path", ""))
        if format_of(path) is not None:
            found |= input_keys([path])
            if one.get("sha256"):
                found[f"sha256 {one['sha256']}"] = path.name
    return found


def _numbers(folder: Path, record: Mapping[str, Any]) -> pd.DataFrame:
    path = folder / "tables" / "numbers.csv"
    missing = (
        f"{folder} has no tables/numbers.csv: an older version ({record.get('version', 'unknown')}) made it, or it was removed; "
        "run its recipe.toml again."
    )
    numbers = read_table(path, missing=missing)
    for column in NUMBER_COLUMNS:
        if column in ("quantity", "unit", "value") and column not in numbers:
            raise FileFormatError(
                f"{path} has no column {column}; run the recipe of {folder} again."
            )
        if column not in numbers:  # of an older version
            numbers[column] = math.nan
    for column in ("dominant_source", "calibrated", "restoration"):
        numbers[column] = numbers[column].astype(object).fillna("")
    return numbers[list(NUMBER_COLUMNS)]


def _conditions_of_tables(tables: Path) -> dict[str, Any]:
    """Return voxel size and angles of a run whose record does not name them."""
    found: dict[str, Any] = {}
    fractions = _optional(tables / "fractions.csv")
    if fractions is not None and {"voxel_count", "volume_nm3"} <= set(fractions):
        counted = fractions[fractions["voxel_count"] > 0]
        if len(counted):
            row = counted.iloc[0]
            edge = float(f"{(row['volume_nm3'] / row['voxel_count']) ** (1 / 3):.6g}")
            found["voxel_nm"] = (edge, edge, edge)
    tilts = _optional(tables / "reconstruction_residual.csv")
    if tilts is not None and "angle_deg" in tilts and len(tilts) > 1:
        angles = tilts["angle_deg"].sort_values()
        found |= {
            "tilts": len(angles),
            "tilt_min_deg": float(angles.iloc[0]),
            "tilt_max_deg": float(angles.iloc[-1]),
            "tilt_step_deg": float(angles.diff().median()),
        }
    return found


def _calibrated(
    thresholds: list[float], polish: Mapping[str, Any], images: Mapping[str, Any]
) -> tuple[float, ...] | None:
    """Return thresholds in units of vacuum 0 and carbon 1, by the grey levels that were fitted to
    the images; None without them.
    """
    levels = polish.get("levels")
    if not levels and images.get("levels_gray"):
        levels = [0.0, *images["levels_gray"]]  # of exterior, pore, C, Sn
    if not levels or len(levels) < 4:
        return None
    vacuum, carbon = float(levels[0]), float(levels[-2])
    if not carbon > vacuum:
        return None
    return tuple((value - vacuum) / (carbon - vacuum) for value in thresholds)


def _notes(record: Mapping[str, Any]) -> tuple[str, ...]:
    results = _part(record, "results")
    errors, segmentation = _part(results, "errors"), _part(results, "segmentation")
    said = [errors.get("reason"), *(errors.get("notes") or ()), segmentation.get("note")]
    said.append(segmentation.get("not_polished"))
    return tuple(dict.fromkeys(str(one) for one in said if one))


def _part(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = content.get(name)
    return found if isinstance(found, Mapping) else {}


def _optional(path: Path) -> pd.DataFrame | None:
    return read_table(path) if path.is_file() else None
