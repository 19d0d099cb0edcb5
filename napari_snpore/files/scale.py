"""Which voxel size and which angles count, where several sources speak: they must agree, and none is ever guessed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import DisagreementError, InputError, MissingAnglesError, MissingScaleError
from napari_snpore.volume import Triple, checked_spacing

TOLERANCE = 0.01
"""Two real sources of a size may differ by this share."""

ANGLE_TOLERANCE_DEG = 0.1
"""Two real sources of an angle may differ by this much; side files are often rounded."""

Size = float | None


def resolve_spacing(
    given: float | Sequence[float] | None, sources: Sequence[tuple[str, tuple[Size, Size, Size]]], *, name: str
) -> Triple:
    """Return the voxel size (nm) on which the caller and all real sources agree.

    Parameters
    ----------
    given : float or (float, float, float), optional
        What the caller says.
    sources : sequence of (str, (z, y, x))
        Who says what; None for an axis where the source says nothing.
    name : str
        The file, for the sentence.

    Raises
    ------
    DisagreementError
        Two sources are more than 1 % apart.
    MissingScaleError
        No source for some axis.
    """
    speaking = [(who, values) for who, values in sources if any(value is not None for value in values)]
    if given is not None:
        speaking.insert(0, ("the caller", checked_spacing(given)))
    sizes: list[float] = []
    for axis, label in enumerate("zyx"):
        said = [(who, float(size)) for who, values in speaking if (size := values[axis]) is not None]
        if not said:
            raise MissingScaleError(f"{name} holds no voxel size along {label}: give spacing=(dz, dy, dx) in nm.")
        _agree(said, f"voxel size along {label}", name)
        sizes.append(said[0][1])
    return checked_spacing(sizes)


def resolve_pixel_size(given: float | None, sources: Sequence[tuple[str, Size]], *, name: str) -> float:
    """Return the pixel size (nm) of a tilt series on which the caller and all real sources agree."""
    said = [(who, float(size)) for who, size in sources if size is not None]
    if given is not None:
        if not (math.isfinite(given) and given > 0):
            raise InputError(f"pixel_size_nm is {given}; a positive number in nm is needed.")
        said.insert(0, ("the caller", float(given)))
    if not said:
        raise MissingScaleError(f"{name} holds no pixel size: give pixel_size_nm.")
    _agree(said, "pixel size", name)
    return said[0][1]


def resolve_angles(
    given: Any, sources: Sequence[tuple[str, Sequence[float] | None]], *, count: int, name: str
) -> NDArray[np.float64]:
    """Return the tilt angles (degrees) on which the caller and all real sources agree, one an image.

    Sources are compared within 0.1°, for side files are rounded; the first one's angles are returned.
    """
    said = [(who, np.asarray(angles, np.float64)) for who, angles in sources if angles is not None]
    if given is not None:
        said.insert(0, ("the caller", np.asarray(given, np.float64).reshape(-1)))
    if not said:
        raise MissingAnglesError(
            f"{name} holds no tilt angles, nor does a .rawtlt, .tlt or .mdoc file: give angles_deg."
        )
    for who, angles in said:
        if len(angles) != count:
            raise MissingAnglesError(f"{name} holds {count} images, but {who} gives {len(angles)} tilt angles.")
    first, angles = said[0]
    for who, others in said[1:]:
        apart = np.abs(angles - others)
        if apart.max() > ANGLE_TOLERANCE_DEG:
            worst = int(apart.argmax())
            raise DisagreementError(
                f"{name}: the tilt angle of image {worst} is {angles[worst]:g}° by {first} and {others[worst]:g}° by {who}."
            )
    return angles


def _agree(said: list[tuple[str, float]], what: str, name: str) -> None:
    first, value = said[0]
    for who, other in said[1:]:
        if abs(other - value) > TOLERANCE * min(value, other):
            raise DisagreementError(
                f"{name}: the {what} is {value:.6g} nm by {first} and {other:.6g} nm by {who}; they are more than 1 % apart."
            )
