"""Refinement of an alignment: each image is matched with the re-projection of a reconstruction from
other images.

Starts from a coarse alignment that is right to a few px, see ``tilt_axis``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from napari_snpore.tomography.matching import predictions
from napari_snpore.tomography.registration import (
    axial_likeness,
    gauge_part,
    small_shifts,
    wide_shift,
)
from napari_snpore.tomography.tilt_axis import Trial, sharpen_axis
from napari_snpore.tomography.working_frames import WorkingFrames

FLOAT = NDArray[np.float64]
IMAGES = NDArray[np.float32]

ITERATIONS = 30
"""Iterations of a reconstruction that images are matched with: one that has not converged biases
the shifts.
"""

MOST_PASSES = 4
"""Most turns of matching and sharpening."""

_SETTLED_PX = 0.1
"""Greatest displacement of an image in a pass, raw px, at which the refinement ends."""

_SHARED_STRUCTURE = 0.4
"""Likeness along the axis of image and re-projection above which shifts along the axis are
measured: a rod has no structure there, and its shifts would follow the noise.
"""

_BRIGHT_RIM = 0.3
"""Brightness at the edge of the field, as a share of the maximum, above which the specimen extends
beyond it.
"""

_LOST = 8.0
"""An image whose misfit is this many times the median is lost: it is searched over the whole
field.
"""


def refine(
    frames: WorkingFrames,
    angles: FLOAT,
    trial: Trial,
    turn: float,
    axial: bool,
    tick: Callable[[], None],
) -> Trial:
    """Match and sharpen in turns until no image moves by more than ``_SETTLED_PX`` but for the
    gauge.
    """
    passes = 0
    trial = rescue(frames, angles, trial, axial)
    for _ in range(MOST_PASSES):
        before = trial.translations_px
        trial = _match(frames, angles, trial, axial)
        trial = sharpen_axis(
            frames,
            angles,
            trial,
            offset_step_px=frames.binning,
            angle_step_deg=turn,
            iterations=ITERATIONS,
        )
        passes += 1
        tick()
        moved = trial.translations_px - before
        across = moved[:, 1] - gauge_part(moved[:, 1], angles)[0]
        if max(np.abs(across).max(), np.ptp(moved[:, 0]) / 2) < _SETTLED_PX:
            break
    for _ in range(passes, MOST_PASSES):
        tick()
    return _match(frames, angles, trial, axial)


def _match(frames: WorkingFrames, angles: FLOAT, trial: Trial, axial: bool) -> Trial:
    """Move each half of the tilts onto the re-projection of the other half, one half after the
    other.
    """
    moved = trial.translations_px.copy()
    for half in (0, 1):
        now = frames.resampled(
            trial.tilt_axis_angle_deg, moved, rows=frames.rows(trial.tilt_axis_angle_deg)
        )
        expected = predictions(
            now, angles, half=half, iterations=ITERATIONS, should_stop=frames.should_stop
        )
        moved[half::2] += small_shifts(now[half::2], expected, along_axis=axial) * frames.binning
    return Trial(trial.tilt_axis_angle_deg, moved, trial.misfit)


def rescue(frames: WorkingFrames, angles: FLOAT, trial: Trial, axial: bool) -> Trial:
    """Bring back single images that tracking lost: those that the others explain far worse than
    they explain most.

    Each is looked for over the whole field, from where the raw image lies, and moved only where
    that explains it better.
    """
    lost = _unexplained(*_with_expected(frames, angles, trial))
    tilts = np.flatnonzero(lost > _LOST * np.median(lost))
    if not 0 < len(tilts) <= len(angles) // 4:
        return trial
    moved = trial.translations_px.copy()
    moved[tilts, 0] = 0.0  # the middle of all
    centerd = Trial(trial.tilt_axis_angle_deg, moved, trial.misfit)
    for _ in range(2):
        now, expected = _with_expected(frames, angles, centerd)
        steps = np.array([wide_shift(expected[tilt], now[tilt]) for tilt in tilts]) * [
            float(axial),
            1.0,
        ]
        moved = centerd.translations_px.copy()
        moved[tilts] += steps * frames.binning
        centerd = Trial(trial.tilt_axis_angle_deg, moved, trial.misfit)
    better = _unexplained(*_with_expected(frames, angles, centerd))[tilts] < lost[tilts]
    back = trial.translations_px.copy()
    shift = np.median(
        np.delete(centerd.translations_px - trial.translations_px, tilts, axis=0), axis=0
    )
    back[tilts[better]] = centerd.translations_px[tilts[better]] - shift
    return Trial(trial.tilt_axis_angle_deg, back, trial.misfit)


def _unexplained(now: IMAGES, expected: IMAGES) -> FLOAT:
    """Return the share of each frame's power that its re-projection does not explain."""
    left = np.square(now - expected).sum(axis=(1, 2), dtype=np.float64)
    shares: FLOAT = left / np.maximum(np.square(now).sum(axis=(1, 2), dtype=np.float64), 1e-30)
    return shares


def _with_expected(frames: WorkingFrames, angles: FLOAT, trial: Trial) -> tuple[IMAGES, IMAGES]:
    """Return the aligned frames and, for each, the re-projection of the half of the tilts that it
    is not in.
    """
    now = frames.resampled(
        trial.tilt_axis_angle_deg,
        trial.translations_px,
        rows=frames.rows(trial.tilt_axis_angle_deg),
    )
    expected = np.empty_like(now)
    for half in (0, 1):
        expected[half::2] = predictions(
            now, angles, half=half, iterations=ITERATIONS, should_stop=frames.should_stop
        )
    return now, expected


def shares_axial_structure(frames: WorkingFrames, angles: FLOAT, trial: Trial) -> bool:
    """Tell whether the images have anything along the axis to be aligned by, in rows that were in
    the field at every tilt.

    Where a shift pulled rows in from beyond the field, the edge that was repeated there looks like
    structure.
    """
    now, expected = _with_expected(frames, angles, trial)
    along = trial.translations_px[:, 0]
    pulled = int(np.ceil(np.abs(along - along.mean()).max() / frames.binning))
    cut = int(
        np.clip(
            pulled - frames.rows(trial.tilt_axis_angle_deg).start, 0, max(0, now.shape[1] // 2 - 6)
        )
    )
    inner = slice(cut, now.shape[1] - cut)
    return axial_likeness(now[:, inner], expected[:, inner]) > _SHARED_STRUCTURE


def left_over(frames: WorkingFrames, angles: FLOAT, trial: Trial) -> FLOAT:
    """Return what is left across the axis per tilt in raw px.

    Each image was moved to where its re-projection lies, so over the whole of it next to nothing is
    left whatever the noise. Its two ends along the axis are therefore measured apart: the root mean
    square of both holds what is left and the error that noise, a changing object or a turned image
    made.
    """
    now, expected = _with_expected(frames, angles, trial)
    weight = np.cumsum(np.square(np.diff(expected, axis=2)).sum(axis=(0, 2), dtype=np.float64))
    middle = int(np.clip(np.searchsorted(weight, weight[-1] / 2), 4, max(4, now.shape[1] - 4)))
    squares = np.zeros(len(angles))
    for rows in (slice(None, middle), slice(middle, None)):
        across = small_shifts(now[:, rows], expected[:, rows])[:, 1] * frames.binning
        squares += (across - gauge_part(across, angles)[0]) ** 2 / 2
    return np.sqrt(squares)


def fills_field(frames: WorkingFrames, trial: Trial) -> bool:
    """Return whether the specimen extends beyond the field across the axis: the edge of the images
    is then no vacuum.
    """
    now = frames.resampled(
        trial.tilt_axis_angle_deg,
        trial.translations_px,
        rows=frames.rows(trial.tilt_axis_angle_deg),
    )
    profile = now.mean(axis=(0, 1))
    rim = max(1, len(profile) // 20)
    return float(np.mean([profile[:rim].mean(), profile[-rim:].mean()])) > _BRIGHT_RIM * float(
        profile.max()
    )
