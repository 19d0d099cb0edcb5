"""Phase labels of a volume by thresholds, and names and colors of the phases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.blocks import Block, BlockShape, check_out, grid_of
from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.engines import run_on_blocks
from napari_snpore.errors import InputError
from napari_snpore.history import EnvelopeStep, SegmentStep, last_step
from napari_snpore.kernels import for_kernel
from napari_snpore.segmentation._kernels import classify, count_nan
from napari_snpore.segmentation.histogram import values_in
from napari_snpore.volume import Volume, VolumeOrArray, array_of, spacing_of, volume_like

EXTERIOR, PORE, CARBON, TIN = 0, 1, 2, 3

MOST_PHASES = 20
"""Labels with more numbers than these are objects, not phases."""


PHASE_COLORS = (
    "#ffffff",
    "#2f6db5",
    "#f4c20d",
    "#c0504d",
    "#7f7f7f",
    "#5b9f4b",
    "#8064a2",
    "#d98bb0",
)
"""Default colors of the phases 1, 2, 3, ...: pore white, C blue, Sn yellow; further phases repeat
the list.
"""


@dataclass(frozen=True)
class PhaseScheme:
    """Names and colours of the phases 1..N in order of grey value; label 0 is the exterior."""

    names: tuple[str, ...] = ("pore", "C", "Sn")
    colors: tuple[str, ...] = PHASE_COLORS[:3]

    def __post_init__(self) -> None:
        if len(self.names) != len(self.colors) or len(set(self.names)) != len(self.names):
            raise InputError(
                f"Phases need a colour each and names of their own: {self.names}, {self.colors}."
            )


PORE_C_SN = PhaseScheme()


def numbered_scheme(count: int) -> PhaseScheme:
    """Return a scheme with the names "phase 1", "phase 2", ... and the default colors."""
    colors = tuple(PHASE_COLORS[k % len(PHASE_COLORS)] for k in range(count))
    return PhaseScheme(tuple(f"phase {k}" for k in range(1, count + 1)), colors)


def default_scheme(count: int) -> PhaseScheme:
    """Return the names and colors of ``count`` phases that were not named by the user.

    Two phases are pore and solid, three are pore, C and Sn, others are numbered.
    """
    if count == len(PORE_C_SN.names):
        return PORE_C_SN
    numbered = numbered_scheme(count)
    return PhaseScheme(("pore", "solid"), numbered.colors) if count == 2 else numbered


def segment(
    volume: VolumeOrArray,
    thresholds: Sequence[float],
    *,
    envelope: Volume | NDArray[np.bool_] | None = None,
    out: Any = None,
    block_shape: BlockShape | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> VolumeOrArray:
    """Turn grey values into phases: 1 below the first threshold, one more from each threshold on, 0
    outside the envelope.

    With two thresholds: pore ``v < t1``, C ``t1 <= v < t2``, Sn ``v >= t2``.

    Parameters
    ----------
    volume : Volume or array
        Grey values of any real dtype; compared without conversion. Mapped and lazy data is read
        block by block.
    thresholds : sequence of float
        Increasing, grey units.
    envelope : Volume or array, bool, optional
        The body; everything else becomes 0 (exterior). May be lazy too.
    out : array of integers, same shape, optional
        Written by ``out[block] = labels``, for example a zarr array; its contents are undefined
        after an error. Default: a new numpy array.
    block_shape : (int, ...), optional
        See :func:`~napari_snpore.blocks.grid_of`; the labels do not depend on it.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    Volume or array, uint8
        Labels in the shape of the volume; a Volume for a Volume, whose history names the
        thresholds. ``out`` where it was given.

    Raises
    ------
    InputError
        Thresholds that do not increase, an envelope of another shape, NaN.

    Examples
    --------
    >>> segment(np.array([[[0.0, 1.0, 12.0]]]), (0.5, 6.0))
    array([[[1, 2, 3]]], dtype=uint8)
    """
    data = array_of(volume)
    limits = np.asarray(thresholds, np.float64).reshape(-1)
    if limits.size == 0 or not np.isfinite(limits).all() or (np.diff(limits) <= 0).any():
        raise InputError(
            f"thresholds are {list(thresholds)}; finite, increasing grey values are needed."
        )
    if limits.size > 200:
        raise InputError(f"{limits.size} thresholds are given; at most 200 are possible.")
    if isinstance(volume, Volume):
        spacing_of(volume, None, envelope)
    body = None if envelope is None else array_of(envelope)
    if body is not None and tuple(body.shape) != tuple(data.shape):
        raise InputError(
            f"envelope has shape {tuple(body.shape)}; the volume has {tuple(data.shape)}."
        )
    labels: Any = np.empty(data.shape, np.uint8) if out is None else out
    check_out(labels, data.shape, "iu", limits.size + 1)

    def work(block: Block) -> int:
        values = values_in(data, block)
        made, broken = _classified(values, limits)
        if body is not None:
            np.multiply(made, np.asarray(body[block]), out=made)
        labels[block] = made
        return broken

    blocks = grid_of(data, block_shape).blocks
    arrays = [data, labels] if body is None else [data, labels, body]
    broken = sum(
        run_on_blocks(work, blocks, arrays=arrays, progress=progress, should_stop=should_stop)
    )
    if broken:
        raise InputError(
            f"The volume holds {broken} NaN values; repair it before thresholds are applied."
        )
    return volume_like(
        volume, labels, SegmentStep(tuple(limits.tolist()), envelope=_made_by(envelope))
    )


def _classified(given: NDArray[Any], limits: NDArray[np.float64]) -> tuple[NDArray[np.uint8], int]:
    """Return the phases of one block, and how many of its values are not a number."""
    values = np.ascontiguousarray(given).reshape(-1)
    if values.dtype == np.bool_:
        values = values.view(np.uint8)
    reached = _in_dtype(limits, values.dtype)
    values = for_kernel(values.astype(reached.dtype, copy=False))
    made = np.empty(values.shape, np.uint8)
    for k in range(0, len(reached), 2):
        both = k + 1 < len(reached)
        classify(values, reached[k], reached[k + both], k == 0, both, made)
    broken = int(count_nan(values)) if values.dtype.kind == "f" else 0
    return made.reshape(given.shape), broken


def _made_by(envelope: Volume | NDArray[np.bool_] | None) -> EnvelopeStep | None:
    """Return what an envelope was made with, as far as its history knows; None without one."""
    if envelope is None:
        return None
    made = last_step(envelope.history, EnvelopeStep) if isinstance(envelope, Volume) else None
    return made or EnvelopeStep()


def _in_dtype(limits: NDArray[np.float64], kind: np.dtype[Any]) -> NDArray[Any]:
    """Return for each limit the smallest value of a dtype that reaches it: comparing with it is
    exact, and quicker.

    Limits that no integer of the dtype reaches, or every one does, and integers of more than 16
    bits, are compared in double precision, and 8-bit ones with a sign in 16 bits: each dtype more
    is a kernel more to compile.
    """
    if kind.kind == "f":
        with np.errstate(over="ignore"):  # beyond the dtype is infinity, and only that reaches it
            nearest = limits.astype(kind)
        return np.where(
            nearest < limits, np.nextafter(nearest, np.array(np.inf, kind)), nearest
        ).astype(kind)
    whole, bounds = np.ceil(limits), np.iinfo(kind)
    if kind.itemsize <= 2 and whole.min() >= bounds.min and whole.max() <= bounds.max:
        return whole.astype(np.int16 if kind == np.int8 else kind)
    return limits
