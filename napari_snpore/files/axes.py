"""Axes of an array as its file states them, put in the order ``(z, y, x)`` or ``(tilt, y, x)``.

The names and units of a file decide on the order, not the place in memory. A step that the file
does not give, or gives without a unit, counts as none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import FileFormatError
from napari_snpore.files.parsed_file import ParsedFile
from napari_snpore.files.times import checked_times, even_times, seconds_per
from napari_snpore.files.units import in_nm, is_degree, is_radian

_EVEN = 0.01
"""Largest relative difference of a step from the mean step that counts as even."""

_BY_NAME = {
    **dict.fromkeys(("x", "r_x", "width"), "x"),
    **dict.fromkeys(("y", "r_y", "height"), "y"),
    **dict.fromkeys(("z", "r_z", "depth"), "z"),
    **dict.fromkeys(
        ("tilt", "tilts", "tilt angle", "alpha", "alpha tilt", "theta", "angle", "angles"), "tilt"
    ),
    **dict.fromkeys(("t", "time"), "time"),
    **dict.fromkeys(("energy", "energy loss", "wavelength"), "energy"),
    **dict.fromkeys(("qx", "qy", "q_x", "q_y", "bin_outer_angle"), "scattering"),
}
_ENERGY = {"ev", "kev", "mev"}
_SCATTERING = {"mrad", "1/nm", "1/m", "1/å", "1/a", "nm^-1", "m^-1", "a^-1", "å^-1", "nm-1", "a-1"}
_NO_LENGTH = ("tilt", "time", "energy", "scattering")


@dataclass(frozen=True, eq=False)
class Axis:
    """One axis of an array.

    Parameters
    ----------
    name, unit : str
        As in the file; empty where it gives none.
    step, start : float, optional
        Calibration of even steps, in ``unit``; a step of None is not known.
    positions : array, shape (n,), optional
        Position of each entry in ``unit``, or of the first two of even steps.
    """

    name: str = ""
    unit: str = ""
    step: float | None = None
    start: float = 0.0
    positions: NDArray[np.float64] | None = None

    @property
    def role(self) -> str:
        """``x``, ``y``, ``z``, ``tilt``, ``time``, ``energy``, ``scattering``, or empty where
        neither unit nor name says; the unit comes first.
        """
        unit = self.unit.strip().strip("[]").replace("_", "").lower()
        if is_degree(self.unit) or is_radian(self.unit):
            return "tilt"
        if seconds_per(self.unit) is not None:
            return "time"
        if unit in _ENERGY:
            return "energy"
        if unit in _SCATTERING:
            return "scattering"
        return _BY_NAME.get(self.name.strip().lower(), "")

    def values(self, count: int) -> NDArray[np.float64] | None:
        """Return the position of each of ``count`` entries, or as many as the file lists; None
        where it says nothing.
        """
        listed = self.positions
        if listed is not None and (len(listed) != 2 or count == 2):
            return listed if len(listed) else None
        step = self.step if listed is None else float(listed[1] - listed[0])
        start = self.start if listed is None else float(listed[0])
        return (
            None if step is None else np.float64(start) + step * np.arange(count, dtype=np.float64)
        )


def why_no_images(axes: Sequence[Axis]) -> str | None:
    """Return what an array with these axes holds where it is neither an image nor a stack of
    images, as words for a sentence; None where it is one.
    """
    roles = [axis.role for axis in axes]
    if len(axes) not in (2, 3):
        return "a spectrum or a profile" if len(axes) == 1 else f"an array of {len(axes)} axes"
    if "energy" in roles:
        return "spectra"
    others = [role for role in roles if role in _NO_LENGTH]
    if len(axes) == 2 and ("tilt" in others or "time" in others):
        return "lines instead of images"
    if len(axes) == 3 and len(others) > 1:
        return "diffraction patterns" if "scattering" in others else "lines instead of images"
    return None


def order_of(axes: Sequence[Axis]) -> tuple[int, ...]:
    """Return the order that puts axes last to first as x, y, and z, tilt or time.

    Axes that the file does not name keep their order. Two axes of one name order nothing.

    Examples
    --------
    >>> order_of([Axis("x"), Axis("y"), Axis("z")]), order_of([Axis(), Axis(), Axis("tilt")])
    ((2, 1, 0), (2, 0, 1))
    """
    count = len(axes)
    places = {"x": count - 1, "y": count - 2}
    if count == 3:
        places |= dict.fromkeys(("z", *_NO_LENGTH), 0)
    placed: dict[int, int] = {}
    for number, axis in enumerate(axes):
        place = places.get(axis.role)
        if place is None:
            continue
        if place in placed:
            return tuple(range(count))
        placed[place] = number
    rest = iter(number for number in range(count) if number not in placed.values())
    return tuple(placed[place] if place in placed else next(rest) for place in range(count))


def parsed_array(
    data: Any,
    axes: Sequence[Axis],
    path: Path,
    *,
    angles_deg: Sequence[float] | None = None,
) -> ParsedFile:
    """Return an image or a stack in the order of its axes, with sizes, angles and times from them.

    Parameters
    ----------
    data : array
        Two or three axes, in the order of ``axes``; NumPy or dask.
    axes : sequence of Axis
    path : Path
        For sentences.
    angles_deg : sequence of float, optional
        Tilt angles that the file keeps elsewhere; they win over those of an axis.

    Raises
    ------
    FileFormatError
        The steps along an axis of length are uneven: a voxel needs one size.
    """
    order = order_of(axes)
    if order != tuple(range(len(axes))):
        data = data.transpose(order)
    axes = [axes[number] for number in order]
    labels = "zyx"[-len(axes) :]
    sizes = [
        _size_nm(axis, count, label, path)
        for axis, count, label in zip(axes, data.shape, labels, strict=True)
    ]
    times = None
    if len(axes) == 3:
        angles_deg = angles_deg or _angles(axes[0], len(data))
        times = _times(axes[0], len(data))
    z, y, x = [None] * (3 - len(sizes)) + sizes
    return ParsedFile(
        data,
        (z, y, x),
        angles_deg=angles_deg,
        times_s=times,
        first_axis_is_time=times is not None,
        notes=_backwards(axes, data.shape, labels),
    )


def _backwards(axes: Sequence[Axis], shape: Sequence[int], labels: str) -> tuple[str, ...]:
    """Say which axes of length have falling positions: an odd number of them is a mirror image."""
    falling = [
        label
        for axis, count, label in zip(axes, shape, labels, strict=True)
        if axis.role not in _NO_LENGTH
        and count > 1
        and (values := axis.values(count)) is not None
        and values[-1] < values[0]
    ]
    if not falling:
        return ()
    return (f"positions along {' and '.join(falling)} fall: voxels are in the order of the file",)


def _size_nm(axis: Axis, count: int, label: str, path: Path) -> float | None:
    if axis.role in _NO_LENGTH:
        return None
    values = axis.values(count)
    if values is None or in_nm(1, axis.unit) is None:
        return None
    if count == 1:  # a list of one position has no step
        return None if axis.step is None else in_nm(abs(axis.step), axis.unit)
    if len(values) != count or not np.isfinite(values).all():
        return None
    steps = np.diff(values)
    mean = float(values[-1] - values[0]) / (count - 1)
    if np.abs(steps - mean).max() > _EVEN * abs(mean):
        low, high = (
            in_nm(step, axis.unit) or 0.0 for step in (np.abs(steps).min(), np.abs(steps).max())
        )
        raise FileFormatError(
            f"{path} has uneven steps along {label}, from {low:.4g} to {high:.4g} nm; "
            "resample it to even steps first."
        )
    return in_nm(abs(mean), axis.unit)


def _angles(axis: Axis, count: int) -> list[float] | None:
    """Return tilt angles in degrees; their number is checked where the series is read."""
    values = axis.values(count)
    if values is None or not (is_degree(axis.unit) or is_radian(axis.unit)):
        return None
    degrees = np.degrees(values) if is_radian(axis.unit) else values
    return [float(angle) for angle in degrees]


def _times(axis: Axis, count: int) -> list[float] | None:
    factor = seconds_per(axis.unit)
    if factor is None:
        return None
    if axis.positions is None:
        return even_times(axis.step, axis.unit, count)
    values = axis.values(count)
    return None if values is None else checked_times(factor * values, count)
