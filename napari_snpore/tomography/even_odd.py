"""Even against odd tilts: two reconstructions that share no image, and how far in frequency they agree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.tomography._shell_kernels import DIRECTIONS
from napari_snpore.tomography.reconstruction import Method, reconstruct
from napari_snpore.tomography.shell_correlation import FEWEST_VOXELS, ShellCorrelation, fourier_shell_correlation
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.volume import Volume

MOST_SLICES = 96
FEWEST_TILTS = 6


@dataclass(frozen=True, eq=False)
class EvenOdd:
    """Fourier shell correlations between the halves of a tilt series, each with twice its tilt step.

    Attributes
    ----------
    curves : dict
        By method, the reconstruction's own first, always with ``wbp``. Only that of weighted backprojection speaks of
        resolution: iterative methods put the same prior (no negative values, few edges) into both halves, so that theirs is a
        measure of consistency.
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
        """Return the crossings of the half-bit curve in nm, by method and direction; nan where ``outcome`` is not crossed."""
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
    method: Method = "sirt",
    most_slices: int = MOST_SLICES,
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
    **options: Any,
) -> EvenOdd:
    """Reconstruct from every other tilt, twice, and correlate (after Cardone et al., J. Struct. Biol. 151 (2005) 117).

    Each half has half of the dose and twice the tilt step, so that the whole reconstruction resolves at least as much.

    Parameters
    ----------
    series : TiltSeries
        Aligned, with at least 6 tilts; they are sorted by angle before they are dealt out.
    method
        As in :func:`~napari_snpore.tomography.reconstruct`; with any but ``wbp`` the curve of ``wbp`` stands beside it.
    most_slices : int
        So many in the middle along the tilt axis take part at most, which makes it affordable beside the whole volume.
    threads, progress, should_stop
        As there; ``progress`` counts the reconstructions.
    **options
        Further options of ``reconstruct``, but none that holds a volume of its own.

    Returns
    -------
    EvenOdd

    Raises
    ------
    InputError
        Fewer than 6 tilts, fewer than 8 slices or voxels along z, or whatever ``reconstruct`` refuses.
    """
    last = min(series.shape[1], (series.shape[1] + most_slices) // 2)
    first = max(0, last - most_slices)
    if last - first < FEWEST_VOXELS:
        raise InputError(
            f"The tilt series has {last} slices; a Fourier shell correlation needs at least {FEWEST_VOXELS}."
        )
    plans: dict[Method, dict[str, Any]] = {method: options}
    if method != "wbp":
        plans["wbp"] = {"thickness_px": options.get("thickness_px")}
    curves = {}
    for index, (name, chosen) in enumerate(plans.items()):
        halves = even_odd_volumes(
            series,
            slices=(first, last),
            method=name,
            threads=threads,
            progress=None if progress is None else partial(_report, progress, 2 * index, 2 * len(plans)),
            should_stop=should_stop,
            **chosen,
        )
        curves[str(name)] = fourier_shell_correlation(*halves, angles_deg=series.angles_deg, threads=threads)
    return EvenOdd(curves, (first, last))


def _report(progress: Progress, before: int, total: int, done: int, _: int) -> None:
    progress(before + done, total)


def even_odd_volumes(
    series: TiltSeries,
    *,
    slices: tuple[int, int] | None = None,
    method: Method = "sirt",
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
    **options: Any,
) -> tuple[Volume, Volume]:
    """Reconstruct two volumes that share no image: from the even and from the odd tilts, in the order of their angles.

    Parameters
    ----------
    series : TiltSeries
        Aligned, with at least 6 tilts.
    slices : (int, int), optional
        First and last (excluded) slice along the tilt axis; default all.
    method, threads, progress, should_stop
        As in :func:`even_odd_correlation`.
    **options
        Further options of ``reconstruct``.

    Returns
    -------
    (Volume, Volume)
        float32, shape (z, slices, x).

    Raises
    ------
    InputError
        Fewer than 6 tilts, an option that would put the same volume into both halves, or whatever ``reconstruct`` refuses.
    """
    order = np.argsort(series.angles_deg, kind="stable")
    if len(order) < FEWEST_TILTS:
        raise InputError(f"The tilt series has {len(order)} images; even and odd halves need at least {FEWEST_TILTS}.")
    shared = sorted(
        {"initial", "out", "support", "callback", "partial"} & {k for k, v in options.items() if v is not None}
    )
    if shared:
        raise InputError(f"{shared[0]} is not for even and odd halves: they must share nothing but the geometry.")
    first, last = slices or (0, series.shape[1])
    volumes = []
    for half in (0, 1):
        tilts = order[half::2]
        images = np.stack([np.asarray(series.images[tilt][first:last]) for tilt in tilts])
        part = replace(series, images=images, angles_deg=series.angles_deg[tilts], history=())
        volumes.append(reconstruct(part, method=method, threads=threads, should_stop=should_stop, **options))
        if progress is not None:
            progress(half + 1, 2)
    return volumes[0], volumes[1]
