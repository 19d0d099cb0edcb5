"""Voxel size, pixel size and tilt angles from several sources, which must agree; nothing is
guessed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import (
    DisagreementError,
    InputError,
    MissingAnglesError,
    MissingScaleError,
)
from napari_snpore.volume import Triple, checked_spacing

TOLERANCE = 0.01
"""Largest relative difference between two sources of a size that count as equal."""

ANGLE_TOLERANCE_DEG = 0.1
"""Largest difference between two sources of an angle that count as equal; side files are often
rounded.
"""

Size = float | None


def resolve_spacing(
    given: float | Sequence[float] | None,
    sources: Sequence[tuple[str, tuple[Size, Size, Size]]],
    *,
    name: str,
) -> Triple:
    """Return the voxel size (nm) on which the caller and all sources agree; the caller's comes
    first.

    Parameters
    ----------
    given : float or (float, float, float), optional
        Voxel size (nm) that the caller gives.
    sources : sequence of (str, (z, y, x))
        Name of each source and its sizes (nm); None for an axis that it does not give.
    name : str
        Name of the file in error sentences.

    Raises
    ------
    DisagreementError
        Two sources are more than 1 % apart.
    MissingScaleError
        No source gives the size along some axis.
    """
    known = [(who, values) for who, values in sources if any(value is not None for value in values)]
    if given is not None:
        known.insert(0, ("the caller", checked_spacing(given)))
    sizes: list[float] = []
    for axis, label in enumerate("zyx"):
        of_axis = [(who, values[axis]) for who, values in known]
        given_sizes = [(who, float(size)) for who, size in of_axis if size is not None]
        if not given_sizes:
            raise MissingScaleError(
                f"{name} holds no voxel size along {label}: give spacing=(dz, dy, dx) in nm."
            )
        _check_agreement(given_sizes, f"voxel size along {label}", name)
        sizes.append(given_sizes[0][1])
    return checked_spacing(sizes)


def resolve_pixel_size(
    given: float | None, sources: Sequence[tuple[str, Size]], *, name: str
) -> float:
    """Return the pixel size (nm) on which the caller and all sources agree; errors as in
    :func:`resolve_spacing`.
    """
    known = [(who, float(size)) for who, size in sources if size is not None]
    if given is not None:
        if not (math.isfinite(given) and given > 0):
            raise InputError(f"pixel_size_nm is {given}; a positive number in nm is needed.")
        known.insert(0, ("the caller", float(given)))
    if not known:
        raise MissingScaleError(f"{name} holds no pixel size: give pixel_size_nm.")
    _check_agreement(known, "pixel size", name)
    return known[0][1]


def resolve_angles(
    given: Any, sources: Sequence[tuple[str, Sequence[float] | None]], *, count: int, name: str
) -> NDArray[np.float64]:
    """Return the tilt angles (degrees), one per image, on which the caller and all sources agree.

    Sources may differ by 0.1°, because side files are rounded; the angles of the first one are
    returned.

    Raises
    ------
    MissingAnglesError
        No source gives angles, or their number differs from ``count``.
    DisagreementError
        Two sources differ by more than 0.1° for some image.
    """
    known = [(who, np.asarray(angles, np.float64)) for who, angles in sources if angles is not None]
    if given is not None:
        known.insert(0, ("the caller", np.asarray(given, np.float64).reshape(-1)))
    if not known:
        raise MissingAnglesError(
            f"{name} holds no tilt angles, nor does a .rawtlt, .tlt or .mdoc file: "
            "give angles_deg, on the command line --angles."
        )
    for who, angles in known:
        if len(angles) != count:
            raise MissingAnglesError(
                f"{name} holds {count} images, but {who} gives {len(angles)} tilt angles."
            )
    first, angles = known[0]
    for who, others in known[1:]:
        apart = np.abs(angles - others)
        if apart.max() > ANGLE_TOLERANCE_DEG:
            worst = int(apart.argmax())
            raise DisagreementError(
                f"{name}: the tilt angle of image {worst} is {angles[worst]:g}° by {first} and {others[worst]:g}° by {who}."
            )
    return angles


def _check_agreement(known: list[tuple[str, float]], what: str, name: str) -> None:
    first, value = known[0]
    for who, other in known[1:]:
        if abs(other - value) > TOLERANCE * min(value, other):
            raise DisagreementError(
                f"{name}: the {what} is {value:.6g} nm by {first} and {other:.6g} nm by {who}; they are more than 1 % apart."
            )
