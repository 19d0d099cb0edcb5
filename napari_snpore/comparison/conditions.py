"""Conditions that have to be alike in a comparison, and what it does to the numbers where they are
not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_snpore.comparison.state_result import StateResult
from napari_snpore.numerals import number
from napari_snpore.segmentation.rule_names import rule_name

Results = Mapping[str, Sequence[StateResult]]


@dataclass(frozen=True)
class RunCondition:
    """One condition of a measurement.

    Parameters
    ----------
    words : str
        Its name in a sentence.
    effect : str
        What a difference of it does to the comparison.
    unit : str
        Of its numbers.
    alike : float
        Numbers that differ by a smaller share are alike; words and numbers of objects: 0.
    read : callable, optional
        Takes the conditions of a fibre and returns the value; default: the entry of this name.
    write : callable, optional
        Writes a value.
    """

    words: str
    effect: str
    unit: str = ""
    alike: float = 0.0
    read: Callable[[Mapping[str, Any]], Any] | None = None
    write: Callable[[Any], str] = str


def elongation(tilt_deg: float) -> float:
    """Return the elongation along the beam by the missing wedge of tilts up to ``tilt_deg``.

    Examples
    --------
    >>> round(elongation(69.0), 2), round(elongation(60.0), 2)
    (1.33, 1.55)
    """
    angle = math.radians(tilt_deg)
    both = math.sin(angle) * math.cos(angle)
    return math.sqrt((angle + both) / (angle - both))


def _voxel_nm(known: Mapping[str, Any]) -> float | None:
    voxel = known.get("voxel_nm")
    return None if voxel is None else float(np.max(voxel))


def _blur_nm(known: Mapping[str, Any]) -> float | None:
    voxel, blur = _voxel_nm(known), known.get("blur_px")
    return None if voxel is None or blur is None else voxel * float(blur)


def _reach_deg(known: Mapping[str, Any]) -> float | None:
    low, high = known.get("tilt_min_deg"), known.get("tilt_max_deg")
    return None if low is None or high is None else (float(high) - float(low)) / 2


def _resolution_nm(known: Mapping[str, Any]) -> float | None:
    thickness, step = known.get("thickness_nm"), known.get("tilt_step_deg")
    if thickness is None or step is None:
        return None
    return float(thickness) * math.radians(float(step))


_SIZES_SHIFT = "numbers and sizes of the smallest objects are not comparable, fractions are"

CONDITIONS: Mapping[str, RunCondition] = {
    "voxel_nm": RunCondition(
        "voxel size",
        f"an object of the same size has another number of voxels, so that {_SIZES_SHIFT}",
        "nm",
        0.01,
        _voxel_nm,
        number,
    ),
    "tilt_reach_deg": RunCondition(
        "reach of the tilts",
        "the missing wedge stretches objects along the beam by another factor, and lengths and aspect "
        "ratios with them",
        "°",
        0.03,
        _reach_deg,
        lambda reach: f"±{reach:.0f}",
    ),
    "resolution_nm": RunCondition(
        "resolution D·Δθ",
        "small pores and clusters are lost sooner where it is larger, and numbers of objects and shares "
        "of short ones with them",
        "nm",
        0.1,
        _resolution_nm,
        number,
    ),
    "dose": RunCondition(
        "dose",
        "noise hides or feigns small objects where it is less",
        "counts per pixel",
        0.25,
        None,
        lambda dose: f"{dose:,.0f}" if math.isfinite(dose) else "no noise",
    ),
    "blur_nm": RunCondition(
        "blur",
        "edges between Sn and pore count as carbon over another width, which moves all fractions",
        "nm",
        0.15,
        _blur_nm,
        number,
    ),
    "method": RunCondition("method of reconstruction", "each has its own bias"),
    "threshold_rule": RunCondition(
        "threshold rule",
        "a difference of the phases may be one of the rules; one rule for all states is needed",
        write=lambda key: rule_name(str(key)),
    ),
    "gray_calibrated": RunCondition(
        "calibration of grey values",
        "the same threshold does not mean the same material",
        write=lambda known: "vacuum 0, carbon 1" if known else "none",
    ),
    "convention": RunCondition("Feret convention", "lengths and widths are not comparable"),
    "min_voxels": RunCondition(
        "least number of voxels of a resolved object", "shapes are of other objects"
    ),
    "limit_nm": RunCondition("limit of short objects", "their shares are not comparable", "nm"),
    "pore_connectivity": RunCondition("connectivity of pores", "they are cut into other objects"),
    "object_connectivity": RunCondition("connectivity of Sn", "it is cut into other objects"),
    "version": RunCondition("version of napari-snpore", "a step may have changed between them"),
}
"""By name; two of them are computed from several entries of the conditions of a fibre."""

_SHOULD_BE_KNOWN = (
    "voxel_nm",
    "tilt_reach_deg",
    "resolution_nm",
    "dose",
    "blur_nm",
    "threshold_rule",
)


def condition_notes(results: Results) -> list[str]:
    """Return one sentence for every condition that differs between fibres, with what it does to the
    comparison, and one on those that are not known.
    """
    notes = []
    unknown = []
    for name, condition in CONDITIONS.items():
        values = {state: _values(name, fibres) for state, fibres in results.items()}
        if not _are_alike(condition, [one for part in values.values() for one in part]):
            notes.append(_differs(condition, values) + _elongations(name, values))
        missing = [state for state, part in values.items() if any(one is None for one in part)]
        if name in _SHOULD_BE_KNOWN and missing and len(results) > 1:
            unknown.append(f"{condition.words} ({', '.join(missing)})")
    if unknown:
        notes.append(f"Not known, so that they may differ: {'; '.join(unknown)}.")
    edited = [
        f"{fibre.name} ({state})"
        for state, fibres in results.items()
        for fibre in fibres
        if fibre.conditions.get("edited_by_hand")
    ]
    if edited:
        notes.append(
            f"Edited by hand, so that their numbers have no error that could be computed: {', '.join(edited)}."
        )
    return notes


def _values(name: str, fibres: Sequence[StateResult]) -> list[Any]:
    read = CONDITIONS[name].read
    return [
        fibre.conditions.get(name) if read is None else read(fibre.conditions) for fibre in fibres
    ]


def _are_alike(condition: RunCondition, values: Sequence[Any]) -> bool:
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return True
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        low, high = min(known), max(known)
        return bool(low == high or high - low <= condition.alike * abs(high))
    return len({str(value) for value in known}) == 1


def _differs(condition: RunCondition, values: Mapping[str, Sequence[Any]]) -> str:
    parts = []
    for state, of_fibres in values.items():
        known = [condition.write(value) for value in of_fibres if value is not None]
        if known:
            unit = f" {condition.unit}" if condition.unit not in ("", "°") else condition.unit
            parts.append(f"{state} {' and '.join(dict.fromkeys(known))}{unit}")
    words = f"{condition.words[0].upper()}{condition.words[1:]}"
    return f"{words} differs ({', '.join(parts)}): {condition.effect}."


def _elongations(name: str, values: Mapping[str, Sequence[Any]]) -> str:
    """Return by how much the wedge stretches, where the reach of the tilts differs."""
    if name != "tilt_reach_deg":
        return ""
    parts = [
        f"{elongation(part[0]):.2f} ({state})"
        for state, part in values.items()
        if part and part[0] is not None and 0 < part[0] <= 90
    ]
    return f" By the angles alone: {', '.join(parts)}."
