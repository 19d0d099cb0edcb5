"""Even against odd tilts: two reconstructions that share no image, and how far in frequency they agree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.tomography.shell_correlation import ShellCorrelation, fourier_shell_correlation
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
        """Return the crossings of the half-bit curve in nm, by method and direction; nan: none or no data."""
        return {
            "slices": list(self.slices),
            **{
                method: {
                    "meaning": meaning_of(method),
                    "resolution_nm": {name: curve.resolution_nm(name) for name in ("all", "x", "y", "z")},
                    "reaches_nyquist": curve.reaches_nyquist(),
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
    method: str = "sirt",
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
    **options: Any,
) -> EvenOdd:
    """Reconstruct from every other tilt, twice, and correlate.

    Parameters
    ----------
    series : TiltSeries
        Aligned, with at least 6 tilts; they are sorted by angle before they are dealt out.
    method
        As in :func:`~napari_snpore.tomography.reconstruct`; with any but ``wbp`` the curve of ``wbp`` stands beside it.
    threads, progress, should_stop
        As there; ``progress`` counts the reconstructions.
    **options
        Further options of ``reconstruct``.

    Returns
    -------
    EvenOdd
        Of the middle 96 slices along the tilt axis at most, which makes it affordable beside the whole volume.

    Raises
    ------
    InputError
        Fewer than 6 tilts, or whatever ``reconstruct`` refuses.
    """
    order = np.argsort(series.angles_deg, kind="stable")
    if len(order) < FEWEST_TILTS:
        raise InputError(f"The tilt series has {len(order)} images; even and odd halves need at least {FEWEST_TILTS}.")
    slices = series.shape[1]
    first = max(0, (slices - MOST_SLICES) // 2)
    last = min(slices, first + MOST_SLICES)
    plans = (
        {method: options}
        if method == "wbp"
        else {method: options, "wbp": {"thickness_px": options.get("thickness_px")}}
    )
    curves = {}
    done, total = 0, 2 * len(plans)
    for name, chosen in plans.items():
        halves = []
        for half in (0, 1):
            halves.append(_half(series, order[half::2], (first, last), name, threads, should_stop, chosen))
            done += 1
            if progress is not None:
                progress(done, total)
        curves[name] = fourier_shell_correlation(*halves, angles_deg=series.angles_deg, threads=threads)
    return EvenOdd(curves, (first, last))


def _half(
    series: TiltSeries,
    tilts: Any,
    slices: tuple[int, int],
    method: str,
    threads: int | None,
    should_stop: ShouldStop | None,
    options: dict[str, Any],
) -> Volume:
    images = np.stack([np.asarray(series.images[tilt][slices[0] : slices[1]]) for tilt in tilts])
    half = replace(series, images=images, angles_deg=series.angles_deg[tilts], history=())
    return reconstruct(half, method=method, threads=threads, should_stop=should_stop, **options)  # type: ignore[arg-type]
