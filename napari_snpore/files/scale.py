"""Voxel size, pixel size and tilt angles from several sources; nothing is guessed.

What the caller gives wins over files, and refined tilt angles (``.tlt``) win over nominal ones;
both are said in a note for the history. Files that contradict each other otherwise are refused in a
sentence that names the way out.
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

_SAME_ORDER = 0.9
"""Least correlation of refined and nominal angles: below it they are angles of another order."""

Size = float | None
AngleSource = tuple[str, Sequence[float] | None]

COUNTS_AS_NONE = "counts as none"
"""End of a reader's note on a size that is a default."""

_CALLER_WINS = ", which counts more than the files, or move the wrong file away"


def resolve_spacing(
    given: float | Sequence[float] | None,
    sources: Sequence[tuple[str, tuple[Size, Size, Size]]],
    *,
    name: str,
    notes: Sequence[str] = (),
) -> tuple[Triple, str | None]:
    """Return the voxel size (nm) of the caller, or that on which all sources agree.

    Parameters
    ----------
    given : float or (float, float, float), optional
        Voxel size (nm) that the caller gives.
    sources : sequence of (str, (z, y, x))
        Name of each source and its sizes (nm); None for an axis that it does not give.
    name : str
        Name of the file in error sentences.
    notes : sequence of str
        What the reader says of the file, for the sentence about a missing size.

    Returns
    -------
    (float, float, float), str or None
        Voxel size (nm), and a note where the caller's is more than 1 % from that of a source.

    Raises
    ------
    DisagreementError
        Two sources are more than 1 % apart.
    MissingScaleError
        No source gives the size along some axis.
    """
    if given is not None:
        wanted = checked_spacing(given)
        for who, values in sources:
            pairs = zip(wanted, values, strict=True)
            if any(size is not None and _apart(size, own) for own, size in pairs):
                stated = " × ".join("?" if size is None else f"{size:.6g}" for size in values)
                return wanted, f"voxel size by the caller; {who} says {stated} nm (z, y, x)"
        return wanted, None
    sizes: list[float] = []
    for axis, label in enumerate("zyx"):
        of_axis = [(who, values[axis]) for who, values in sources]
        known = [(who, float(size)) for who, size in of_axis if size is not None]
        if not known:
            raise MissingScaleError(
                f"{name} holds no voxel size along {label}{_said(notes)}: "
                "give spacing=(dz, dy, dx) in nm."
            )
        _check_agreement(known, f"voxel size along {label}", name, "give spacing=(dz, dy, dx)")
        sizes.append(known[0][1])
    return checked_spacing(sizes), None


def resolve_pixel_size(
    given: float | None,
    sources: Sequence[tuple[str, Size]],
    *,
    name: str,
    notes: Sequence[str] = (),
) -> tuple[float, str | None]:
    """Return the pixel size (nm) of the caller, or that on which all sources agree, and a note;
    errors as in :func:`resolve_spacing`.
    """
    known = [(who, float(size)) for who, size in sources if size is not None]
    if given is not None:
        if not (math.isfinite(given) and given > 0):
            raise InputError(f"pixel_size_nm is {given}; a positive number in nm is needed.")
        wanted = float(given)
        for who, size in known:
            if _apart(size, wanted):
                return wanted, f"pixel size by the caller; {who} says {size:.6g} nm"
        return wanted, None
    if not known:
        raise MissingScaleError(f"{name} holds no pixel size{_said(notes)}: give pixel_size_nm.")
    _check_agreement(known, "pixel size", name, "give pixel_size_nm")
    return known[0][1], None


def resolve_angles(
    given: Any, sources: Sequence[AngleSource], *, count: int, name: str
) -> tuple[NDArray[np.float64], str | None]:
    """Return the tilt angles (degrees), one per image, and a note on what they were taken from.

    The caller's come first, then those of a ``.tlt`` file, which IMOD refined, then the nominal
    ones, which have to agree within 0.1° (side files are rounded).

    Raises
    ------
    MissingAnglesError
        No source gives angles, or their number differs from ``count``.
    DisagreementError
        Two nominal sources differ by more than 0.1° for some image, or refined angles are those of
        another order.
    InputError
        The caller's angles are no numbers.
    """
    known = [(who, np.asarray(angles, np.float64)) for who, angles in sources if angles is not None]
    if given is not None:
        wanted = _given_angles(given)
        _check_count(wanted, "the caller", count, name, "give one angle an image")
        return wanted, _difference(wanted, "the caller", known)
    if not known:
        raise MissingAnglesError(
            f"{name} holds no tilt angles, nor does a .rawtlt, .tlt or .mdoc file: "
            "give angles_deg, on the command line --angles."
        )
    way_out = f"give angles_deg (on the command line --angles){_CALLER_WINS}"
    refined = [one for one in known if one[0].lower().endswith(".tlt")]
    nominal = [one for one in known if one not in refined]
    if refined:
        who, angles = refined[0]
        _check_count(angles, who, count, name, way_out)
        _check_order(refined[0], nominal, name, way_out)
        return angles, _difference(angles, f"{who} (refined)", nominal)
    first, angles = nominal[0]
    for who, others in nominal:
        _check_count(others, who, count, name, way_out)
        apart = np.abs(angles - others)
        if apart.max() > ANGLE_TOLERANCE_DEG:
            worst = int(apart.argmax())
            raise DisagreementError(
                f"{name}: the tilt angle of image {worst} is {angles[worst]:g}° by {first} and "
                f"{others[worst]:g}° by {who}: {way_out}."
            )
    return angles, None


def _given_angles(given: Any) -> NDArray[np.float64]:
    try:
        angles = np.asarray(given, np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise InputError("angles_deg holds something that is not a number of degrees.") from None
    if not np.isfinite(angles).all():
        raise InputError("angles_deg holds an angle that is not finite.")
    return angles


def _check_count(
    angles: NDArray[np.float64], who: str, count: int, name: str, way_out: str
) -> None:
    if len(angles) != count:
        raise MissingAnglesError(
            f"{name} holds {count} images, but {who} gives {len(angles)} tilt angles: {way_out}."
        )


def _check_order(
    refined: tuple[str, NDArray[np.float64]],
    nominal: Sequence[tuple[str, NDArray[np.float64]]],
    name: str,
    way_out: str,
) -> None:
    """Refuse refined angles that do not rise and fall with the nominal ones: a refinement moves
    angles by a few degrees and by one common offset, it does not reverse or mix them.
    """
    who, angles = refined
    for other, values in nominal:
        if len(values) != len(angles) or np.ptp(values) == 0 or np.ptp(angles) == 0:
            continue
        if np.corrcoef(values, angles)[0, 1] < _SAME_ORDER:
            worst = int(np.abs(values - angles).argmax())
            raise DisagreementError(
                f"{name}: the tilt angles of {who} are in another order than those of {other}, for "
                f"image {worst} {angles[worst]:g}° and {values[worst]:g}°: {way_out}."
            )


def _difference(
    angles: NDArray[np.float64], who: str, others: Sequence[tuple[str, NDArray[np.float64]]]
) -> str | None:
    """Return a note on the sources that differ from the angles taken; None where none does."""
    found = []
    for other, values in others:
        if len(values) != len(angles):
            found.append(f"{other} gives {len(values)} angles")
        elif (apart := float(np.abs(values - angles).max())) > ANGLE_TOLERANCE_DEG:
            found.append(f"{other} differs by up to {apart:.3g}°")
    return f"tilt angles by {who}; {', '.join(found)}" if found else None


def _said(notes: Sequence[str]) -> str:
    """Return the notes on sizes that count as none, in brackets."""
    found = [note for note in notes if note.endswith(COUNTS_AS_NONE)]
    return f" ({'; '.join(found)})" if found else ""


def _apart(size: float, other: float) -> bool:
    return abs(other - size) > TOLERANCE * min(size, other)


def _check_agreement(
    known: Sequence[tuple[str, float]], what: str, name: str, way_out: str
) -> None:
    first, value = known[0]
    for who, other in known[1:]:
        if _apart(value, other):
            raise DisagreementError(
                f"{name}: the {what} is {value:.6g} nm by {first} and {other:.6g} nm by {who}, more "
                f"than 1 % apart: {way_out}{_CALLER_WINS}."
            )
