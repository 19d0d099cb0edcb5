"""Direction of a fibre in an image: where grey values vary least, searched coarsely, then fitted.

Coarse: for a direction, the pixels are sorted across it, and the score is the sum of squares that
the profile explains beyond what noise alone would (the pixels' scatter within a bin, times the
number of bins). Scores of several frames add up. Fine: if the direction is off by a small angle δ,
an image differs from its profile p by ``−δ·u·p′`` (u along the fibre), which is a linear fit.
"""

from __future__ import annotations

import math

import numpy as np
import scipy

from napari_snpore.in_situ.frames import FLOAT
from napari_snpore.in_situ.rectangle import Rectangle, directions

COARSE_DEG: FLOAT = np.arange(-88.0, 90.1, 2.0)
_COARSE_PX = 128
_FINE_PX = 384
_LARGEST_STEP = math.radians(1.0)


def axis_scores(image: FLOAT, rectangle: Rectangle, *, pixel_size_nm: float) -> FLOAT:
    """Return how well a fibre in each of the directions ``COARSE_DEG`` explains the rectangle; 1 is
    all of it, 0 nothing.
    """
    y, x, values = _thinned(image, rectangle, pixel_size_nm, _COARSE_PX)
    return np.array([_score(y, x, values, angle) for angle in COARSE_DEG])


def best_direction(scores: FLOAT) -> float:
    """Return the direction (degrees, in (−90, 90]) with the highest of the coarse scores."""
    return float(COARSE_DEG[int(np.argmax(scores))])


def refine_direction(
    image: FLOAT,
    rectangle: Rectangle,
    *,
    pixel_size_nm: float,
    near_deg: float,
    reach_deg: float = 6.0,
) -> float:
    """Return the direction of the fibre in one image, within ``reach_deg`` of the given one.

    It is not brought back into (−90, 90]: across would change its side between the frames of a
    horizontal fibre.
    """
    y, x, values = _thinned(image, rectangle, pixel_size_nm, _COARSE_PX)
    near = near_deg + np.arange(-reach_deg, reach_deg + 0.1, 1.0)
    angle = float(near[int(np.argmax([_score(y, x, values, one) for one in near]))])
    fine = angle + np.arange(-0.75, 0.76, 0.25)
    angle = float(fine[int(np.argmax([_score(y, x, values, one) for one in fine]))])
    fitted = _fit_turn(*_thinned(image, rectangle, pixel_size_nm, _FINE_PX), angle)
    # a fit that runs away does not converge: keep the direction of the search
    return fitted if abs(fitted - angle) < 2.0 else angle


def _thinned(
    image: FLOAT, rectangle: Rectangle, pixel: float, largest: int
) -> tuple[FLOAT, FLOAT, FLOAT]:
    """Return positions (px of the thinned image) and grey values, averaged over blocks to at most
    ``largest`` an edge.
    """
    rows, columns = rectangle.bounds((image.shape[0], image.shape[1]), pixel)
    part = image[rows, columns]
    block = max(1, math.ceil(max(part.shape) / largest))
    height, width = (n // block * block for n in part.shape)
    means = (
        part[:height, :width]
        .reshape(height // block, block, width // block, block)
        .mean(axis=(1, 3))
    )
    y = (rows.start + (np.arange(means.shape[0]) + 0.5) * block - 0.5)[:, None] * pixel
    x = (columns.start + (np.arange(means.shape[1]) + 0.5) * block - 0.5)[None, :] * pixel
    inside = rectangle.holds(y, x)
    y, x = (np.broadcast_to(one, means.shape)[inside] / (block * pixel) for one in (y, x))
    middle = [0.0 if not len(one) else (one.min() + one.max()) / 2 for one in (y, x)]
    return y - middle[0], x - middle[1], means[inside]


def _score(y: FLOAT, x: FLOAT, values: FLOAT, angle: float) -> float:
    _, across = directions(angle)
    index = np.floor(y * across[0] + x * across[1] + 0.5).astype(np.int64)
    index -= index.min(initial=0)
    count = np.bincount(index)
    total = np.bincount(index, values)
    mean = values.mean()
    whole = float(((values - mean) ** 2).sum())
    used = count > 0
    explained = float((total[used] ** 2 / count[used]).sum() - len(values) * mean**2)
    bins = int(used.sum())
    if whole <= 0 or len(values) <= bins:
        return 0.0
    return (explained - (bins - 1) * max(whole - explained, 0.0) / (len(values) - bins)) / whole


def _fit_turn(y: FLOAT, x: FLOAT, values: FLOAT, angle: float) -> float:
    for _ in range(8):
        along, across = directions(angle)
        u, s = y * along[0] + x * along[1], y * across[0] + x * across[1]
        index = np.floor(s + 0.5).astype(np.int64)
        first = int(index.min())
        count = np.bincount(index - first)
        profile = np.bincount(index - first, values) / np.maximum(count, 1)
        profile = scipy.ndimage.gaussian_filter1d(profile, 1.5, mode="nearest")
        places = first + np.arange(len(profile))
        slope = np.interp(s, places, np.gradient(profile)) if len(profile) > 1 else np.zeros_like(s)
        weight = slope**2
        if weight.sum() <= 0:
            return angle
        lever = u - (u * weight).sum() / weight.sum()
        power = float((lever**2 * weight).sum())
        if power <= 0:
            return angle
        turn = -float((lever * slope * (values - np.interp(s, places, profile))).sum()) / power
        angle += math.degrees(float(np.clip(turn, -_LARGEST_STEP, _LARGEST_STEP)))
        if abs(turn) < 1e-5:
            break
    return angle
