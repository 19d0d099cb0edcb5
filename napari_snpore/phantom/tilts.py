"""Tilt series of a phantom: projections, a misaligned stage, and the noise of counted electrons.

The microscope is played backwards: what :class:`~napari_snpore.tomography.alignment.Alignment` corrects is what is done to the
images here, in the opposite order and in one interpolation.
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


@dataclass(frozen=True, eq=False)
class Misalignment:
    """What is wrong with a raw series, as the corrections that make it right: the numbers an alignment has to find.

    Parameters
    ----------
    shifts_px : array-like, shape (tilt, 2)
        ``(dy, dx)`` that ``scipy.ndimage.shift`` has to apply to each raw image.
    tilt_axis_angle_deg : float
        Direction φ of the tilt axis in the raw image, ``(dy, dx) = (cos φ, sin φ)``, degrees, brought into (−90, 90].
    tilt_axis_offset_px : float
        Place of the axis across it, px from the centre, after the shifts and the rotation by −φ.
    """

    shifts_px: NDArray[np.float64]
    tilt_axis_angle_deg: float = 0.0
    tilt_axis_offset_px: float = 0.0

    def __post_init__(self) -> None:
        shifts = np.array(self.shifts_px, dtype=np.float64)
        if shifts.ndim != 2 or shifts.shape[1] != 2 or not np.isfinite(shifts).all():
            raise InputError(f"shifts_px has shape {shifts.shape}; one finite (dy, dx) in px a tilt is needed.")
        if not math.isfinite(self.tilt_axis_offset_px):
            raise InputError(f"tilt_axis_offset_px is {self.tilt_axis_offset_px}; a finite number of px is needed.")
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
        """Return normally distributed shifts of standard deviation ``sd_px`` in y and x, with a given axis.

        The shifts hold what an alignment cannot tell (a constant, and cosθ and sinθ terms across the axis): comparisons
        remove it first.
        """
        if n_tilts < 1 or not (math.isfinite(sd_px) and sd_px >= 0):
            raise InputError(f"n_tilts is {n_tilts} and sd_px {sd_px}; at least one tilt and 0 px or more are needed.")
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
    """Take a tilt series of a phantom.

    Its blurred grey values are projected; then comes the misalignment, then the noise. The fibre goes on beyond the field of
    view: what a shift or a rotated axis brings into the image from beyond a cut face is the fibre mirrored at that face.
    Across the fibre there is vacuum.

    Parameters
    ----------
    phantom : Phantom
        The fibre.
    angles_deg : array-like, shape (tilt,)
        Tilt angles in degrees.
    dose : float or None
        Mean number of detected electrons per pixel over the fibre at tilt 0, where "fibre" is the shadow of the envelope. Each
        pixel is a Poisson count, there is no other noise and no dark level. None: no noise.
    misalignment : Misalignment, optional
        Default: perfectly aligned, not interpolated.
    seed : int
        Of the noise.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    TiltSeries
        float32 images in the units of the projection (grey value times voxels), whatever the dose, so that a perfect
        reconstruction has the phantom's own grey values. The counts are the images times ``counts_per_unit`` of the last
        step of its history. For an axis nearer to the horizontal the sides of the raw image are exchanged: alignment
        exchanges them back.

    Raises
    ------
    InputError
        A dose that is not positive, or a misalignment of another number of tilts.
    """
    if dose is not None and not (math.isfinite(dose) and dose > 0):
        raise InputError(f"dose is {dose}; a positive number of electrons per pixel, or None for no noise, is needed.")
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
    return TiltSeries(images, np.asarray(angles_deg), phantom.spacing[2], tilt_axis_angle_deg=angle, history=history)


def misaligned(
    images: NDArray[np.float32], misalignment: Misalignment, *, should_stop: ShouldStop | None = None
) -> NDArray[np.float32]:
    """Return raw images that the corrections of a misalignment turn into the given ones.

    A pixel p of the raw image shows the aligned image at ``Mᵀ (p + shift)`` less the offset across the axis, both from the
    centre, with the columns of M along and across the axis.
    """
    tilts, ny, nx = images.shape
    raw_shape = aligned_shape((ny, nx), misalignment.tilt_axis_angle_deg)
    turn = axis_rotation(misalignment.tilt_axis_angle_deg).T
    center, raw_center = (np.array([(n - 1) / 2 for n in shape]) for shape in ((ny, nx), raw_shape))
    corners = np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)]) * raw_center
    offset = np.array([0.0, misalignment.tilt_axis_offset_px])
    out = np.empty((tilts, *raw_shape), np.float32)

    def take(tilt: int) -> None:
        shift = misalignment.shifts_px[tilt]
        reach = np.abs((corners + shift) @ turn.T).max(axis=0)[0]
        more = max(0, math.ceil(reach - center[0])) + 8  # the spline's own mirror at its ends must not reach the field
        goes_on = np.pad(images[tilt], ((more, more), (0, 0)), mode="symmetric")
        start = center + np.array([more, 0]) - offset + turn @ (shift - raw_center)
        ndimage.affine_transform(goes_on, turn, offset=start, output=out[tilt], mode="constant")
        np.maximum(out[tilt], 0, out=out[tilt])  # a spline may dip below the vacuum

    run_blocks(take, range(tilts), should_stop=should_stop)
    return out
