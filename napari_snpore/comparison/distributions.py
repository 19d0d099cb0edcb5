"""Distributions of the sizes of objects: Kolmogorov-Smirnov distances between states, and shares in
bins, both with an interval that says how much the fibres vary.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.comparison.slab_bootstrap import (
    FibreSizes,
    Slabs,
    slab_weights,
    slabs_of,
    state_deviations,
)
from napari_snpore.comparison.state_result import StateResult
from napari_snpore.compute import ShouldStop, check_stop
from napari_snpore.measurement.columns import column_of

Weighting = Literal["number", "volume"]
WEIGHTINGS: tuple[Weighting, ...] = ("number", "volume")

SIZES = ("length_nm", "width_nm", "aspect_ratio", "volume_nm3")
"""Columns of the tables of objects whose distributions are compared."""

DISTRIBUTION_COLUMNS = (
    "objects",
    "quantity",
    "unit",
    "weighting",
    "state_a",
    "state_b",
    "n_a",
    "n_b",
    "objects_a",
    "objects_b",
    "ks_distance",
    "low_95",
    "high_95",
    "below_error",
    "slabs_a",
    "slabs_b",
)

SHARE_COLUMNS = (
    "objects",
    "quantity",
    "unit",
    "weighting",
    "state",
    "n",
    "bin_from",
    "bin_to",
    "share_percent",
    "low_95",
    "high_95",
)

_GRID = 256
"""Places at which the scatter of a cumulative share is looked at; the distance itself is exact."""


def objects_that_count(table: pd.DataFrame, size: str) -> pd.DataFrame:
    """Return the objects whose size counts: those that the box does not cut and, for the aspect
    ratio, a statistic of shape, the resolved ones.
    """
    kept = table
    if "touches_border" in table:
        kept = kept[~kept["touches_border"].astype(bool)]
    if size == "aspect_ratio" and "resolved" in table:
        kept = kept[kept["resolved"].astype(bool)]
    finite: pd.DataFrame = kept[np.isfinite(kept[size].to_numpy(np.float64))]
    return finite


@dataclass(frozen=True, eq=False)
class StateObjects:
    """Objects of one phase in all fibres of one state.

    Parameters
    ----------
    state, phase : str
    fibres : tuple of StateResult
        Those that have objects of the phase.
    draws, seed : int
        Of the bootstrap.
    """

    state: str
    phase: str
    fibres: tuple[StateResult, ...]
    draws: int
    seed: int

    @cached_property
    def slabs(self) -> tuple[Slabs | None, ...]:
        """Slabs of each fibre."""
        found = []
        for fibre in self.fibres:
            table = fibre.objects[self.phase]
            centers = table.get("centroid_y_nm", pd.Series(dtype=np.float64)).to_numpy(np.float64)
            found.append(slabs_of(centers, fibre.tables.get("slabs"), self.phase))
        return tuple(found)

    @cached_property
    def slab_draws(self) -> tuple[NDArray[np.float64] | None, ...]:
        """How often each slab of each fibre is drawn."""
        return tuple(
            None
            if slabs is None
            else slab_weights(
                slabs, self.draws, seed=self.seed, name=f"{self.state}/{fibre.name}/{self.phase}"
            )
            for fibre, slabs in zip(self.fibres, self.slabs, strict=True)
        )

    def sizes(self, size: str, weighting: Weighting) -> list[FibreSizes]:
        """Return one size of the objects that count, for each fibre."""
        found = []
        for fibre in self.fibres:
            kept = objects_that_count(fibre.objects[self.phase], size)
            values = kept[size].to_numpy(np.float64)
            weights = np.ones(len(kept))
            if weighting == "volume":
                weights = kept["volume_nm3"].to_numpy(np.float64)
            places = np.zeros(len(kept))
            if "centroid_y_nm" in kept:
                places = kept["centroid_y_nm"].to_numpy(np.float64)
            found.append(FibreSizes(values, weights, places))
        return found

    def spread(
        self, fibres: Sequence[FibreSizes], edges: NDArray[np.float64], *, below: bool = False
    ) -> NDArray[np.float64] | None:
        """Return the deviations of the state's cumulative shares, shape (draws, edges); None where
        they are not known.
        """
        some = [k for k, fibre in enumerate(fibres) if len(fibre.values)]
        along = []
        for k in some:
            slabs, drawn = self.slabs[k], self.slab_draws[k]
            known = slabs is not None and drawn is not None
            along.append(
                fibres[k].deviations(edges, slabs, drawn, below=below) if known else None  # type: ignore[arg-type]
            )
        if not some:
            return None
        shares = [fibres[k].cumulative(edges, below=below) for k in some]
        name = f"{self.state}/{self.phase}"
        return state_deviations(shares, along, draws=self.draws, seed=self.seed, name=name)


def state_objects(
    results: Mapping[str, Sequence[StateResult]], *, draws: int, seed: int
) -> dict[str, list[StateObjects]]:
    """Return the objects of every phase by state, phases and states in the order given; states
    without a table of a phase are left out.
    """
    phases = dict.fromkeys(
        phase for fibres in results.values() for fibre in fibres for phase in fibre.objects
    )
    found: dict[str, list[StateObjects]] = {}
    for phase in phases:
        for state, fibres in results.items():
            having = tuple(fibre for fibre in fibres if phase in fibre.objects)
            if having:
                found.setdefault(phase, []).append(StateObjects(state, phase, having, draws, seed))
    return found


def _fibres_that_count(fibres: Sequence[FibreSizes]) -> int:
    """Return how many fibres have an object: the others have no part in the mean."""
    return sum(len(fibre.values) > 0 for fibre in fibres)


def mean_cumulative(
    fibres: Sequence[FibreSizes], edges: NDArray[np.float64], *, below: bool = False
) -> NDArray[np.float64]:
    """Return the share up to each edge, the mean of the fibres; nan without an object."""
    shares = [fibre.cumulative(edges, below=below) for fibre in fibres if len(fibre.values)]
    return np.mean(shares, axis=0) if shares else np.full(len(edges), math.nan)


def distances_table(
    objects: Mapping[str, Sequence[StateObjects]], *, should_stop: ShouldStop | None = None
) -> pd.DataFrame:
    """Return the Kolmogorov-Smirnov distance of every size between every two states, columns
    :data:`DISTRIBUTION_COLUMNS`.

    Notes
    -----
    A state's distribution is the mean of its fibres' ones. The interval is distance ± c, with c the 95
    percentile of the greatest distance between the deviations of both states (slabs drawn with
    replacement, or fibres); the true distance lies within it because distances obey the triangle
    inequality. It says how much the fibres vary, not what the reconstruction does to sizes.
    """
    rows = []
    for phase, states in objects.items():
        for size in SIZES:
            for weighting in WEIGHTINGS:
                check_stop(should_stop)
                for found in distances_of_size(states, size, weighting):
                    rows.append({"objects": phase, **found})
    table = pd.DataFrame(rows, columns=list(DISTRIBUTION_COLUMNS))
    return table.astype({"below_error": "boolean"})


def distances_of_size(
    states: Sequence[StateObjects], size: str, weighting: Weighting
) -> list[dict[str, Any]]:
    """Return the rows of one size; see :func:`distances_table`."""
    states = [one for one in states if all(size in f.objects[one.phase] for f in one.fibres)]
    fibres = [one.sizes(size, weighting) for one in states]
    values = [np.concatenate([fibre.values for fibre in of_state]) for of_state in fibres]
    every = np.concatenate([*values, np.zeros(0)])
    grid = np.quantile(every, np.linspace(0, 1, _GRID)) if len(every) else every
    spreads = [one.spread(part, grid) for one, part in zip(states, fibres, strict=True)]
    rows = []
    for a, b in combinations(range(len(states)), 2):
        edges = np.union1d(values[a], values[b])
        distance, reach = math.nan, math.nan
        if len(values[a]) and len(values[b]):
            apart = mean_cumulative(fibres[a], edges) - mean_cumulative(fibres[b], edges)
            distance = float(np.abs(apart).max())
            of_a, of_b = spreads[a], spreads[b]
            if of_a is not None and of_b is not None:
                reach = float(np.quantile(np.abs(of_a - of_b).max(axis=1), 0.95))
        known = math.isfinite(reach)
        rows.append(
            {
                "quantity": column_of(size).words,
                "unit": column_of(size).unit,
                "weighting": weighting,
                "state_a": states[a].state,
                "state_b": states[b].state,
                "n_a": _fibres_that_count(fibres[a]),
                "n_b": _fibres_that_count(fibres[b]),
                "objects_a": len(values[a]),
                "objects_b": len(values[b]),
                "ks_distance": distance,
                "low_95": max(distance - reach, 0.0) if known else math.nan,
                "high_95": min(distance + reach, 1.0) if known else math.nan,
                "below_error": bool(distance <= reach) if known else None,
                "slabs_a": _slabs_in_words(states[a]),
                "slabs_b": _slabs_in_words(states[b]),
            }
        )
    return rows


def _slabs_in_words(one: StateObjects) -> str:
    return ", ".join("0" if slabs is None else str(slabs.count) for slabs in one.slabs)


def shares_table(
    objects: Mapping[str, Sequence[StateObjects]],
    bins: Mapping[str, NDArray[np.float64]],
    *,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Return the share of objects in bins for every state, columns :data:`SHARE_COLUMNS`.

    A bin holds its lower edge; what lies beyond the last one has a row to infinity, and the aspect
    ratio 1 belongs to its last bin. The interval is that of the mean of the fibres, as in
    :func:`distances_table`.
    """
    rows = []
    for phase, states in objects.items():
        for one in states:
            for size, edges in bins.items():
                check_stop(should_stop)
                if not all(size in fibre.objects[phase] for fibre in one.fibres):
                    continue
                for weighting in WEIGHTINGS:
                    for found in _shares(one, size, edges, weighting):
                        rows.append({"objects": phase, **found})
    return pd.DataFrame(rows, columns=list(SHARE_COLUMNS))


def _shares(
    one: StateObjects, size: str, edges: NDArray[np.float64], weighting: Weighting
) -> list[dict[str, Any]]:
    fibres = one.sizes(size, weighting)
    ends = np.append(edges, math.inf)
    if size == "aspect_ratio":
        ends = np.append(edges[:-1], np.nextafter(edges[-1], 2.0))
    shares = np.diff(mean_cumulative(fibres, ends, below=True))
    spread = one.spread(fibres, ends, below=True)
    half = np.full(len(shares), math.nan)
    if spread is not None:
        half = 1.96 * np.diff(spread, axis=1).std(axis=0)
    last = len(shares) - 1
    return [
        {
            "quantity": column_of(size).words,
            "unit": column_of(size).unit,
            "weighting": weighting,
            "state": one.state,
            "n": _fibres_that_count(fibres),
            "bin_from": float(ends[k]),
            "bin_to": float(edges[-1] if size == "aspect_ratio" and k == last else ends[k + 1]),
            "share_percent": 100 * float(shares[k]),
            "low_95": 100 * float(max(shares[k] - half[k], 0.0)),
            "high_95": 100 * float(min(shares[k] + half[k], 1.0)),
        }
        for k in range(len(shares))
    ]
