"""Cumulative distributions of the sizes of objects, and how much they vary along a fibre.

Objects that lie next to each other in a fibre are alike, so that they are no independent sample of
it. Slabs across the fibre that are thicker than twice its correlation length nearly are: the fibre
is put together anew from slabs drawn with replacement (H. R. Künsch, Ann. Stat. 17 (1989) 1217).
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.uncertainty.along_fibre import FEWEST_SLABS, correlation_length

MOST_SLABS = 64
_BINS_ALONG = 100
"""Slices along the fibre in which objects are counted where no table of slices is there."""

_NORMAL_95 = 1.96


@dataclass(frozen=True, eq=False)
class Slabs:
    """Slabs of one fibre.

    Parameters
    ----------
    edges_nm : array of float, shape (slabs + 1,)
        Along y.
    correlation_nm : float
        Correlation length along y.
    """

    edges_nm: NDArray[np.float64]
    correlation_nm: float

    @property
    def count(self) -> int:
        """Number of slabs."""
        return len(self.edges_nm) - 1

    @property
    def are_thick(self) -> bool:
        """Whether a slab is at least two correlation lengths thick."""
        thickness = float(self.edges_nm[1] - self.edges_nm[0])
        return thickness >= 2 * self.correlation_nm * (1 - 1e-9)


def slabs_of(
    centers_nm: NDArray[np.float64], slices: pd.DataFrame | None, phase: str
) -> Slabs | None:
    """Return slabs of at least two correlation lengths; 8 thinner ones where fewer fit, and None
    where the objects have no extent along y.

    Parameters
    ----------
    centers_nm : array of float
        Centroids of the objects along y.
    slices : DataFrame, optional
        Of :func:`~napari_snpore.measurement.profiles.slice_fractions` along y; else objects are
        counted in 100 slices.
    phase : str
        Whose fraction tells the correlation length.
    """
    along = None if slices is None else _fractions_along(slices, phase)
    if along is None:
        if len(centers_nm) < 2 or np.ptp(centers_nm) == 0:
            return None
        start, stop = float(centers_nm.min()), float(centers_nm.max())
        counts = np.histogram(centers_nm, _BINS_ALONG, (start, stop))[0].astype(np.float64)
        step, body = (stop - start) / _BINS_ALONG, np.ones(_BINS_ALONG)
    else:
        start, step, counts, body = along
        stop = start + step * len(counts)
    correlation_nm = correlation_length(counts, body) * step
    fitting = int((stop - start) / (2 * correlation_nm) * (1 + 1e-9))
    count = min(max(fitting, FEWEST_SLABS), MOST_SLABS)
    return Slabs(np.linspace(start, stop, count + 1), correlation_nm)


def _fractions_along(
    slices: pd.DataFrame, phase: str
) -> tuple[float, float, NDArray[np.float64], NDArray[np.float64]] | None:
    """Return (start, step, voxels of the phase, voxels of the envelope) of slices along y."""
    rows = slices[slices["name"] == phase]
    if "axis" in rows:
        rows = rows[rows["axis"] == "y"]
    if len(rows) < FEWEST_SLABS:
        return None
    places = rows["position_nm"].to_numpy(np.float64)
    step = float(places[1] - places[0])
    counts = rows["voxel_count"].to_numpy(np.float64)
    body = rows["envelope_voxel_count"].to_numpy(np.float64)
    return float(places[0]) - step / 2, step, counts, body


def slab_weights(slabs: Slabs, draws: int, *, seed: int, name: str) -> NDArray[np.float64]:
    """Return how often each slab is drawn, shape (draws, slabs).

    ``name`` makes the draws of one fibre independent of those of others, whatever their order.
    """
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    even = np.full(slabs.count, 1 / slabs.count)
    return rng.multinomial(slabs.count, even, size=draws).astype(np.float64)


@dataclass(frozen=True, eq=False)
class FibreSizes:
    """One size of the objects of one fibre.

    Parameters
    ----------
    values : array of float, shape (objects,)
    weights : array of float, shape (objects,)
        1 by number, the volume by volume.
    places_nm : array of float, shape (objects,)
        Along y.
    """

    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    places_nm: NDArray[np.float64]

    def cumulative(self, edges: NDArray[np.float64], *, below: bool = False) -> NDArray[np.float64]:
        """Return the share of objects up to each edge (``below``: less than it); nan without any."""
        order = np.argsort(self.values, kind="stable")
        total = np.concatenate([[0.0], np.cumsum(self.weights[order])])
        places = np.searchsorted(self.values[order], edges, side="left" if below else "right")
        return total[places] / total[-1] if total[-1] > 0 else np.full(len(edges), math.nan)

    def deviations(
        self,
        edges: NDArray[np.float64],
        slabs: Slabs,
        slab_draws: NDArray[np.float64],
        *,
        below: bool = False,
    ) -> NDArray[np.float64]:
        """Return how far the shares of fibres put together from drawn slabs lie from those of the
        fibre, shape (draws, edges).

        They are stretched by what so few slabs hide: the bootstrap's variance is too small by
        (slabs − 1)/slabs, and its quantiles are normal ones in place of Student's.
        """
        inner = slabs.edges_nm[1:-1]
        of_slab = np.searchsorted(inner, self.places_nm, side="right")
        place = np.searchsorted(edges, self.values, side="right" if below else "left")
        held = np.zeros((slabs.count, len(edges) + 1))
        np.add.at(held, (of_slab, place), _as_whole_numbers(self.weights))
        summed = np.cumsum(held, axis=1)
        drawn = slab_draws @ summed
        total = drawn[:, -1:]
        shares = np.divide(
            drawn[:, :-1], total, out=np.full((len(drawn), len(edges)), math.nan), where=total > 0
        )
        whole = summed[:, :-1].sum(axis=0) / summed[:, -1].sum()
        found: NDArray[np.float64] = np.nan_to_num(shares - whole) * stretch(slabs.count)
        return found


def _as_whole_numbers(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights in steps of 2⁻⁴⁰ of their sum: sums of whole numbers are exact, so that a matrix
    product has the same bits on any number of threads.
    """
    total = float(weights.sum())
    found: NDArray[np.float64] = np.rint(weights * (2.0**40 / total)) if total > 0 else weights
    return found


def stretch(count: int) -> float:
    """Return the factor from the bootstrap of so many parts to Student's interval of their mean.

    Examples
    --------
    >>> round(stretch(3), 2), round(stretch(64), 2)
    (2.69, 1.03)
    """
    from scipy import stats

    return float(stats.t.ppf(0.975, count - 1)) / _NORMAL_95 * math.sqrt(count / (count - 1))


def state_deviations(
    shares: Sequence[NDArray[np.float64]],
    along: Sequence[NDArray[np.float64] | None],
    *,
    draws: int,
    seed: int,
    name: str,
) -> NDArray[np.float64] | None:
    """Return how far the mean share of a state can lie from that of its fibres, shape (draws,
    edges); None where nothing is known of it.

    Parameters
    ----------
    shares : sequence of array, shape (edges,)
        Of each fibre.
    along : sequence of array, shape (draws, edges)
        Deviations of each fibre along itself; None where not known.

    Notes
    -----
    One fibre: its deviations along itself. Several: fibres are drawn with replacement; where that
    scatters less than the fibres do along themselves, the latter count.
    """
    within = [one for one in along if one is not None]
    of_slabs: NDArray[np.float64] | None = None
    if len(within) == len(shares):
        of_slabs = np.sum(within, axis=0) / len(shares)
    if len(shares) < 2:
        return of_slabs
    count = len(shares)
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    chosen = rng.multinomial(count, np.full(count, 1 / count), size=draws) / count
    values = np.stack(shares)
    between: NDArray[np.float64] = (
        np.einsum("df,fe->de", chosen, values) - values.mean(axis=0)
    ) * stretch(count)
    if of_slabs is not None and np.abs(of_slabs).mean() > np.abs(between).mean():
        return of_slabs
    return between
