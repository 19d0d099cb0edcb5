"""Search of the tilt axis: direction from the images, then direction and offset to a fraction of a
degree and px.

Why: about a wrong axis no volume fits all images, so the misfit of a quick reconstruction is
smallest at the right one. The misfit varies slowly with direction and holds for rods, particles and
films, so a scan in steps of 15° cannot miss it.

Example: directions -75, -60, ..., 90 give misfits with the lowest at 15; its basin is searched in
steps of 5° (5 to 25), then 2° and 0.7°, each time down to the vertex of a parabola. A line has no
direction: 90 and -90 are one axis, and which of the two is reported is decided by
:func:`~napari_snpore.tomography.tilt_series.axis_end`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_snpore.tomography.matching import misfits
from napari_snpore.tomography.registration import (
    centers_of_mass,
    gauge_part,
    shifts_along_axis,
    track_by_correlation,
)
from napari_snpore.tomography.warp import axis_rotation
from napari_snpore.tomography.working_frames import WorkingFrames

FLOAT = NDArray[np.float64]
Track = Callable[[WorkingFrames, FLOAT, float], FLOAT]
"""Coarse alignment for a given φ: (frames, angles, φ) to translations (along, across) in raw px."""

_ITERATIONS = 16
"""Iterations of a quick reconstruction: fewer favour wide objects, and with them wrong
directions.
"""

_ROWS = 12
"""Rows that the images are pooled into before a trial is judged: the time grows with their
number.
"""

_SCAN_STEP = 15.0
"""Degrees between the directions of the first scan, which covers 180°."""

_BASINS = 2
"""Lowest basins of the scan that are searched further: noise can exchange the two best of coarse
steps.
"""

_BASIN_STEP = 5.0
"""Degrees: the grid around a scanned direction reaches 2 · 5°, past half the scan's step."""

_FINER_STEPS = (2.0, 0.7)
"""Degrees: each grid of ± 2 steps covers half the step before it on both sides."""

_GRID = (-2, -1, 0, 1, 2)
"""Places of a grid, in steps."""


_GROUPS = 5
"""Groups of tilts of the jackknife: every fifth tilt is left out in turn."""

_SHARED = 2.0
"""Factor on the spread of the groups for what they share, the shifts of the images first. The ratio
of true deviations to spreads of simulated series (ellipsoids at 64 px, 21 tilts, 20 to 200 counts)
is 1.5 to 2.3; with 2, the error covers 70 to 90 % of the deviations.
"""

_SEARCH_ERROR_PX = 0.055
"""Error of the search on perfect images, px of the working frames at half their longer side:
root mean square over simulated series without noise is 0.053 px (0.09° at 64 px).
"""


@dataclass(frozen=True, eq=False)
class Trial:
    """One alignment that was tried: axis direction, translations (along, across) in raw px, and its
    misfit.

    A constant along the axis is free; it is chosen so that the images are pulled as little as can
    be, for what a pull brings in from beyond the field is no data.
    """

    tilt_axis_angle_deg: float
    translations_px: FLOAT
    misfit: float

    def __post_init__(self) -> None:
        middle = np.percentile(
            self.translations_px[:, 0], [5, 95]
        ).mean()  # a lost image must not pull the others
        object.__setattr__(self, "translations_px", self.translations_px - [middle, 0.0])


def track_center_of_mass(
    frames: WorkingFrames, angles_deg: FLOAT, tilt_axis_angle_deg: float
) -> FLOAT:
    """Return translations by centers of mass: across the axis they are put onto it, along it
    profiles are matched.

    The centre of mass of an object lies on one sinusoid over the tilts; with the object on the axis
    it stays on the axis in every image.
    """
    found = np.zeros((len(angles_deg), 2))
    rows = frames.rows(tilt_axis_angle_deg)
    for _ in range(3):
        now = frames.resampled(tilt_axis_angle_deg, found)
        found[:, 0] += shifts_along_axis(now) * frames.binning
        found[:, 1] -= centers_of_mass(now[:, rows]) * frames.binning
    return found


def track_cross_correlation(
    frames: WorkingFrames, angles_deg: FLOAT, tilt_axis_angle_deg: float
) -> FLOAT:
    """Follow the specimen by cross-correlation with cosine stretch, then put its mean path onto the
    axis.
    """
    found = np.zeros((len(angles_deg), 2))
    found += (
        track_by_correlation(frames.resampled(tilt_axis_angle_deg, found), angles_deg)
        * frames.binning
    )
    for _ in range(2):
        path = centers_of_mass(
            frames.resampled(tilt_axis_angle_deg, found, rows=frames.rows(tilt_axis_angle_deg))
        )
        found[:, 1] -= gauge_part(path, angles_deg)[0] * frames.binning
    return found


def track_angles(
    frames: WorkingFrames, angles_deg: FLOAT, directions: Sequence[float], track: Track
) -> list[Trial]:
    """Align coarsely for several directions of the axis and judge the results."""
    found = [
        Trial(float(direction), track(frames, angles_deg, float(direction)), 1.0)
        for direction in directions
    ]
    judged = judge(
        frames, angles_deg, [(one.tilt_axis_angle_deg, one.translations_px) for one in found]
    )
    return [replace(one, misfit=value) for one, value in zip(found, judged, strict=True)]


def judge(
    frames: WorkingFrames,
    angles_deg: FLOAT,
    trials: Sequence[tuple[float, FLOAT]],
    *,
    iterations: int = _ITERATIONS,
) -> list[float]:
    """Return the misfits of alignments (φ, translations), from the rows that lie in the field for
    every direction.

    Neighbouring rows are pooled into some twelve: no image is left out, and noise weighs less.
    """
    rows = min((frames.rows(angle) for angle, _ in trials), key=lambda one: one.stop - one.start)
    thick = max(1, (rows.stop - rows.start) // _ROWS)
    count = (rows.stop - rows.start) // thick
    rows = slice(rows.start, rows.start + count * thick)
    aligned = [frames.resampled(angle, moves, rows=rows) for angle, moves in trials]
    aligned = [one.reshape(one.shape[0], count, thick, -1).mean(axis=2) for one in aligned]
    found = misfits(aligned, angles_deg, iterations=iterations, should_stop=frames.should_stop)
    return [float(value) for value in found]


def find_axis(
    frames: WorkingFrames, angles_deg: FLOAT, tracks: dict[str, Track], *, tick: Callable[[], None]
) -> tuple[Trial, str, float]:
    """Find the direction of the tilt axis over all of 180°.

    A scan in steps of 15° with every track, the lowest basins again in steps of 5°, the best of
    them in finer steps. ``tick`` is called :func:`find_axis_steps` times.

    Returns
    -------
    Trial
        The best alignment.
    str
        The name of its track.
    float
        Contrast: how much smaller its misfit is than the median of the scan's (0: any direction
        does as well).
    """
    directions = np.arange(-75.0, 91.0, _SCAN_STEP)
    tried, scanned = [], []
    for name, track in tracks.items():
        scan = track_angles(frames, angles_deg, directions.tolist(), track)
        scanned += [trial.misfit for trial in scan]
        tick()
        # the scan is a circle: before -75 comes 90, the same line as -90
        low = [
            k
            for k in range(len(scan))
            if scan[k].misfit <= min(scan[k - 1].misfit, scan[k + 1 - len(scan)].misfit)
        ]
        for k in sorted(low, key=lambda k: scan[k].misfit)[:_BASINS]:
            tried.append((_finer(frames, angles_deg, track, scan[k], _BASIN_STEP), name))
        tick()
    best, name = min(tried, key=lambda one: one[0].misfit)
    for step in _FINER_STEPS:
        best = _finer(frames, angles_deg, tracks[name], best, step)
        tick()
    return best, name, 1 - best.misfit / max(float(np.median(scanned)), 1e-30)


def find_axis_steps(tracks: int) -> int:
    """Return how often :func:`find_axis` ticks."""
    return 2 * tracks + len(_FINER_STEPS)


def _finer(
    frames: WorkingFrames, angles_deg: FLOAT, track: Track, start: Trial, step: float
) -> Trial:
    """Try directions around ``start`` in steps of ``step`` degrees and the vertex of the parabola
    through the lowest three.
    """
    trials = track_angles(
        frames, angles_deg, [start.tilt_axis_angle_deg + k * step for k in _GRID], track
    )
    lowest = min(range(1, len(trials) - 1), key=lambda k: trials[k].misfit)
    left, middle, right = (trials[k].misfit for k in (lowest - 1, lowest, lowest + 1))
    place = trials[lowest].tilt_axis_angle_deg + step * vertex(left, middle, right)
    trials += track_angles(frames, angles_deg, [place], track)
    return min(trials, key=lambda trial: trial.misfit)


def sharpen_axis(
    frames: WorkingFrames,
    angles_deg: FLOAT,
    trial: Trial,
    *,
    offset_step_px: float,
    angle_step_deg: float,
    iterations: int,
) -> Trial:
    """Move offset and direction of the axis, everything else kept, to where the misfit is smallest.

    ``angle_step_deg`` 0 keeps the direction. Steps are in raw px and degrees; the result is the
    vertex of a parabola.
    """
    angle, found = trial.tilt_axis_angle_deg, trial.translations_px
    sideways = np.array([0.0, 1.0])

    def at_offsets(offsets: list[float]) -> list[float]:
        moved = [(angle, found + offset * sideways) for offset in offsets]
        return judge(frames, angles_deg, moved, iterations=iterations)

    def turned(turn: float) -> tuple[float, FLOAT]:
        # each raw image keeps its shift: translations that kept their direction from the axis
        # instead would pull images apart with every turn, and hold a wrong direction where it is
        return angle + turn, found @ axis_rotation(angle).T @ axis_rotation(angle + turn)

    def at_turns(turns: list[float]) -> list[float]:
        return judge(frames, angles_deg, [turned(turn) for turn in turns], iterations=iterations)

    found = found + sideways * _minimum(at_offsets, offset_step_px)
    if angle_step_deg > 0:
        angle, found = turned(_minimum(at_turns, angle_step_deg))
    return Trial(angle, found, trial.misfit)


def axis_error(frames: WorkingFrames, angles_deg: FLOAT, trial: Trial, *, iterations: int) -> float:
    """Return the standard error of the direction of the axis in degrees, by a jackknife over groups
    of tilts.

    Every fifth tilt is left out in turn and the direction found again from the rest. With G groups
    and directions φₖ the variance is (G − 1)/G · Σ(φₖ − mean)² (Efron and Stein, doi
    10.1214/aos/1176345462). The shifts of the images stay, though they were found about the whole
    axis: what the groups share does not show in their spread, so it is widened by a factor and joined
    with the error that the search has on perfect images (see the constants for their source).

    Example: directions 33.1, 33.3, 33.2, 33.0, 33.4 give sqrt(4/5 · 0.1) = 0.28°; with 64 px a side
    the error is sqrt((2 · 0.28)² + 0.10²) = 0.57°.
    """
    group = np.arange(len(angles_deg)) % _GROUPS
    found = []
    for left_out in range(_GROUPS):
        used = np.flatnonzero(group != left_out)
        part = replace(frames, images=frames.images[used])
        start = Trial(trial.tilt_axis_angle_deg, trial.translations_px[used], trial.misfit)
        sharp = sharpen_axis(
            part,
            angles_deg[used],
            start,
            offset_step_px=float(frames.binning),
            angle_step_deg=1.0,
            iterations=iterations,
        )
        found.append(sharp.tilt_axis_angle_deg)
    spread = (_GROUPS - 1) * np.var(found)
    search = np.rad2deg(np.arctan(_SEARCH_ERROR_PX / (max(frames.images.shape[1:]) / 2)))
    return float(np.hypot(_SHARED * np.sqrt(spread), search))


def _minimum(function: Callable[[list[float]], list[float]], step: float) -> float:
    """Return where a function is least near 0: the vertex of a parabola through a grid that follows
    the lowest value.
    """
    middle = 0.0
    for _ in range(3):
        values = function([middle + k * step for k in _GRID])
        curve = np.polynomial.Polynomial.fit(_GRID, values, 2, domain=(-1, 1), window=(-1, 1)).coef
        place = float(-curve[1] / (2 * curve[2])) if curve[2] > 0 else np.inf
        if abs(place) <= 1:
            return middle + step * place
        middle += step * _GRID[int(np.argmin(values))]
    return middle


def vertex(left: float, middle: float, right: float) -> float:
    """Return the vertex of the parabola through values at −1, 0, 1, kept within −1 to 1; 0 where it
    has none.

    Examples
    --------
    >>> vertex(2.0, 1.0, 1.0)
    0.5
    """
    bend = left - 2 * middle + right
    return float(np.clip(0.5 * (left - right) / bend, -1.0, 1.0)) if bend > 0 else 0.0
