"""Alignment of a raw tilt series: shifts, direction and offset of the tilt axis, and what could not
be determined.

Strategy: follow the specimen coarsely (centre of mass, or cross-correlation with cosine stretch),
find the axis where a quick reconstruction explains the images best, then match every image with the
re-projection of a reconstruction it took no part in. Displacements are measured in
``registration``, the axis is found in ``tilt_axis``, the matching is in ``refinement``, the one
interpolation in ``warp``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from napari_snpore.compute import Progress, ShouldStop, check_stop, stops_at_once
from napari_snpore.errors import InputError
from napari_snpore.history import AlignStep
from napari_snpore.memory import check_memory, shape_text
from napari_snpore.threads import thread_count
from napari_snpore.tomography.contrast import contrast_note
from napari_snpore.tomography.image_faults import image_faults
from napari_snpore.tomography.refinement import (
    ITERATIONS,
    MOST_PASSES,
    fills_field,
    left_over,
    refine,
    shares_axial_structure,
)
from napari_snpore.tomography.registration import gauge_part
from napari_snpore.tomography.tilt_axis import (
    Track,
    Trial,
    axis_error,
    find_axis,
    find_axis_steps,
    sharpen_axis,
    track_angles,
    track_center_of_mass,
    track_cross_correlation,
)
from napari_snpore.tomography.tilt_series import TiltSeries, axis_angle, axis_end, check_image
from napari_snpore.tomography.warp import axis_rotation, warp_images
from napari_snpore.tomography.working_frames import WorkingFrames, working_frames

Method = Literal["auto", "cross_correlation", "center_of_mass"]
FLOAT = NDArray[np.float64]

_TRACKS: dict[str, Track] = {
    "center_of_mass": track_center_of_mass,
    "cross_correlation": track_cross_correlation,
}
_SCAN_SIZE = 48
"""Size, in px, of the binned frames of the axis search: many trials, each coarse."""

_FRAMES_BYTES, _IMAGE_BYTES, _LEAST_BYTES = 24.0, 2.8, 26e6
"""Peak of an alignment: times the binned images, float32 images per thread, and the rest."""

_MATCH_SIZE = 64
"""Size, in px, of the binned frames that are matched with re-projections."""

_FLAT_CONTRAST = 0.05
"""Contrast of the axis search below which all directions fit about as well, and a note says so."""

_FEW_TILTS = 12
"""With fewer tilts, half of them is too few for a direction of its own: no error of the axis is
given.
"""

_SMALLEST_SIDE = 16
"""Smallest side of an image, px, in which shifts can be measured."""


@dataclass(frozen=True, eq=False)
class Alignment:
    """How a tilt series is brought onto its tilt axis.

    Parameters
    ----------
    shifts_px : array, float64, shape (tilt, 2)
        ``(dy, dx)`` as ``scipy.ndimage.shift`` applies them to the raw images; first of the
        corrections. Without a 1, cosθ or sinθ term across the axis and without a constant along it:
        those only move the object.
    tilt_axis_angle_deg : float
        Direction φ of the axis, ``(dy, dx) = (cos φ, sin φ)``, degrees in (−180, 180]; the shifted
        images are turned by −φ. Without a reference for its end, :func:`align` reports it in (−88,
        92].
    tilt_axis_offset_px : float
        Place of the axis across it after the rotation, px from the centre; subtracted last.
    residual_px : array, float64, shape (tilt,)
        Distance across the axis, px, between an aligned image and the re-projection of a
        reconstruction from the other half of the tilts: root mean square over the two ends of the
        image, each without what 1, cosθ and sinθ can absorb.
    handedness : str
        ``"unknown"`` unless the microscope was calibrated: φ and φ + 180° give mirror volumes.
    method : str
        What was used.
    notes : tuple of str
        Sentences on what the images could not determine, the hand of the volume first.
    tilt_axis_error_deg : float
        Standard error of φ: a jackknife over five groups of tilts, widened for what the groups
        share, right to about a factor of two; nan for a direction that was given, and with fewer
        than 12 tilts.
    axis_given : bool
        Whether φ was given before the rest was searched for.
    """

    shifts_px: FLOAT
    tilt_axis_angle_deg: float
    tilt_axis_offset_px: float
    residual_px: FLOAT
    handedness: str = "unknown"
    method: str = "manual"
    notes: tuple[str, ...] = ()
    tilt_axis_error_deg: float = math.nan
    axis_given: bool = False

    def __post_init__(self) -> None:
        shifts = np.array(self.shifts_px, dtype=np.float64)
        residual = np.array(self.residual_px, dtype=np.float64)
        if shifts.ndim != 2 or shifts.shape[1] != 2:
            raise InputError(
                f"shifts_px has shape {shifts.shape}; one (dy, dx) per tilt is needed."
            )
        if residual.shape != (len(shifts),):
            raise InputError(
                f"residual_px has shape {residual.shape}; one number for each of {len(shifts)} tilts is needed."
            )
        if not (np.isfinite(shifts).all() and np.isfinite(self.tilt_axis_offset_px)):
            raise InputError("shifts_px and tilt_axis_offset_px must be finite numbers of px.")
        for values in (shifts, residual):
            values.setflags(write=False)
        object.__setattr__(self, "shifts_px", shifts)
        object.__setattr__(self, "residual_px", residual)
        object.__setattr__(self, "tilt_axis_angle_deg", axis_angle(self.tilt_axis_angle_deg))
        object.__setattr__(self, "tilt_axis_offset_px", float(self.tilt_axis_offset_px))
        object.__setattr__(self, "notes", tuple(self.notes))

    @property
    def median_residual_px(self) -> float | None:
        """Median of ``residual_px`` over the tilts where it is known; None where it is for none."""
        known = self.residual_px[np.isfinite(self.residual_px)]
        return float(np.median(known)) if known.size else None

    def apply(
        self,
        series: TiltSeries,
        *,
        out: Any = None,
        progress: Progress | None = None,
        should_stop: ShouldStop | None = None,
    ) -> TiltSeries:
        """Return the aligned series: float32, tilt axis along image y through the centre,
        interpolated once (cubic).

        An axis nearer to the horizontal exchanges the sides of the image. Beyond the raw field the
        nearest edge value is repeated. ``out``, such as a memory map of the shape of the result,
        takes the images of a series larger than memory.

        Raises
        ------
        InputError
            The alignment was made for another number of tilts.
        """
        if len(self.shifts_px) != len(series.angles_deg):
            raise InputError(
                f"The alignment holds shifts for {len(self.shifts_px)} tilts, the series has {len(series.angles_deg)} images;"
                " align this series."
            )
        faults = image_faults(series, should_stop=should_stop)
        images = warp_images(
            series.images,
            self.shifts_px,
            self.tilt_axis_angle_deg,
            self.tilt_axis_offset_px,
            out=out,
            progress=progress,
            should_stop=should_stop,
        )
        made_by = AlignStep(
            method=self.method,
            axis_angle_deg=self.tilt_axis_angle_deg,
            axis_offset_px=self.tilt_axis_offset_px,
            shifts_px=self.shifts_px.tolist(),
            handedness=self.handedness,
            image_faults=faults.sentence,
            image_faults_share=faults.share or None,
            residual_px=self.median_residual_px,
            axis_given=self.axis_given or None,
        )
        return series.after(made_by, images, tilt_axis_angle_deg=0.0)

    def changed(
        self,
        *,
        shifts_px: ArrayLike | None = None,
        tilt_axis_angle_deg: float | None = None,
        tilt_axis_offset_px: float | None = None,
    ) -> Alignment:
        """Return the alignment with some of it set by hand; what is None stays. The residual is
        then unknown (nan).

        The other direction of the same axis (φ + 180°) has its offset on the other side: it changes
        its sign with it.
        """
        given = {
            "shifts_px": shifts_px,
            "tilt_axis_angle_deg": tilt_axis_angle_deg,
            "tilt_axis_offset_px": tilt_axis_offset_px,
        }
        new: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if not new:
            return self
        turn = new.get("tilt_axis_angle_deg", self.tilt_axis_angle_deg) - self.tilt_axis_angle_deg
        if tilt_axis_offset_px is None and np.cos(np.deg2rad(turn)) < 0:
            new["tilt_axis_offset_px"] = -self.tilt_axis_offset_px
        shifts = np.asarray(new.get("shifts_px", self.shifts_px), np.float64)
        unknown = np.full(len(shifts), np.nan)
        method = self.method if self.method.endswith("manual") else f"{self.method} + manual"
        error = math.nan if "tilt_axis_angle_deg" in new else self.tilt_axis_error_deg
        return replace(self, **new, residual_px=unknown, method=method, tilt_axis_error_deg=error)

    def table(self, angles_deg: ArrayLike) -> pd.DataFrame:
        """Return one row per tilt: ``tilt, angle_deg, shift_y_px, shift_x_px, residual_px``."""
        angles = np.asarray(angles_deg, dtype=np.float64).reshape(-1)
        if len(angles) != len(self.shifts_px):
            raise InputError(
                f"angles_deg has {len(angles)} angles; the alignment holds {len(self.shifts_px)} tilts."
            )
        return pd.DataFrame(
            {
                "tilt": np.arange(len(angles)),
                "angle_deg": angles,
                "shift_y_px": self.shifts_px[:, 0],
                "shift_x_px": self.shifts_px[:, 1],
                "residual_px": self.residual_px,
            }
        )


@stops_at_once
def align(
    series: TiltSeries,
    *,
    tilt_axis_angle_deg: float | None = None,
    reference_axis_deg: float | None = None,
    method: Method = "auto",
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Alignment:
    """Align a raw tilt series by itself.

    Parameters
    ----------
    series : TiltSeries
        Raw images; any direction of the tilt axis.
    tilt_axis_angle_deg : float, optional
        Direction φ of the tilt axis in degrees, kept as given. Without it the direction is found
        from the images.
    reference_axis_deg : float, optional
        Of the two directions φ and φ + 180° of the axis that is found (mirror volumes), the one
        nearest to this is taken, such as that of an earlier alignment. Default: the direction that
        the series has from its file or from the caller of ``read_tilt_series``, unless it is 0;
        without any, the one in (−88, 92], so that an axis within 2° of the horizontal counts as
        +90°, and a note says so.
    method : {"auto", "cross_correlation", "center_of_mass"}
        ``cross_correlation`` follows the specimen from the lowest tilt outwards, with cosine
        stretch; ``center_of_mass`` is for objects whose mass lies in the field across the axis at
        every tilt. ``auto`` tries both, keeps the one that a reconstruction explains better, and
        refines it by matching with re-projections to a fraction of a px.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    Alignment
        Deterministic: the same series gives the same numbers on any number of threads.

    Raises
    ------
    InputError
        Fewer than three images, all at one angle, an unknown method, NaN, or an image without
        contrast.
    Stopped
        ``should_stop`` said so.
    """
    _check(series, method)
    given = None if tilt_axis_angle_deg is None else axis_angle(tilt_axis_angle_deg)
    reference = (
        series.tilt_axis_angle_deg or None
        if reference_axis_deg is None
        else axis_angle(reference_axis_deg)
    )
    order = np.argsort(series.angles_deg, kind="stable")
    angles = series.angles_deg[order]
    refines = method == "auto"
    tracks = {name: track for name, track in _TRACKS.items() if method in ("auto", name)}
    steps = len(tracks) if given is not None else find_axis_steps(len(tracks))
    steps += 2 + (MOST_PASSES if refines else 0) + 2
    tick = _Ticker(steps, progress, should_stop)

    _state_memory(series)
    raw = series.images
    coarse = working_frames(raw, size=_SCAN_SIZE, should_stop=should_stop)
    coarse = replace(coarse, images=coarse.images[order])
    fine = working_frames(raw, size=_MATCH_SIZE, should_stop=should_stop)
    about_images = _notes_on_images(series, fine.far_pixels)
    fine = replace(fine, images=fine.images[order])
    best, name, contrast = _coarse(coarse, angles, tracks, given, tick)

    turn = 1.0 if given is None else 0.0
    trial = Trial(
        best.tilt_axis_angle_deg, _TRACKS[name](fine, angles, best.tilt_axis_angle_deg), best.misfit
    )
    for frames in (coarse, fine):
        trial = sharpen_axis(
            frames,
            angles,
            trial,
            offset_step_px=2.0 * frames.binning,
            angle_step_deg=2.0 * turn,
            iterations=ITERATIONS,
        )
        tick()
    axial = shares_axial_structure(fine, angles, trial)
    if not axial:
        trial = Trial(trial.tilt_axis_angle_deg, trial.translations_px * [0.0, 1.0], trial.misfit)
    if refines:
        name += " + reprojection"
        trial = refine(fine, angles, trial, turn, axial, tick)
    left = left_over(fine, angles, trial)
    tick()
    measured = turn > 0 and len(angles) >= _FEW_TILTS
    error = axis_error(fine, angles, trial, iterations=ITERATIONS) if measured else math.nan
    tick()
    axis = axis_end(trial.tilt_axis_angle_deg, reference) if given is None else given
    notes = _notes(contrast if turn else None, axial, fills_field(fine, trial), left, angles)
    notes = (_hand_note(reference if given is None else given), *about_images, *notes)
    found = _reported(trial, axis, angles, order, left, name, notes)
    return replace(found, tilt_axis_error_deg=error, axis_given=given is not None)


def _state_memory(series: TiltSeries) -> None:
    """Refuse an alignment that needs more memory than may be used: images are binned one at a
    time, in each thread one, and matched at some 64 px.
    """
    tilts, ny, nx = series.shape
    binning = max(1, max(ny, nx) // _MATCH_SIZE)
    frames = 4.0 * tilts * (ny // binning) * (nx // binning)
    matching = _LEAST_BYTES + _FRAMES_BYTES * frames
    check_memory(
        f"Aligning {shape_text(series.shape)} pixels (tilt, y, x)",
        max(matching, _IMAGE_BYTES * thread_count() * 4 * ny * nx),
    )


class _Ticker:
    """Counts the steps of one alignment: reports progress and notices a cancel."""

    def __init__(
        self, steps: int, progress: Progress | None, should_stop: ShouldStop | None
    ) -> None:
        self.done, self.steps, self.progress, self.should_stop = 0, steps, progress, should_stop
        check_stop(should_stop)

    def __call__(self) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.steps)
        check_stop(self.should_stop)


def _check(series: TiltSeries, method: str) -> None:
    """Refuse what cannot be aligned."""
    if method not in get_args(Method):
        raise InputError(f"method is {method!r}; one of {', '.join(get_args(Method))} is needed.")
    if len(series.angles_deg) < 3:
        raise InputError(
            f"The tilt series has {len(series.angles_deg)} images; alignment needs at least 3."
        )
    if min(series.shape[1:]) < _SMALLEST_SIDE:
        raise InputError(
            f"The images are {series.shape[1]} x {series.shape[2]} px; alignment needs at least 16 px a side."
        )
    if np.ptp(series.angles_deg) == 0:
        raise InputError(
            "angles_deg holds one angle only; alignment needs images at different tilts."
        )
    for tilt in range(len(series.angles_deg)):
        image = np.asarray(series.images[tilt])
        check_image(image, tilt)
        if image.min() == image.max():
            raise InputError(
                f"Image {tilt} of the tilt series has the same value everywhere; leave it out."
            )


def _coarse(
    frames: WorkingFrames,
    angles: FLOAT,
    tracks: dict[str, Track],
    given: float | None,
    tick: Callable[[], None],
) -> tuple[Trial, str, float]:
    """Return the best coarse alignment, the name of its track and the contrast of the axis
    search.
    """
    if given is None:
        return find_axis(frames, angles, tracks, tick=tick)
    found = []
    for name, track in tracks.items():
        found.append((track_angles(frames, angles, [given], track)[0], name, 1.0))
        tick()
    return min(found, key=lambda one: one[0].misfit)


def _hand_note(reference_deg: float | None) -> str:
    """Say which of two mirror volumes was taken, and why."""
    if reference_deg is None:
        return (
            "The hand of the volume was chosen without a reference: neither the file nor the recipe names the direction of "
            "the tilt axis, and the opposite one gives the mirror image."
        )
    return (
        f"The hand of the volume follows the given direction of the tilt axis, {reference_deg:.1f}°: it is unknown unless the "
        "microscope was calibrated, and the opposite direction gives the mirror image."
    )


def _notes_on_images(series: TiltSeries, far_pixels: tuple[int, ...]) -> tuple[str, ...]:
    """Say what the images need before they are reconstructed."""
    notes = [note for note in [contrast_note(series)] if note is not None]
    found = image_faults(series).sentence
    if found is not None:
        away = " They were left out of the alignment." if any(far_pixels) else ""
        notes.append(f"{found}{away}")
    return tuple(notes)


def _notes(
    contrast: float | None, axial: bool, fills: bool, left: FLOAT, angles: FLOAT
) -> tuple[str, ...]:
    """Say what the images did not determine."""
    notes = []
    if contrast is not None and contrast < _FLAT_CONTRAST:
        notes.append(
            "The images hardly determine the direction of the tilt axis; give tilt_axis_angle_deg if it is known."
        )
    if fills:
        notes.append(
            "The specimen fills the field across the tilt axis: direction and offset of the axis are uncertain."
        )
    if not axial:
        notes.append(
            "The images share no structure along the tilt axis: shifts along it are undetermined and left at 0."
        )
    rms = float(np.sqrt(np.mean(left**2)))
    if rms > 1:
        notes.append(
            f"The images do not fit one volume well: {rms:.1f} px (RMS) are left across the axis."
        )
    if np.ptp(angles) < 60:
        notes.append(
            "The tilts span less than 60°: the axis offset can hardly be distinguished from the position of the object."
        )
    if len(angles) < _FEW_TILTS:
        notes.append(
            f"With {len(angles)} tilts the offset of the axis is uncertain, and residuals say little."
        )
    return tuple(notes)


def _reported(
    trial: Trial,
    angle: float,
    angles: FLOAT,
    order: NDArray[np.intp],
    left: FLOAT,
    name: str,
    notes: tuple[str, ...],
) -> Alignment:
    """Turn translations in the rotated frame into shifts of the raw image, gauge removed, in the
    order of the series.
    """
    along, across = trial.translations_px.T
    part, constant = gauge_part(across, angles)
    # the other direction of the same axis: across it, signs change
    sign = 1.0 if np.cos(np.deg2rad(angle - trial.tilt_axis_angle_deg)) > 0 else -1.0
    shifts = np.empty((len(angles), 2))
    residual = np.empty(len(angles))
    shifts[order] = (
        np.stack([along - along.mean(), across - part], axis=1)
        @ axis_rotation(trial.tilt_axis_angle_deg).T
    )
    residual[order] = left
    return Alignment(shifts, angle, -constant * sign, residual, "unknown", name, notes)
