"""Where the tilt axis lies: its direction found from the images alone, then direction and offset made sharp.

A direction is judged by what a quick reconstruction leaves unexplained. With the wrong one no volume fits the images:
rows of a fibre seem to swing about different axes. That measure has a wide basin, holds for rods, particles and films,
and does not care whether the axis is vertical, horizontal or between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_snpore.tomography.matching import misfit
from napari_snpore.tomography.registration import (
    centers_of_mass,
    gauge_part,
    shifts_along_axis,
    track_by_correlation,
)
from napari_snpore.tomography.working_frames import WorkingFrames

FLOAT = NDArray[np.float64]
Track = Callable[[WorkingFrames, FLOAT, float], FLOAT]
"""Coarse alignment for a given φ: (frames, angles, φ) to translations (along, across) in raw px."""

_ITERATIONS = 16  # fewer favour wide objects over narrow ones, and with them wrong directions
_ROWS = 24
_SCAN_STEP = 15.0
_BASINS = 2
_BASIN_STEP = 5.0
_FINER_STEPS = (2.0, 0.7)


@dataclass(frozen=True, eq=False)
class Trial:
    """One alignment that was tried: axis direction, translations (along, across) in raw px, and its misfit."""

    tilt_axis_angle: float
    translations_px: FLOAT
    misfit: float


def track_center_of_mass(frames: WorkingFrames, angles_deg: FLOAT, tilt_axis_angle: float) -> FLOAT:
    """Bring the centre of mass of every image onto the axis, and the common projections onto each other along it."""
    found = np.zeros((len(angles_deg), 2))
    for _ in range(3):
        now = frames.resampled(tilt_axis_angle, found)
        found[:, 0] += shifts_along_axis(now) * frames.binning
        found[:, 1] -= centers_of_mass(now[:, frames.rows()]) * frames.binning
    return found


def track_cross_correlation(frames: WorkingFrames, angles_deg: FLOAT, tilt_axis_angle: float) -> FLOAT:
    """Follow the specimen by cross-correlation with cosine stretch, then put its mean path onto the axis."""
    found = np.zeros((len(angles_deg), 2))
    found += track_by_correlation(frames.resampled(tilt_axis_angle, found), angles_deg) * frames.binning
    for _ in range(2):
        path = centers_of_mass(frames.resampled(tilt_axis_angle, found)[:, frames.rows()])
        found[:, 1] -= gauge_part(path, angles_deg)[0] * frames.binning
    return found


def try_angle(frames: WorkingFrames, angles_deg: FLOAT, tilt_axis_angle: float, track: Track) -> Trial:
    """Align coarsely for one direction of the axis and judge the result."""
    found = track(frames, angles_deg, tilt_axis_angle)
    return Trial(tilt_axis_angle, found, judge(frames, angles_deg, tilt_axis_angle, found))


def judge(frames: WorkingFrames, angles_deg: FLOAT, tilt_axis_angle: float, translations_px: FLOAT) -> float:
    """Return the misfit of one alignment, from some rows that lie in the field for every direction."""
    aligned = frames.resampled(tilt_axis_angle, translations_px)[:, frames.rows()]
    stride = -(-aligned.shape[1] // _ROWS)
    return misfit(aligned[:, stride // 2 :: stride], angles_deg, iterations=_ITERATIONS)


def find_axis(
    frames: WorkingFrames, angles_deg: FLOAT, tracks: dict[str, Track], *, tick: Callable[[], None]
) -> tuple[Trial, str, float]:
    """Find the direction of the tilt axis over all of 180°.

    A scan in steps of 15° with every way of tracking, the lowest basins again in steps of 5°, the best of them in finer
    steps. ``tick`` is called :func:`find_axis_steps` times.

    Returns
    -------
    Trial
        The best alignment.
    str
        The name of its track.
    float
        Contrast: how much smaller its misfit is than the median of the scan's (0: any direction does as well).
    """
    scan: dict[tuple[str, int], Trial] = {}
    directions = np.arange(-75.0, 91.0, _SCAN_STEP)
    for name, track in tracks.items():
        for k, direction in enumerate(directions):
            scan[name, k] = try_angle(frames, angles_deg, float(direction), track)
            tick()
    count = len(directions)
    basins = [
        (name, k)
        for (name, k), trial in scan.items()
        if trial.misfit <= min(scan[name, (k - 1) % count].misfit, scan[name, (k + 1) % count].misfit)
    ]
    basins.sort(key=lambda place: scan[place].misfit)
    walked = []
    for name, k in basins[: _BASINS * len(tracks)]:
        walked.append((_descend(frames, angles_deg, tracks[name], scan[name, k], _BASIN_STEP), name))
    tick()
    best, name = min(walked, key=lambda one: one[0].misfit)
    for step in _FINER_STEPS:
        best = _descend(frames, angles_deg, tracks[name], best, step)
        tick()
    median = float(np.median([trial.misfit for trial in scan.values()]))
    return best, name, 1 - best.misfit / max(median, 1e-30)


def find_axis_steps(tracks: int) -> int:
    """Return how often :func:`find_axis` ticks."""
    return tracks * round(180 / _SCAN_STEP) + 1 + len(_FINER_STEPS)


def _descend(frames: WorkingFrames, angles_deg: FLOAT, track: Track, start: Trial, step: float) -> Trial:
    """Walk downhill in steps of ``step`` degrees, then go to the vertex of the parabola through the last three."""
    middle = start
    below = try_angle(frames, angles_deg, middle.tilt_axis_angle - step, track)
    above = try_angle(frames, angles_deg, middle.tilt_axis_angle + step, track)
    for _ in range(3):
        if below.misfit < middle.misfit:
            above, middle = middle, below
            below = try_angle(frames, angles_deg, middle.tilt_axis_angle - step, track)
        elif above.misfit < middle.misfit:
            below, middle = middle, above
            above = try_angle(frames, angles_deg, middle.tilt_axis_angle + step, track)
        else:
            break
    place = middle.tilt_axis_angle + step * vertex(below.misfit, middle.misfit, above.misfit)
    return min(middle, try_angle(frames, angles_deg, place, track), key=lambda one: one.misfit)


def sharpen_axis(
    frames: WorkingFrames, angles_deg: FLOAT, trial: Trial, *, offset_step_px: float, angle_step_deg: float
) -> Trial:
    """Move offset and direction of the axis, everything else kept, to where the misfit is smallest.

    ``angle_step_deg`` 0 keeps the direction. Steps are in raw px and degrees; the result is the vertex of a parabola.
    """
    angle, found = trial.tilt_axis_angle, trial.translations_px
    sideways = np.array([0.0, 1.0])

    def misfit_at(offset: float, turn: float) -> float:
        return judge(frames, angles_deg, angle + turn, found + offset * sideways)

    found = found + _minimum(lambda value: misfit_at(value, 0.0), offset_step_px) * sideways
    if angle_step_deg > 0:
        angle += _minimum(lambda value: misfit_at(0.0, value), angle_step_deg)
    return Trial(angle, found, judge(frames, angles_deg, angle, found))


def _minimum(function: Callable[[float], float], step: float) -> float:
    """Place of a one-dimensional minimum near 0: downhill in whole steps, at most six, then a parabola."""
    values = {0: function(0.0), 1: function(step), -1: function(-step)}
    best = min(values, key=lambda k: values[k])
    while abs(best) < 6:
        for neighbour in (best - 1, best + 1):
            if neighbour not in values:
                values[neighbour] = function(neighbour * step)
        lowest = min(values, key=lambda k: values[k])
        if lowest == best:
            break
        best = lowest
    if best - 1 not in values or best + 1 not in values:
        return best * step
    return step * (best + vertex(values[best - 1], values[best], values[best + 1]))


def vertex(left: float, middle: float, right: float) -> float:
    """Place of the vertex of the parabola through values at −1, 0, 1, kept within −1 to 1; 0 where it has none."""
    bend = left - 2 * middle + right
    return float(np.clip(0.5 * (left - right) / bend, -1.0, 1.0)) if bend > 0 else 0.0
