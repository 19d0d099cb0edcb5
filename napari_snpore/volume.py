"""A 3D array with voxel size, origin and history, and what every step does with it.

Every step of the package takes a plain array with ``spacing=`` or a :class:`Volume`, and returns
the kind that it was given:
:func:`array_and_spacing` unpacks the input, :func:`volume_like` packs the result.
"""

from __future__ import annotations

import html
import json
import math
import mmap
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_snpore.errors import DisagreementError, InputError, MissingExtraError, MissingScaleError
from napari_snpore.history import HistoryStep, StepSchema, stored_history

if TYPE_CHECKING:
    import xarray

Triple = tuple[float, float, float]

SPACING_TOLERANCE = 0.01
"""Two voxel sizes of the same volume may differ by this share: files round them to three or four
digits.
"""


_VOXEL_SIZES_NM = 1e-9, 1e12
"""Least and greatest voxel size: squares and volumes of what lies beyond leave the numbers that maps
of distances hold, and nothing that is imaged lies beyond.
"""


@dataclass(frozen=True, eq=False, repr=False)
class Volume:
    """A 3D array ``(z, y, x)`` with its voxel size and position in nm.

    Parameters
    ----------
    data : array, shape (z, y, x)
        Any dtype; a numpy array, a memory map, or a lazy (dask) array. Never changed.
    spacing : (float, float, float) or float
        Voxel size ``(dz, dy, dx)`` in nm.
    origin : (float, float, float)
        World position in nm of the **center** of voxel ``(0, 0, 0)``.
    history : sequence of HistoryStep
        What was done, oldest first.

    Raises
    ------
    InputError
        If the array is not three-dimensional or empty, or a voxel size is not a positive number.

    Notes
    -----
    Comparisons (``phases == 3``, ``gray >= 0.5``) and ``& | ^ ~`` work voxel by voxel, as in numpy, and return a Volume with the
    same place and history. Everything else is done with numpy on ``volume.data``, or on ``np.asarray(volume)``.

    Examples
    --------
    >>> phases = Volume(np.array([[[0, 1, 2, 3, 3]]], np.uint8), spacing=0.5, origin=(10, 0, 0))
    >>> phases
    <Volume (1, 1, 5) uint8, voxel 0.5 nm, origin (10, 0, 0) nm>
    >>> tin = phases == 3
    >>> tin.origin, int(np.count_nonzero(tin))
    ((10.0, 0.0, 0.0), 2)
    """

    data: Any
    spacing: Triple
    origin: Triple = (0.0, 0.0, 0.0)
    history: tuple[HistoryStep, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.data, Volume):
            object.__setattr__(self, "data", self.data.data)
        if getattr(self.data, "ndim", None) != 3:
            raise InputError(
                f"A volume needs three axes (z, y, x); this array has shape {np.shape(self.data)}."
            )
        if 0 in self.data.shape:
            raise InputError(f"The volume is empty: its shape is {self.data.shape}.")
        object.__setattr__(self, "spacing", checked_spacing(self.spacing))
        origin = tuple(float(value) for value in self.origin)
        if len(origin) != 3 or not all(map(math.isfinite, origin)):
            raise InputError(
                f"origin is {self.origin}; three finite numbers (z, y, x) in nm are needed."
            )
        object.__setattr__(self, "origin", origin)
        object.__setattr__(self, "history", tuple(self.history))

    @property
    def ndim(self) -> int:
        """Number of axes: 3."""
        return 3

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (z, y, x)."""
        z, y, x = self.data.shape
        return int(z), int(y), int(x)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the voxels."""
        kind: np.dtype[Any] = np.dtype(self.data.dtype)
        return kind

    @property
    def size_nm(self) -> Triple:
        """Edge lengths of the box (z, y, x) in nm."""
        z, y, x = (n * d for n, d in zip(self.shape, self.spacing, strict=True))
        return z, y, x

    @property
    def voxel_volume_nm3(self) -> float:
        """Volume of one voxel in nm³."""
        return math.prod(self.spacing)

    def after(self, made_by: StepSchema, data: Any) -> Volume:
        """Return the volume with new data of the same place and one more step in its history."""
        return replace(self, data=data, history=(*self.history, made_by.step))

    def to_xarray(self) -> xarray.DataArray:
        """Return the volume as an xarray DataArray with coordinates in nm (the extra ``xarray``).

        Returns
        -------
        xarray.DataArray, dims (z, y, x)
            Shares the data. Coordinates are the world positions of the voxel centers, with
            ``units`` "nm"; the attributes hold ``spacing_nm``, ``origin_nm`` and ``history``
            (JSON), so that the array can be written as netCDF.

        Raises
        ------
        MissingExtraError
            If xarray is not installed.
        """
        try:
            import xarray
        except ImportError:
            raise MissingExtraError(
                "to_xarray needs xarray, which is not installed; pip install 'napari-snpore[xarray]' brings it."
            ) from None
        positions = {
            name: (name, start + step * np.arange(count), {"units": "nm"})
            for name, start, step, count in zip(
                "zyx", self.origin, self.spacing, self.shape, strict=True
            )
        }
        history = json.dumps(stored_history(self.history))
        about = {"spacing_nm": self.spacing, "origin_nm": self.origin, "history": history}
        return xarray.DataArray(self.data, coords=positions, dims=("z", "y", "x"), attrs=about)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        array = np.asarray(self.data)
        kind = array.dtype if dtype is None else np.dtype(dtype)
        if copy is False and (kind != array.dtype or not isinstance(self.data, np.ndarray)):
            raise InputError(
                f"The {self.dtype} volume cannot become {kind} in memory without a copy, and copy=False."
            )
        return np.array(array, kind) if copy else array.astype(kind, copy=False)

    def __repr__(self) -> str:
        facts = dict(self._facts())
        text = f"<Volume {facts.pop('shape')} {facts.pop('dtype')}"
        return ", ".join([text, *(f"{name} {value}" for name, value in facts.items())]) + ">"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{html.escape(n)}</th><td>{html.escape(v)}</td></tr>" for n, v in self._facts()
        )
        return f"<table><caption>Volume</caption>{rows}</table>"

    def _facts(self) -> list[tuple[str, str]]:
        """Return what a short description names, as (name, value)."""
        cubic = len(set(self.spacing)) == 1
        voxel = (
            f"{self.spacing[0]:.4g} nm"
            if cubic
            else " × ".join(f"{d:.4g}" for d in self.spacing) + " nm"
        )
        facts = [("shape", str(self.shape)), ("dtype", str(self.dtype)), ("voxel", voxel)]
        facts.append(("origin", "(" + ", ".join(f"{value:.4g}" for value in self.origin) + ") nm"))
        if self.history:
            facts.append(("last step", self.history[-1].name))
        return facts

    # Identity decides in sets and as a key: == compares voxels.
    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise InputError(
            "A volume is neither true nor false; ask np.any(volume) or np.all(volume)."
        )

    def __eq__(self, other: object) -> Volume:  # type: ignore[override]
        return self._voxelwise(operator.eq, other)

    def __ne__(self, other: object) -> Volume:  # type: ignore[override]
        return self._voxelwise(operator.ne, other)

    def __lt__(self, other: Any) -> Volume:
        return self._voxelwise(operator.lt, other)

    def __le__(self, other: Any) -> Volume:
        return self._voxelwise(operator.le, other)

    def __gt__(self, other: Any) -> Volume:
        return self._voxelwise(operator.gt, other)

    def __ge__(self, other: Any) -> Volume:
        return self._voxelwise(operator.ge, other)

    def __and__(self, other: Any) -> Volume:
        return self._voxelwise(operator.and_, other)

    def __or__(self, other: Any) -> Volume:
        return self._voxelwise(operator.or_, other)

    def __xor__(self, other: Any) -> Volume:
        return self._voxelwise(operator.xor, other)

    def __invert__(self) -> Volume:
        return replace(self, data=~self.data)

    def _voxelwise(self, operation: Callable[[Any, Any], Any], other: Any) -> Volume:
        """Return the result of an operation with a number, an array or a Volume of the same voxels,
        in this place.
        """
        if isinstance(other, Volume):
            check_same_spacing(self.spacing, other.spacing)
            other = other.data
        return replace(self, data=operation(self.data, other))


VolumeOrArray = TypeVar("VolumeOrArray", Volume, NDArray[Any])
"""For steps that return a Volume for a Volume and an array for an array."""


def checked_spacing(spacing: float | Sequence[float]) -> Triple:
    """Return ``spacing`` as three positive floats (nm); one number stands for a cube."""
    values = (spacing,) * 3 if np.ndim(spacing) == 0 else tuple(spacing)  # type: ignore[arg-type]
    try:
        dz, dy, dx = (float(value) for value in values)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InputError(
            f"spacing is {spacing}; one voxel size in nm or three (z, y, x) are needed."
        ) from None
    if not all(math.isfinite(value) and value > 0 for value in (dz, dy, dx)):
        raise InputError(f"spacing is {spacing}; voxel sizes must be positive numbers in nm.")
    least, most = _VOXEL_SIZES_NM
    if min(dz, dy, dx) < least or max(dz, dy, dx) > most:
        raise InputError(
            f"spacing is {spacing}; voxel sizes from {least:g} to {most:g} nm are possible."
        )
    return dz, dy, dx


def check_same_spacing(
    one: Triple, two: Triple, *, second: str = "another volume of the same voxels"
) -> None:
    """Refuse two voxel sizes (nm) that differ by more than 1 % along an axis.

    Raises
    ------
    DisagreementError
    """
    if any(abs(a - b) > SPACING_TOLERANCE * min(a, b) for a, b in zip(one, two, strict=True)):
        sizes = [" × ".join(f"{value:.4g}" for value in size) for size in (one, two)]
        raise DisagreementError(
            f"The volume has voxels of {sizes[0]} nm, {second} says {sizes[1]} nm: they may differ by 1 % at most."
        )


def array_of(volume: Volume | NDArray[Any]) -> Any:
    """Return the array of a volume, or the array itself (lazy arrays stay lazy)."""
    data = volume.data if isinstance(volume, Volume) else volume
    return data if hasattr(data, "ndim") else np.asarray(data)


def writable(data: Any) -> Any:
    """Return an array that may be written to, with the values of ``data``; no file changes.

    A mapped file is mapped anew so that pages that are written to stay in memory, any other array
    that may not be written to is copied. What is no numpy array is returned as it is.
    """
    if not isinstance(data, np.ndarray) or data.flags.writeable:
        return data
    mapped: Any = data if isinstance(data, np.memmap) else data.base
    whole = isinstance(mapped, np.memmap) and isinstance(mapped.base, mmap.mmap)
    same = whole and (mapped.shape, mapped.dtype) == (data.shape, data.dtype)
    if not (same and mapped.filename and data.flags.c_contiguous and data.dtype.isnative):
        return data.astype(data.dtype.newbyteorder("="))
    return np.memmap(mapped.filename, data.dtype, "c", offset=mapped.offset, shape=data.shape)


def spacing_of(
    volume: Volume | NDArray[Any], spacing: float | Sequence[float] | None = None, *others: Any
) -> Triple:
    """Return the voxel size (dz, dy, dx) in nm: that of the volume, else the given one.

    Parameters
    ----------
    volume : Volume or array
        A Volume's own voxel size counts, so that results do not depend on how many digits were
        typed beside it.
    spacing : float or (float, float, float), optional
        In nm; needed for an array.
    *others : Volume or anything else
        Volumes of the same voxels (grey values, an envelope), which have to agree.

    Raises
    ------
    MissingScaleError
        A plain array without ``spacing``.
    DisagreementError
        Two voxel sizes that differ by more than 1 %.
    """
    given = None if spacing is None else checked_spacing(spacing)
    if isinstance(volume, Volume):
        if given is not None:
            check_same_spacing(volume.spacing, given, second="spacing")
        given = volume.spacing
    if given is None:
        raise MissingScaleError("The voxel size is missing: give spacing=(dz, dy, dx) in nm.")
    for other in others:
        if isinstance(other, Volume):
            check_same_spacing(given, other.spacing)
    return given


def array_and_spacing(
    volume: Volume | NDArray[Any], spacing: float | Sequence[float] | None = None, *others: Any
) -> tuple[Any, Triple]:
    """Return the array (lazy ones stay lazy) and the voxel size in nm of what a step was given; see
    :func:`spacing_of`.

    Examples
    --------
    >>> array_and_spacing(Volume(np.zeros((1, 1, 2)), 0.5))
    (array([[[0., 0.]]]), (0.5, 0.5, 0.5))
    """
    return array_of(volume), spacing_of(volume, spacing, *others)


def origin_of(volume: Volume | NDArray[Any]) -> Triple:
    """Return the world position (nm) of the center of voxel (0, 0, 0): that of a Volume, zero for
    an array.
    """
    return volume.origin if isinstance(volume, Volume) else (0.0, 0.0, 0.0)


def volume_like(source: VolumeOrArray, data: Any, made_by: StepSchema) -> VolumeOrArray:
    """Return the result of a step as what came in: a Volume with origin, history and this step, or
    the bare array.

    Parameters
    ----------
    source : Volume or array
        What the step was given.
    data : array, shape of ``source``
        What the step made of it.
    made_by : StepSchema
        The step with its parameters, see :mod:`napari_snpore.history`.

    Examples
    --------
    >>> from napari_snpore.history import BinStep
    >>> volume_like(Volume(np.zeros((1, 1, 2)), 0.5), np.ones((1, 1, 2)), BinStep(2)).history
    (HistoryStep(name='bin', parameters={'factor': 2}),)
    """
    if isinstance(source, Volume):
        return source.after(made_by, data)
    result: NDArray[Any] = data
    return result
