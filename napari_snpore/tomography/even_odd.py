"""Fourier shell correlation between reconstructions from the even and from the odd tilts of a
series.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from napari_snpore.compute import Progress, ShouldStop, share_of
from napari_snpore.errors import InputError
from napari_snpore.tomography._shell_kernels import DIRECTIONS
from napari_snpore.tomography.options import Method, Options, Wbp, options_of
from napari_snpore.tomography.reconstruction import Backend, reconstruct
from napari_snpore.tomography.shell_correlation import (
    FEWEST_VOXELS,
    ShellCorrelation,
    fourier_shell_correlation,
)
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.volume import Volume

MOST_SLICES = 96
FEWEST_TILTS = 6
_SHELLS_SHARE = 0.1  # of the work of one method, for its shell correlation


@dataclass(frozen=True, eq=False)
class EvenOdd:
    """Fourier shell correlations between the halves of a tilt series, each with twice its tilt
    step.

    Attributes
    ----------
    curves : dict
        By method, the reconstruction's own first, always with ``wbp``. Only that of weighted
        backprojection speaks of resolution: iterative methods put the same prior (no negative
        values, few edges) into both halves, so that theirs is a measure of consistency.
    slices : (int, int)
        First and last (excluded) slice along the tilt axis that took part.
    """

    curves: dict[str, ShellCorrelation]
    slices: tuple[int, int]

    def table(self) -> pd.DataFrame:
        """Return all curves: ``method, meaning`` and the columns of :class:`ShellCorrelation`."""
        parts = []
        for method, curve in self.curves.items():
            part = curve.table.copy()
            part.insert(0, "method", method)
            part.insert(1, "meaning", meaning_of(method))
            parts.append(part)
        return pd.concat(parts, ignore_index=True)

    def as_dict(self) -> dict[str, Any]:
        """Return the crossings of the half-bit curve in nm, by method and direction; nan where
        ``outcome`` is not crossed.
        """
        return {
            "slices": list(self.slices),
            **{
                method: {
                    "meaning": meaning_of(method),
                    "resolution_nm": {name: curve.resolution_nm(name) for name in DIRECTIONS},
                    "outcome": {name: curve.outcome(name) for name in DIRECTIONS},
                    "finest_nm": curve.finest_nm,
                }
                for method, curve in self.curves.items()
            },
        }


def meaning_of(method: str) -> str:
    """Return what a curve of a method speaks of."""
    return "resolution" if method == "wbp" else "consistency"


def even_odd_correlation(
    series: TiltSeries,
    *,
    method: Method | Options = "sirt",
    iterations: int | None = None,
    thickness_px: int | None = None,
    backend: Backend = "auto",
    most_slices: int = MOST_SLICES,
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> EvenOdd:
    """Reconstruct from every other tilt, twice, and correlate (after Cardone et al., J. Struct.
    Biol. 151 (2005) 117).

    Each half has half of the dose and twice the tilt step, so that the whole reconstruction
    resolves at least as much.

    Parameters
    ----------
    series : TiltSeries
        Aligned, with at least 6 tilts; they are sorted by angle before they are dealt out.
    method, iterations, thickness_px, backend
        As in :func:`~napari_snpore.tomography.reconstruction.reconstruct`; with any method but
        ``wbp`` the curve of ``wbp`` is given as well.
    most_slices : int
        At most this many slices in the middle along the tilt axis are used, which makes it
        affordable beside the volume.
    threads, progress, should_stop
        As there; ``progress`` counts thousandths of the work.

    Returns
    -------
    EvenOdd

    Raises
    ------
    InputError
        Fewer than 6 tilts, fewer than 8 slices or voxels along z, or whatever ``reconstruct``
        refuses.
    """
    last = min(series.shape[1], (series.shape[1] + most_slices) // 2)
    first = max(0, last - most_slices)
    if last - first < FEWEST_VOXELS:
        raise InputError(
            f"The tilt series has {last} slices; a Fourier shell correlation needs at least {FEWEST_VOXELS}."
        )
    options = options_of(method, iterations)
    chosen: list[Options] = [options] if isinstance(options, Wbp) else [options, Wbp()]
    curves = {}
    for index, one in enumerate(chosen):
        start, end = index / len(chosen), (index + 1) / len(chosen)
        middle = end - _SHELLS_SHARE / len(chosen)
        halves = even_odd_volumes(
            series,
            slices=(first, last),
            method=one,
            thickness_px=thickness_px,
            backend=backend,
            threads=threads,
            progress=share_of(progress, start, middle),
            should_stop=should_stop,
        )
        curves[str(one.name)] = fourier_shell_correlation(
            *halves,
            angles_deg=series.angles_deg,
            threads=threads,
            progress=share_of(progress, middle, end),
            should_stop=should_stop,
        )
    return EvenOdd(curves, (first, last))


def even_odd_volumes(
    series: TiltSeries,
    *,
    slices: tuple[int, int] | None = None,
    method: Method | Options = "sirt",
    iterations: int | None = None,
    thickness_px: int | None = None,
    backend: Backend = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> tuple[Volume, Volume]:
    """Reconstruct two volumes that share no image: from the even and from the odd tilts, in the
    order of their angles.

    Parameters
    ----------
    series : TiltSeries
        Aligned, with at least 6 tilts.
    slices : (int, int), optional
        First and last (excluded) slice along the tilt axis; default all.
    method, iterations, thickness_px, backend, threads, progress, should_stop
        As in :func:`even_odd_correlation`.

    Returns
    -------
    (Volume, Volume)
        float32, shape (z, slices, x).

    Raises
    ------
    InputError
        Fewer than 6 tilts, or whatever ``reconstruct`` refuses.
    """
    order = np.argsort(series.angles_deg, kind="stable")
    if len(order) < FEWEST_TILTS:
        raise InputError(
            f"The tilt series has {len(order)} images; even and odd halves need at least {FEWEST_TILTS}."
        )
    first, last = slices or (0, series.shape[1])
    volumes = []
    for half in (0, 1):
        tilts = order[half::2]
        images = np.stack([np.asarray(series.images[tilt][first:last]) for tilt in tilts])
        part = replace(series, images=images, angles_deg=series.angles_deg[tilts], history=())
        volumes.append(
            reconstruct(
                part,
                method=method,
                iterations=iterations,
                thickness_px=thickness_px,
                backend=backend,
                threads=threads,
                progress=share_of(progress, half / 2, (half + 1) / 2),
                should_stop=should_stop,
            )
        )
    return volumes[0], volumes[1]
