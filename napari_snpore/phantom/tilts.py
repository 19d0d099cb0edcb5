"""Simulated tilt series of a phantom: projections, misalignment and Poisson noise.

The misalignment is the inverse of what :class:`~napari_snpore.tomography.alignment.Alignment` does:
the same steps in the opposite order, in one interpolation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from napari_snpore.compute import Progress, ShouldStop, run_blocks
from napari_snpore.errors import InputError
from napari_snpore.history import SimulateTiltSeriesStep
from napari_snpore.phantom.fibre import Phantom
from napari_snpore.tomography.projector import project
from napari_snpore.tomography.tilt_series import TiltSeries, axis_angle
from napari_snpore.tomography.warp import aligned_shape, axis_rotation

_SPLINE_MARGIN = 8
"""Rows added beyond those needed: the boundary condition of a cubic spline decays by 0.27 per row,
to
3e-5."""


@dataclass(frozen=True, eq=False)
class Misalignment:
    """Shifts and tilt axis of a raw series, given as the corrections that an alignment has to find.

    Parameters
    ----------
    shifts_px : array-like, shape (tilt, 2)
        ``(dy, dx)`` that ``scipy.ndimage.shift`` has to apply to each raw image.
    tilt_axis_angle_deg : float
        Direction φ of the tilt axis in the raw image, ``(dy, dx) = (cos φ, sin φ)``, degrees,
        brought into (−180, 180].
    tilt_axis_offset_px : float
        Position of the axis across its direction, px from the centre, after the shifts and the
        rotation by −φ.

    Raises
    ------
    InputError
        Shifts of another shape, or a number that is not finite.
    """

    shifts_px: NDArray[np.float64]
    tilt_axis_angle_deg: float = 0.0
    tilt_axis_offset_px: float = 0.0

    def __post_init__(self) -> None:
        shifts = np.array(self.shifts_px, dtype=np.float64)
        if shifts.ndim != 2 or shifts.shape[1] != 2 or not np.isfinite(shifts).all():
            raise InputError(
                f"shifts_px has shape {shifts.shape}; one finite (dy, dx) in px per tilt is needed."
            )
        if not math.isfinite(self.tilt_axis_offset_px):
            raise InputError(
                f"tilt_axis_offset_px is {self.tilt_axis_offset_px}; a finite number of px is needed."
            )
        shifts.setflags(write=False)
        object.__setattr__(self, "shifts_px", shifts)
        object.__setattr__(self, "tilt_axis_angle_deg", axis_angle(self.tilt_axis_angle_deg))
        object.__setattr__(self, "tilt_axis_offset_px", float(self.tilt_axis_offset_px))

    @classmethod
    def random(
        cls,
        n_tilts: int,
        *,
        sd_px: float,
        seed: int,
        tilt_axis_angle_deg: float = 0.0,
        tilt_axis_offset_px: float = 0.0,
    ) -> Misalignment:
        """Return normally distributed shifts of standard deviation ``sd_px`` in y and x, with a
        given axis.

        The shifts contain terms that no alignment can determine (a constant, and cosθ and sinθ
        across the axis); comparisons remove these first.

        Parameters
        ----------
        n_tilts : int
            Number of images.
        sd_px : float
            Standard deviation in px.
        seed : int
            The same seed gives the same shifts.
        tilt_axis_angle_deg, tilt_axis_offset_px : float
            As in :class:`Misalignment`.

        Raises
        ------
        InputError
            No tilt, or a standard deviation that is negative or not finite.
        """
        if n_tilts < 1 or not (math.isfinite(sd_px) and sd_px >= 0):
            raise InputError(
                f"n_tilts is {n_tilts} and sd_px {sd_px}; at least one tilt and 0 px or more are needed."
            )
        shifts = np.random.default_rng(seed).normal(scale=sd_px, size=(n_tilts, 2))
        return cls(shifts, tilt_axis_angle_deg, tilt_axis_offset_px)


def simulate_tilt_series(
    phantom: Phantom,
    *,
    angles_deg: ArrayLike,
    dose: float | None,
    misalignment: Misalignment | None = None,
    seed: int,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> TiltSeries:
    """Return a simulated tilt series of a phantom.

    The blurred grey values are projected, misaligned, and then replaced by Poisson counts. The
    fibre extends beyond the field of view: where a shift or a rotated axis shows the region beyond
    a cut face, the image is that of the fibre mirrored at the face. Across the fibre there is
    vacuum.

    Parameters
    ----------
    phantom : Phantom
        Fibre along y.
    angles_deg : array-like, shape (tilt,)
        Tilt angles in degrees.
    dose : float or None
        Mean number of detected electrons per pixel at tilt 0, over the projected envelope. Each
        pixel is a Poisson count; there is no other noise and no dark level. None: no noise.
    misalignment : Misalignment, optional
        Default: aligned, without interpolation.
    seed : int
        Seed of the noise.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    TiltSeries
        float32 images (tilt, y, x) in the units of the projection (grey value times voxels),
        whatever the dose, so that an exact reconstruction has the phantom's own grey values. The
        counts are the images times ``counts_per_unit`` of the last step of its history. For an axis
        nearer to x than to y the raw images have height and width exchanged; alignment exchanges
        them back.

    Raises
    ------
    InputError
        A dose that is not positive, or a misalignment of another number of tilts.
    Stopped
        ``should_stop`` returned true.
    """
    if dose is not None and not (math.isfinite(dose) and dose > 0):
        raise InputError(
            f"dose is {dose}; a positive number of electrons per pixel, or None for no noise, is needed."
        )
    images = project(phantom.volume, angles_deg, progress=progress, should_stop=should_stop)
    angle = 0.0
    if misalignment is not None:
        if len(misalignment.shifts_px) != len(images):
            raise InputError(
                f"misalignment holds shifts for {len(misalignment.shifts_px)} tilts, angles_deg {len(images)} angles;"
                " as many are needed."
            )
        angle = misalignment.tilt_axis_angle_deg
        images = misaligned(images, misalignment, should_stop=should_stop)
    gain = None
    if dose is not None:
        shadow = phantom.envelope.any(axis=0)
        gain = dose / float(phantom.volume.data.sum(axis=0, dtype=np.float64)[shadow].mean())
        rng = np.random.default_rng(seed)
        for image in images:
            image[...] = rng.poisson(image.astype(np.float64) * gain) / gain
    history = (
        *phantom.volume.history,
        SimulateTiltSeriesStep(
            dose=dose,
            seed=seed,
            counts_per_unit=gain,
            tilt_axis_angle_deg=angle,
            tilt_axis_offset_px=0.0 if misalignment is None else misalignment.tilt_axis_offset_px,
            shifts_px=None if misalignment is None else misalignment.shifts_px.tolist(),
        ).step,
    )
    return TiltSeries(
        images,
        np.asarray(angles_deg),
        phantom.spacing[2],
        tilt_axis_angle_deg=angle,
        history=history,
    )


def misaligned(
    images: NDArray[np.float32],
    misalignment: Misalignment,
    *,
    should_stop: ShouldStop | None = None,
) -> NDArray[np.float32]:
    """Return the raw images that the corrections of a misalignment transform into the given ones.

    The warp is the inverse of the alignment: pixel p of the raw image has the value of the aligned
    image at ``Mᵀ (p + shift)`` less the offset across the axis, both from the centre, where the
    columns of M point along and across the axis. Cubic splines, one interpolation.

    Parameters
    ----------
    images : array, float32, shape (tilt, y, x)
        Aligned images.
    misalignment : Misalignment
        One shift per image.
    should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    float32 array, shape (tilt, y, x)
        Height and width are exchanged for an axis nearer to x than to y.
    """
    tilts, ny, nx = images.shape
    raw_shape = aligned_shape((ny, nx), misalignment.tilt_axis_angle_deg)
    turn = axis_rotation(misalignment.tilt_axis_angle_deg).T
    center, raw_center = (np.array([(n - 1) / 2 for n in shape]) for shape in ((ny, nx), raw_shape))
    corners = np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)]) * raw_center
    offset = np.array([0.0, misalignment.tilt_axis_offset_px])
    out = np.empty((tilts, *raw_shape), np.float32)

    def warp(tilt: int) -> None:
        shift = misalignment.shifts_px[tilt]
        reach = np.abs((corners + shift) @ turn.T).max(axis=0)[0]
        rows = max(0, math.ceil(reach - center[0])) + _SPLINE_MARGIN
        mirrored = np.pad(images[tilt], ((rows, rows), (0, 0)), mode="symmetric")
        start = center + np.array([rows, 0]) - offset + turn @ (shift - raw_center)
        ndimage.affine_transform(mirrored, turn, offset=start, output=out[tilt], mode="constant")
        np.maximum(out[tilt], 0, out=out[tilt])  # splines overshoot: below 0 next to an edge

    run_blocks(warp, range(tilts), should_stop=should_stop)
    return out
