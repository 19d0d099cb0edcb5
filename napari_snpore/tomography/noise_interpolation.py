"""White noise after the interpolation of an alignment: its variance, and what a mask makes of it.

A cubic spline sends white noise of variance 1 to a value of variance v ≤ 1 that depends on where the
value lies between the pixels: 1 on a pixel, 0.57 in the middle of four. Neighbouring values are
correlated, so that a mask answers to them with another variance than to white noise. Both follow in
closed form from the interpolating (cardinal) spline, without simulated noise (Thévenaz et al.,
doi 10.1109/42.875199).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_snpore.history import AlignStep, BinStep, CropStep, last_step, required_step
from napari_snpore.tomography.noise_line import scale
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.warp import aligned_shape, axis_rotation, row_places

Doubles = NDArray[np.float64]

_POLE = np.sqrt(3.0) - 2.0
"""The pole of the recursive filter that turns samples into coefficients of a cubic B-spline."""

_REACH = 10
"""Pixels beyond the mask that are summed: there the cardinal spline has fallen to 0.27¹⁰ = 2e-6."""

_PLACES = 32
"""Places between two pixels at which a table of a rotated series is made: the answer, a square, is
then wrong by 1 % at most where it is greater than half its maximum."""

_NO_TURN = 1e-9
"""Sine of an angle below which a rotation by a multiple of 90° counts as exact."""

_TYPICAL_PLACE = 0.2454
"""Place between two pixels where the variance of an interpolated value is its mean over all places,
0.874 along one axis: it stands for an alignment that the images had before their last one."""

_SAME_PLACE = 0.25
"""Pixels by which a rotation may move the rim of an image while all pixels count as interpolated at
the same place."""

_ONE_PIXEL = np.ones(1, np.float32)

_LEVELS = 64
"""Quantiles of the squares of a normal number that stand for its distribution."""


@dataclass(frozen=True, eq=False)
class Interpolation:
    """What an alignment did to white noise of variance 1.

    Attributes
    ----------
    factor : float
        Mean variance over all tilts and pixels.
    tilts : float64 array, shape (tilt,)
        Variance of the answer of the mask, one number per tilt; beside a table a factor on it.
    table : float64 array, shape (place, place), or None
        The same by the place of a pixel between raw pixels (y, x), where a rotation makes it differ
        from pixel to pixel.
    """

    factor: float
    tilts: Doubles
    table: Doubles | None = None
    step: AlignStep | None = None
    shape: tuple[int, int] = (0, 0)

    def answers(self, tilt: int, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Doubles:
        """Return the variance of the mask's answer at rows × columns of an image; 0 outside the raw
        image, where edge values were repeated.
        """
        if self.step is None:
            return np.full((len(rows), len(columns)), self.tilts[tilt])
        raw = aligned_shape(self.shape, self.step.axis_angle_deg)  # its own inverse
        out = np.empty((len(rows), len(columns)))
        shift = np.asarray(self.step.shifts_px[tilt])[:, None]
        last = np.array(raw)[:, None] - 1
        for index, row in enumerate(rows):
            places = row_places(raw, self.step.axis_angle_deg, self.step.axis_offset_px, int(row))
            places = places[:, columns] - shift
            inside = ((places >= 0) & (places <= last)).all(axis=0)
            if self.table is None:
                out[index] = np.where(inside, self.tilts[tilt], 0.0)
            else:
                y, x = np.round(places * _PLACES).astype(np.intp) % _PLACES
                out[index] = np.where(inside, self.tilts[tilt] * self.table[y, x], 0.0)
        return out


def interpolation_of(series: TiltSeries, taps: NDArray[np.float32]) -> Interpolation:
    """Return what the alignment in the history of a series did to its noise.

    Parameters
    ----------
    series : TiltSeries
    taps : array
        Weights of a mask with an odd length along each axis; the mask is their outer product,
        scaled so that it answers to white noise of variance 1 with variance 1.

    Returns
    -------
    Interpolation
        That of no interpolation where the history holds no alignment of these tilts, or one whose
        images were binned afterwards: averages of squares are nearly white again. Of several
        alignments, one after the other, those before a rotation are taken at a typical place.
    """
    count = len(series.angles_deg)
    step = last_step(series.history, AlignStep)
    names = [one.name for one in series.history]
    later = [] if step is None else names[len(names) - names[::-1].index(AlignStep.NAME) :]
    if step is None or len(step.shifts_px) != count or BinStep.NAME in later:
        return Interpolation(1.0, np.ones(count))
    earlier = _earlier_places(series, step)
    matrix = axis_rotation(step.axis_angle_deg)
    shape = series.shape[1:]
    known = None if CropStep.NAME in later else step  # a crop hides where the raw image ends
    if np.abs(matrix).min() < _NO_TURN:
        across = matrix @ np.array([0.0, step.axis_offset_px])
        places = across - np.asarray(step.shifts_px, np.float64)
        turn = np.round(matrix)
        factor = float(mask_answers(places, turn, _ONE_PIXEL, earlier).mean())
        answers = mask_answers(places, turn, taps, earlier)
        return Interpolation(factor, answers, None, known, shape)
    grid = np.arange(_PLACES) / _PLACES
    places = np.stack(np.meshgrid(grid, grid, indexing="ij"), axis=-1).reshape(-1, 2)
    typical = [np.full_like(places, _TYPICAL_PLACE) for _ in earlier]
    before = _over_typical(earlier, taps)
    table = mask_answers(places, matrix, taps, typical)
    factor = float(mask_answers(places, matrix, _ONE_PIXEL, typical).mean())
    factor *= float(np.mean(_over_typical(earlier, _ONE_PIXEL)))
    if known is None:
        return Interpolation(factor, before * np.full(count, _scale_of_mixture(table)))
    return Interpolation(
        factor, before * np.ones(count), table.reshape(_PLACES, _PLACES), step, shape
    )


def _over_typical(earlier: Sequence[Doubles], taps: NDArray[np.float32]) -> Doubles | float:
    """Return, per tilt, the answer of a mask after interpolations at the given places over that
    after interpolations at a typical one; 1 where there were none.
    """
    if not earlier:
        return 1.0
    still = np.zeros_like(earlier[0])
    typical = [np.full_like(still, _TYPICAL_PLACE) for _ in earlier]
    one, other = (mask_answers(still, np.eye(2), taps, places) for places in (earlier, typical))
    return one / other


def _earlier_places(series: TiltSeries, last: AlignStep) -> list[Doubles]:
    """Return where between the pixels the alignments before the last one took their values, the
    latest first; those before a binning left nearly white noise.
    """
    names = [one.name for one in series.history]
    out = []
    for count in range(len(names), 0, -1):
        if names[count - 1] == BinStep.NAME:
            break
        if names[count - 1] == AlignStep.NAME:
            step = required_step(series.history[:count], AlignStep)
            matrix = axis_rotation(step.axis_angle_deg)
            places = matrix @ np.array([0.0, step.axis_offset_px])
            places = places - np.asarray(step.shifts_px, np.float64)
            moved = np.abs(matrix).min() * max(series.shape[1:]) / 2
            if moved > _SAME_PLACE or places.shape != np.shape(last.shifts_px):
                places = np.full(np.shape(last.shifts_px), _TYPICAL_PLACE)
            out.append(places)
    return out[1:]


def mask_answers(
    places: Doubles,
    matrix: Doubles,
    taps: NDArray[np.float32],
    earlier: Sequence[Doubles] = (),
) -> Doubles:
    """Return the variance with which a mask answers to interpolated white noise.

    Parameters
    ----------
    places : array, shape (n, 2)
        Place (y, x) of the middle of the mask in the raw image, px.
    matrix : array, shape (2, 2)
        The raw image's direction of one step along y and x of the interpolated image.
    taps : array
        See :func:`interpolation_of`.
    earlier : sequence of arrays, shape (n, 2)
        Places between the pixels before, from which the raw image itself was interpolated, the last
        interpolation first.
    """
    arrays = [np.asarray(one, np.float64) for one in (places, matrix, taps, *earlier)]
    return _answers(tuple((one.shape, one.tobytes()) for one in arrays)).copy()


@lru_cache(maxsize=32)
def _answers(arrays: tuple[tuple[tuple[int, ...], bytes], ...]) -> Doubles:
    """Return :func:`mask_answers` of arrays (shape, bytes); every step of a run asks for the same."""
    places, matrix, weights, *earlier = (
        np.frombuffer(values).reshape(shape) for shape, values in arrays
    )
    weights = weights / np.sqrt((weights**2).sum())
    half = len(weights) // 2
    steps = np.arange(-half, half + 1)
    offsets = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    mask = np.outer(weights, weights).ravel()
    reach = 2 * half + (1 + len(earlier)) * _REACH
    pixels = np.arange(-reach, reach + 1)
    spread = cache(lambda part: cardinal_spline(part + pixels[:, None] - pixels))
    out = np.empty(len(places))
    at = (places - np.round(places))[:, None] + offsets @ matrix.T
    # weight of each raw pixel in the answer: the mask's weights times the splines along y and x
    splines = [cardinal_spline(at[..., axis, None] - pixels) for axis in (0, 1)]
    for index, (along_y, along_x) in enumerate(zip(*splines, strict=True)):
        for part in (before[index] - np.round(before[index]) for before in earlier):
            along_y, along_x = along_y @ spread(part[0]), along_x @ spread(part[1])
        out[index] = np.square((mask[:, None] * along_y).T @ along_x).sum()
    return out


def cardinal_spline(t: Doubles) -> Doubles:
    """Return the cubic spline that is 1 at 0 and 0 at all other whole numbers.

    Examples
    --------
    >>> cardinal_spline(np.array([0.0, 0.5, 1.0])).round(4).tolist()
    [1.0, 0.6005, -0.0]
    """
    base = np.floor(t)
    out = np.zeros_like(t)
    for step in (-1, 0, 1, 2):  # the B-splines that reach t
        knot = base + step
        out += np.sqrt(3.0) * _POLE ** np.abs(knot) * _b_spline(t - knot)
    return out


def _b_spline(t: Doubles) -> Doubles:
    """Return the cubic B-spline at |t| ≤ 2."""
    far = np.abs(t)
    near = 2.0 / 3.0 - far**2 + far**3 / 2.0
    return np.where(far < 1, near, np.maximum(2.0 - far, 0.0) ** 3 / 6.0)


def _scale_of_mixture(variances: Doubles) -> float:
    """Return the variance that normal noise of unlike variances is read as."""
    square = scipy.stats.chi2.ppf((np.arange(_LEVELS) + 0.5) / _LEVELS, 1)
    return scale(np.outer(variances, square).ravel())
