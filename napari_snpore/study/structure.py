"""Tables of the structure of the phases: neighbours, correlation, cube sizes and diffusivity."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.measurement.correlation import two_point_correlation
from napari_snpore.measurement.cube_sizes import cube_fractions
from napari_snpore.measurement.diffusion import Direction, effective_diffusivity
from napari_snpore.measurement.neighbors import nearest_neighbors
from napari_snpore.measurement.networks import geodesic_tortuosity
from napari_snpore.memory import NotEnoughMemoryError
from napari_snpore.segmentation.phases import PORE
from napari_snpore.subvolume import extract_subvolume, region_in_words
from napari_snpore.volume import Triple, Volume

Jobs = dict[str, Callable[[], pd.DataFrame]]

CUBE_SIZES, DIFFUSIVITY = "cube_sizes", "diffusivity"
"""Names of tables."""

_CORE = 0.25
"""Radius of the core, from which pores are followed to the surface, over that of the fibre."""

_AXES: tuple[Direction, ...] = ("z", "y", "x")

DIFFUSIVITY_COLUMNS = (
    "region",
    "direction",
    "fraction_percent",
    "connected_percent",
    "relative_diffusivity",
    "tortuosity_factor",
    "flux_error",
    "iterations",
    "geodesic_tortuosity",
    "geodesic_reached_percent",
    "note",
)


def nearest_name(objects: str) -> str:
    """Return the name of the table of neighbours of a set of objects, such as ``nearest_sn``."""
    return f"nearest_{objects.lower()}"


def correlation_name(phase: str) -> str:
    """Return the name of the table of the correlation of a phase, such as ``correlation_pore``."""
    return f"correlation_{phase.lower()}"


def structure_jobs(
    phases: Volume,
    names: Sequence[str],
    labels: Mapping[str, Volume],
    *,
    cut_axes: Sequence[int],
    should_stop: ShouldStop | None,
) -> Jobs:
    """Return the tables of neighbours, correlation and cube sizes, by name, to be made.

    Parameters
    ----------
    phases : Volume of uint8, shape (z, y, x)
        0 exterior, 1..N phases.
    names : sequence of str
        Of the phases; correlation and cubes are of the first, the pores.
    labels : mapping of str to Volume
        Objects whose neighbours are measured.
    cut_axes : sequence of int
        Array axes along which the fibre extends beyond the box.
    should_stop : callable, optional
        See :mod:`napari_snpore.compute`.
    """
    jobs: Jobs = {}
    for name, objects in labels.items():
        jobs[nearest_name(name)] = lambda objects=objects: nearest_neighbors(  # type: ignore[misc]
            objects, cut_axes=cut_axes, should_stop=should_stop
        )
    jobs[correlation_name(names[PORE - 1])] = lambda: two_point_correlation(
        phases, phase=PORE, should_stop=should_stop
    )
    jobs[CUBE_SIZES] = lambda: cube_fractions(phases, phase=PORE, should_stop=should_stop)
    return jobs


def structure_tables(
    phases: Volume,
    names: Sequence[str],
    labels: Mapping[str, Volume],
    *,
    cut_axes: Sequence[int],
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> dict[str, pd.DataFrame]:
    """Return the tables of neighbours, correlation and cube sizes by name; one that the memory does not
    allow is left out.

    Parameters
    ----------
    phases, names, labels, cut_axes
        As :func:`structure_jobs` takes them.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`; progress counts tables.

    Examples
    --------
    >>> import numpy as np
    >>> phases = Volume(np.ones((4, 4, 4), np.uint8), (1.0, 1.0, 1.0))
    >>> sorted(structure_tables(phases, ("pore",), {}, cut_axes=(1,)))
    ['correlation_pore', 'cube_sizes']
    """
    jobs = structure_jobs(phases, names, labels, cut_axes=cut_axes, should_stop=should_stop)
    tables: dict[str, pd.DataFrame] = {}
    for done, (name, job) in enumerate(jobs.items(), 1):
        check_stop(should_stop)
        with suppress(NotEnoughMemoryError):
            tables[name] = job()
        if progress is not None:
            progress(done, len(jobs))
    return tables


def diffusivity_table(
    phases: Volume,
    *,
    radius_nm: float,
    has_exterior: bool,
    boxes: Mapping[str, tuple[Triple, float | Triple]],
    should_stop: ShouldStop | None,
) -> pd.DataFrame:
    """Return the effective diffusivity of the pores: of the whole along the fibre and from its core to
    its surface, and of the cubes along each axis.

    Parameters
    ----------
    phases : Volume of uint8, shape (z, y, x)
        0 exterior, 1 pore; the fibre lies along y.
    radius_nm : float
        Of the fibre; the core has a quarter of it.
    has_exterior : bool
        Whether there is a surface.
    boxes : mapping of str to (center, edge)
        Cubes, in nm.
    should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    DataFrame
        ``region, direction, fraction_percent`` (pore of the body), ``connected_percent`` (of the pore),
        ``relative_diffusivity, tortuosity_factor, flux_error, iterations``; from core to surface also
        ``geodesic_tortuosity, geodesic_reached_percent``; ``note``: why a row has no numbers.
    """
    rows = [_row("whole", phases, "y", should_stop)]
    if has_exterior:
        core = _CORE * radius_nm
        rows.append(_row("whole", phases, "surface", should_stop, core_nm=core))
        paths = geodesic_tortuosity(phases, core_nm=core, should_stop=should_stop)
        rows[-1] |= {
            "geodesic_tortuosity": paths["tortuosity"],
            "geodesic_reached_percent": paths["reached_percent"],
        }
    for name, (center, size) in boxes.items():
        part = extract_subvolume(phases, center_nm=center, size_nm=size)
        words = region_in_words(name, size)
        rows += [_row(words, part, axis, should_stop) for axis in _AXES]
    return pd.DataFrame(rows, columns=list(DIFFUSIVITY_COLUMNS))


def _row(
    region: str,
    phases: Volume,
    direction: Direction,
    should_stop: ShouldStop | None,
    *,
    core_nm: float | None = None,
) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(DIFFUSIVITY_COLUMNS, math.nan)
    row |= {"region": region, "direction": direction, "iterations": 0, "note": ""}
    if not np.any(phases.data):
        return row | {"note": "all exterior"}
    try:
        found = effective_diffusivity(
            phases, direction=direction, core_nm=core_nm, should_stop=should_stop
        )
    except NotEnoughMemoryError as error:  # a measurement is not lost for one of its rows
        return row | {"note": str(error)}
    numbers = asdict(found)
    return row | {
        "fraction_percent": 100 * numbers["volume_fraction"],
        "connected_percent": 100 * numbers["connected_share"],
        **{name: numbers[name] for name in DIFFUSIVITY_COLUMNS if name in numbers},
    }
