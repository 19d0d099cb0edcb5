"""A 3D array with its place in the world: data, voxel size, origin, and the steps that made it.

Every step of the package takes a plain array or a :class:`Volume`; this module holds that one convention and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import InputError, MissingScaleError
from napari_snpore.history import HistoryStep, StepSchema

Triple = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Volume:
    """A 3D array ``(z, y, x)`` in nm.

    Parameters
    ----------
    data : array, shape (z, y, x)
        Any dtype; a numpy array, a memory map, or a lazy (dask) array. Never changed.
    spacing : (float, float, float) or float
        Voxel size ``(dz, dy, dx)`` in nm.
    origin : (float, float, float)
        World position in nm of the **centre** of voxel ``(0, 0, 0)``.
    history : sequence of HistoryStep
        What was done, oldest first.

    Raises
    ------
    InputError
        If the array is not three-dimensional or empty, or a voxel size is not a positive number.
    """

    data: Any
    spacing: Triple
    origin: Triple = (0.0, 0.0, 0.0)
    history: tuple[HistoryStep, ...] = ()

    def __post_init__(self) -> None:
        if getattr(self.data, "ndim", None) != 3:
            raise InputError(f"A volume needs three axes (z, y, x); this array has shape {np.shape(self.data)}.")
        if 0 in self.data.shape:
            raise InputError(f"The volume is empty: its shape is {self.data.shape}.")
        object.__setattr__(self, "spacing", checked_spacing(self.spacing))
        origin = tuple(float(value) for value in self.origin)
        if len(origin) != 3 or not all(map(math.isfinite, origin)):
            raise InputError(f"origin is {self.origin}; three finite numbers (z, y, x) in nm are needed.")
        object.__setattr__(self, "origin", origin)
        object.__setattr__(self, "history", tuple(self.history))

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

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.data, dtype=dtype)

    def after(self, made_by: StepSchema, data: Any) -> Volume:
        """Return the volume with new data of the same place and one more step in its history."""
        return replace(self, data=data, history=(*self.history, made_by.step))


def checked_spacing(spacing: float | Sequence[float]) -> Triple:
    """Return ``spacing`` as three positive floats (nm); one number stands for a cube."""
    values = (spacing,) * 3 if np.ndim(spacing) == 0 else tuple(spacing)  # type: ignore[arg-type]
    try:
        dz, dy, dx = (float(value) for value in values)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InputError(f"spacing is {spacing}; one voxel size in nm or three (z, y, x) are needed.") from None
    if not all(math.isfinite(value) and value > 0 for value in (dz, dy, dx)):
        raise InputError(f"spacing is {spacing}; voxel sizes must be positive numbers in nm.")
    return dz, dy, dx


def array_of(volume: Volume | NDArray[Any]) -> Any:
    """Return the array of a volume, or the array itself (lazy arrays stay lazy)."""
    data = volume.data if isinstance(volume, Volume) else volume
    return data if hasattr(data, "ndim") else np.asarray(data)


def spacing_of(volume: Volume | NDArray[Any], spacing: float | Sequence[float] | None = None) -> Triple:
    """Return the voxel size in nm: the given one, else that of the volume; a plain array without one is refused."""
    if spacing is not None:
        return checked_spacing(spacing)
    if isinstance(volume, Volume):
        return volume.spacing
    raise MissingScaleError("The voxel size is missing: give spacing=(dz, dy, dx) in nm.")
