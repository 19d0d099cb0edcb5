"""Tilt series of a phantom by a simulator that shares nothing with the reconstruction.

A program that is tested on images made by its own model looks better than it is. Here the images
come from a finer grid without voxel staircases, through exact voxel footprints instead of rays,
with a probe that is not Gaussian and widens with depth (:class:`~napari_snpore.phantom.probe.Probe`),
and through what happens to measured images (:class:`Recording`): displacements that an alignment
takes back with an error and an interpolation, an unknown gain, and a dark level.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft, ndimage

from napari_snpore.compute import Progress, ShouldStop, run_blocks, share_of
from napari_snpore.errors import InputError
from napari_snpore.history import AlignStep, HistoryStep, SimulateMeasuredSeriesStep
from napari_snpore.phantom._footprint_kernels import project_footprints
from napari_snpore.phantom.fibre import Phantom
from napari_snpore.phantom.fine_grid import fine_phases
from napari_snpore.phantom.probe import Probe
from napari_snpore.tomography.tilt_series import TiltSeries

Floats = NDArray[np.float32]

_RADIUS_STEP_NM = 0.02
"""Largest change of the disc's radius within a slab: a twentieth of its default diameter."""

_TAIL_REACH_NM = 4.0
"""Vacuum added on both sides before the convolution, so that the tail does not come back from the
other side: some ten times its default radius."""

_SPLINE_MARGIN = 8
"""Pixels around the field of view that are recorded and cropped after the alignment: the boundary
condition of a cubic spline decays by 0.27 per pixel."""

_GAIN_RANGE = (0.5, 2.0)
"""Range of a gain that is not given."""

_DARK_SPREAD = 0.1
"""Standard deviation of the dark level from image to image, as a share of it."""

_SMOOTHING_SHARE = 0.25
"""Share of the progress that the fine grid takes."""


@dataclass(frozen=True)
class Recording:
    """What happens to the images between the specimen and the aligned series.

    Parameters
    ----------
    residual_px : float
        Standard deviation of the shifts along y and across it that are left after the alignment,
        px. What a shift of the whole fibre explains as well is left out, so that the fibre lies where
        the phantom has it.
    drift_px : float
        Standard deviation of the displacements of the recorded images, px, which the alignment
        takes back with cubic splines: noise is interpolated, and the blur of splines is added.
    gain : float or None
        Factor on all images; None: drawn between 0.5 and 2.
    dark_share : float
        Dark level that no one has subtracted, as a share of the mean over the fibre's shadow at tilt
        0; from image to image it varies by a tenth of itself.

    Raises
    ------
    InputError
        A negative or infinite number, or a gain that is not positive.
    """

    residual_px: float = 0.3
    drift_px: float = 2.0
    gain: float | None = None
    dark_share: float = 0.01

    def __post_init__(self) -> None:
        for name in ("residual_px", "drift_px", "dark_share"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise InputError(f"{name} is {value}; 0 or a positive number is needed.")
        if self.gain is not None and not (math.isfinite(self.gain) and self.gain > 0):
            raise InputError(f"gain is {self.gain}; a positive number or None is needed.")

    @classmethod
    def ideal(cls) -> Recording:
        """Return a recording without shifts, of gain 1 and without a dark level."""
        return cls(0.0, 0.0, 1.0, 0.0)


def simulate_measured_series(
    phantom: Phantom,
    *,
    angles_deg: ArrayLike,
    dose: float | None,
    probe: Probe | None = None,
    recording: Recording | None = None,
    refine: int = 2,
    seed: int,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> TiltSeries:
    """Return an aligned tilt series of a phantom, made outside the model of the reconstruction.

    Use it to find out what a number is worth; :func:`simulate_tilt_series` inverts the model with
    itself and is quicker. The phases, not the blurred grey values, are refined, projected by voxel
    footprints, blurred slab by slab across the beam, sampled by square pixels, displaced, replaced
    by Poisson counts, and aligned. Beyond its cut faces the fibre is mirrored; across it there is
    vacuum.

    Parameters
    ----------
    phantom : Phantom
        Fibre along y; its phases and grey levels count.
    angles_deg : array-like, shape (tilt,)
        Tilt angles in degrees.
    dose : float or None
        Mean number of detected electrons per pixel at tilt 0, over the projected envelope; None: no
        noise.
    probe : Probe, optional
        Default ``Probe()``: a disc with a tail that widens with depth.
    recording : Recording, optional
        Default ``Recording()``: 0.3 px of residual shifts, interpolated, unknown gain, dark level.
    refine : int
        Fine voxels per voxel along each axis, 1 to 4. Memory: 2 bytes per fine voxel and 60 MB per
        thread at 176 voxels a side.
    seed : int
        Seed of displacements, gain, dark level and noise. The images are the same bit for bit on any
        number of threads.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    TiltSeries
        float32 images (tilt, y, x): ``gain`` times the projections (grey value times voxels) plus
        dark level. The history names all of it in its step ``simulate measured series``, and the
        alignment that interpolated the images in a step ``align``.

    Raises
    ------
    InputError
        A dose that is not positive, no tilt, or a refinement outside 1 to 4.
    Stopped
        ``should_stop`` returned true.
    """
    probe, recording = probe or Probe(), recording or Recording()
    angles = np.asarray(angles_deg, np.float64).reshape(-1)
    _check(angles, dose, refine)
    rng = np.random.default_rng(seed)
    residual, drift = _shifts(angles, recording, rng)
    gain = recording.gain
    if gain is None:
        gain = float(np.exp(rng.uniform(*np.log(_GAIN_RANGE))))
    darkness = recording.dark_share * (1 + _DARK_SPREAD * rng.standard_normal(len(angles)))
    fine = fine_phases(
        phantom.phases, refine, progress=share_of(progress, 0, _SMOOTHING_SHARE),
        should_stop=should_stop,
    )  # fmt: skip
    optics = _Optics(fine, phantom, probe, refine, np.abs(drift + residual).max())
    del fine
    shadow = phantom.envelope.any(axis=0)
    signal = float(optics.image(0.0, np.zeros(2))[optics.inner][shadow].mean())
    counts_per_unit = None if dose is None else dose / signal
    ny, nx = shadow.shape
    images = np.empty((len(angles), ny, nx), np.float32)

    def record(tilt: int) -> None:
        image = optics.image(angles[tilt], drift[tilt])
        if counts_per_unit is not None:
            noise = np.random.default_rng([seed, tilt])
            image = noise.poisson(image * counts_per_unit) / counts_per_unit
        image += darkness[tilt] * signal
        back = drift[tilt] + residual[tilt]
        if back.any():
            image = ndimage.shift(image, back, order=3, mode="nearest")
        images[tilt] = gain * image[optics.inner]

    run_blocks(
        record, range(len(angles)), progress=share_of(progress, _SMOOTHING_SHARE, 1),
        should_stop=should_stop,
    )  # fmt: skip
    made_by = SimulateMeasuredSeriesStep(
        dose=dose,
        seed=seed,
        refine=refine,
        gain=gain,
        dark_level=gain * recording.dark_share * signal,
        residual_px=recording.residual_px,
        counts_per_unit=None if counts_per_unit is None else counts_per_unit / gain,
        **asdict(probe),
    )
    history: tuple[HistoryStep, ...] = (*phantom.volume.history, made_by.step)
    shifts = drift + residual
    if shifts.any():
        aligned = AlignStep("simulated", 0.0, 0.0, tuple((float(y), float(x)) for y, x in shifts))
        history = (*history, aligned.step)
    return TiltSeries(images, angles, phantom.spacing[2], history=history)


class _Optics:
    """Raw images of a fine grid through a probe, at any tilt and displacement.

    Attributes
    ----------
    inner : (slice, slice)
        The field of view within a raw image, which has a margin on all sides.
    """

    def __init__(
        self, fine: NDArray[np.uint8], phantom: Phantom, probe: Probe, refine: int, reach_px: float
    ) -> None:
        self._refine = refine
        self._phases = np.ascontiguousarray(fine.transpose(0, 2, 1))
        self._filled: NDArray[np.bool_] = np.asarray(self._phases.any(axis=2))
        self._levels = np.zeros(256, np.float32)
        self._levels[: len(phantom.gray_levels)] = phantom.gray_levels
        nz, ny, nx = fine.shape
        voxel_nm = phantom.spacing[2] / refine
        self._margin = math.ceil(reach_px) + _SPLINE_MARGIN
        if reach_px == 0:
            self._margin = 0
        self.inner = tuple(slice(self._margin, self._margin + n // refine) for n in (ny, nx))
        far = math.hypot(nz, nx) / 2  # depth of the farthest voxel, in fine voxels
        step = far * 2
        if probe.half_angle_mrad > 0:
            step = _RADIUS_STEP_NM / (1e-3 * probe.half_angle_mrad) / voxel_nm
        self._slab_voxels = step
        self._slab_count = 2 * math.ceil(max(0.0, far / step - 0.5)) + 1
        side = self._margin * refine + math.ceil(_TAIL_REACH_NM / voxel_nm)
        self._size = (fft.next_fast_len(nx + 2 * side, real=False), 2 * ny)  # (bin, y)
        across = np.fft.fftfreq(self._size[0])
        along = np.fft.rfftfreq(self._size[1])
        self._frequencies = (across, along)
        radius = np.hypot(across[:, None], along[None, :]) / voxel_nm
        middle = (self._slab_count - 1) / 2
        # pixels and bins are boxes: a shift and a sum over them need no function of their own
        self._transfers = [
            probe.transfer(radius, (k - middle) * step * voxel_nm).astype(np.float32)
            for k in range(self._slab_count)
        ]

    def image(self, angle_deg: float, displacement_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the raw image ``raw(p) = ideal(p + displacement)`` with its margin, (y, x)."""
        refine, margin = self._refine, self._margin
        nx, ny = self._phases.shape[1:]
        slabs = np.zeros((self._slab_count, nx, ny), np.float32)
        angle = math.radians(angle_deg)
        project_footprints(
            self._phases, self._filled, self._levels, (math.cos(angle), math.sin(angle)),
            self._slab_voxels, slabs,
        )  # fmt: skip
        total = np.zeros((self._size[0], self._size[1] // 2 + 1), np.complex64)
        for slab, transfer in zip(slabs, self._transfers, strict=True):
            if slab.any():
                # a fibre mirrored at both faces is periodic in twice its length
                doubled = np.concatenate([slab, slab[:, ::-1]], axis=1)
                spectrum = fft.rfft2(doubled, s=self._size, workers=1)
                spectrum *= transfer
                total += spectrum
        across, along = self._frequencies
        dy, dx = refine * displacement_px
        turn = np.exp(2j * np.pi * (across * dx))[:, None] * np.exp(2j * np.pi * (along * dy))
        seen = fft.irfft2(total * turn.astype(np.complex64), s=self._size, workers=1)
        rows = np.arange(-margin * refine, ny + margin * refine) % self._size[1]
        columns = np.arange(-margin * refine, nx + margin * refine) % self._size[0]
        cut = seen[np.ix_(columns, rows)].astype(np.float64).T
        pixels = cut.reshape(len(rows) // refine, refine, len(columns) // refine, refine)
        # sums along the beam count fine voxels: one per `refine` of the phantom's
        raw: NDArray[np.float64] = np.maximum(pixels.mean(axis=(1, 3)) / refine, 0)
        return raw


def _shifts(
    angles_deg: NDArray[np.float64], recording: Recording, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return residual shifts and displacements ``(dy, dx)`` per tilt, px.

    A shift of the fibre moves its images by a constant along y and by a combination of cosθ and
    sinθ across: these parts of the residuals are removed.
    """
    count = len(angles_deg)
    residual, drift = rng.standard_normal((2, count, 2))
    angle = np.deg2rad(angles_deg)
    for axis, moves in enumerate(([np.ones(count)], [np.cos(angle), np.sin(angle)])):
        basis = np.stack(moves, axis=1)
        residual[:, axis] -= basis @ np.linalg.lstsq(basis, residual[:, axis], rcond=None)[0]
    return recording.residual_px * residual, recording.drift_px * drift


def _check(angles: NDArray[np.float64], dose: float | None, refine: int) -> None:
    if not len(angles) or not np.isfinite(angles).all():
        raise InputError("angles_deg needs one finite number of degrees per tilt, at least one.")
    if dose is not None and not (math.isfinite(dose) and dose > 0):
        raise InputError(
            f"dose is {dose}; a positive number of electrons per pixel, or None for no noise, is needed."
        )
    if refine not in (1, 2, 3, 4):
        raise InputError(f"refine is {refine}; a whole number from 1 to 4 is needed.")
