"""Inspection of the raw tilts: mass, saturation, sharpness, and the reasons to leave one out.
Nothing is removed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, run_blocks
from napari_snpore.errors import InputError
from napari_snpore.history import LeaveOutTiltsStep
from napari_snpore.scratch import IN_MEMORY, ScratchSpace
from napari_snpore.tomography.tilt_series import TiltSeries

_SATURATED = 0.01  # share of the pixels
_BELOW, _CLIPPED = 0.05, 2.0
"""Of an image that was clipped, more than twice as many pixels are at the greatest value as within
5 % of the range below it.
"""

_MASS_JUMP = 0.1
_BLUR = 0.4
_OUTLIER = 6.0
_FEWEST = 3


def inspect_tilts(
    series: TiltSeries, *, progress: Progress | None = None, should_stop: ShouldStop | None = None
) -> pd.DataFrame:
    """Tabulate the mass, the saturation and the sharpness of each image of a series.

    Parameters
    ----------
    series : TiltSeries
        Raw images.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    DataFrame
        One row per tilt, in the order of the series: ``tilt, angle_deg, mass_gray`` (sum of the
        image), ``saturated_share`` (of the pixels, at the largest value of an integer type, or at
        the largest of the image where far fewer lie just below it),
        ``sharpness`` (power of the finest detail over that of the neighbouring tilts: 1 as they,
        below 0.4 blurred), and ``reason``: why it looks bad, empty where it does not.
    """
    order = np.argsort(series.angles_deg, kind="stable")
    rows = run_blocks(
        lambda k: _statistics(np.asarray(series.images[k])),
        range(len(order)),
        progress=progress,
        should_stop=should_stop,
    )
    table = pd.DataFrame(
        rows, columns=["mass_gray", "saturated_share", "detail", "range", "finite"]
    )
    mass, detail = table["mass_gray"].to_numpy()[order], table["detail"].to_numpy()[order]
    reasons = [""] * len(order)
    angles = series.angles_deg[order]
    level, fine = _of_neighbors(mass), _of_neighbors(detail)
    off = mass - level
    spread = 1.4826 * float(np.median(np.abs(off)))
    for place, tilt in enumerate(order):
        row = table.iloc[tilt]
        if not row["finite"]:
            reason = "holds NaN or infinite values"
        elif row["range"] == 0:
            reason = "has the same value everywhere"
        elif row["saturated_share"] > _SATURATED:
            reason = f"{100 * row['saturated_share']:.0f} % of its pixels are saturated"
        elif place and angles[place] == angles[place - 1]:
            reason = f"has the same angle as tilt {order[place - 1]}"
        elif abs(off[place]) > max(_OUTLIER * spread, _MASS_JUMP * abs(level[place])):
            reason = (
                f"its mass is {100 * off[place] / level[place]:+.0f} % off that of its neighbours"
            )
        elif detail[place] < _BLUR * fine[place]:
            reason = "is blurred against its neighbours"
        else:
            continue
        reasons[tilt] = reason
    sharpness = np.empty(len(order))
    sharpness[order] = np.divide(detail, fine, out=np.ones(len(order)), where=fine > 0)
    return pd.DataFrame(
        {
            "tilt": np.arange(len(order)),
            "angle_deg": series.angles_deg,
            "mass_gray": table["mass_gray"],
            "saturated_share": table["saturated_share"],
            "sharpness": sharpness,
            "reason": reasons,
        }
    )


def leave_out_tilts(
    series: TiltSeries, tilts: Sequence[int], *, scratch: ScratchSpace = IN_MEMORY
) -> TiltSeries:
    """Return the series without some of its tilts, numbered from 0 in its order.

    Raises
    ------
    InputError
        A number that no tilt has, or fewer than three tilts left.
    """
    count = len(series.angles_deg)
    out = sorted({int(tilt) for tilt in tilts})
    wrong = [tilt for tilt in out if not 0 <= tilt < count]
    if wrong:
        raise InputError(f"leave_out names tilt {wrong[0]}; the series has tilts 0 to {count - 1}.")
    if not out:
        return series
    kept = np.setdiff1d(np.arange(count), out)
    if len(kept) < _FEWEST:
        raise InputError(f"leave_out leaves {len(kept)} tilts; at least {_FEWEST} are needed.")
    images = scratch.empty((len(kept), *series.shape[1:]), series.images.dtype)
    for place, tilt in enumerate(kept):
        images[place] = series.images[tilt]
    return TiltSeries(
        images,
        series.angles_deg[kept],
        series.pixel_size_nm,
        series.tilt_axis_angle_deg,
        (*series.history, LeaveOutTiltsStep(tuple(out)).step),
    )


def _statistics(image: NDArray[Any]) -> tuple[float, float, float, float, bool]:
    pixels = image.astype(np.float64)
    if not np.isfinite(pixels).all():
        return 0.0, 0.0, 0.0, 0.0, False
    saturated = _clipped_share(pixels)
    if image.dtype.kind in "iu":
        saturated = max(saturated, float((image == np.iinfo(image.dtype).max).mean()))
    # noise is in every image alike; a Gaussian takes it down to what an object's edges are made of
    fine = scipy.ndimage.laplace(scipy.ndimage.gaussian_filter(pixels, 2.0))
    return (
        float(pixels.sum()),
        saturated,
        float(np.square(fine).mean()),
        float(np.ptp(pixels)),
        True,
    )


def _clipped_share(pixels: NDArray[np.float64]) -> float:
    """Return the share of the pixels at the greatest value; 0 where as many lie just below it, as in
    an image whose grey values end by themselves.
    """
    most, least = float(pixels.max()), float(pixels.min())
    at_most = float((pixels == most).mean())
    below = float(((pixels < most) & (pixels > most - _BELOW * (most - least))).mean())
    return at_most if at_most > _CLIPPED * below else 0.0


def _of_neighbors(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median of the two tilts before and the two after each, itself left out."""
    count = len(values)
    out = np.empty(count)
    for k in range(count):
        near = [j for j in range(k - 2, k + 3) if j != k and 0 <= j < count]
        out[k] = np.median(values[near])
    return out
