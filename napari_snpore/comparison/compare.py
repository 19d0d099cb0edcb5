"""Comparison of states from the tables of their fibres."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from napari_snpore.comparison.bins import PAPER_BINS
from napari_snpore.comparison.carbon_shift import (
    CARBON_SHIFT,
    carbon_shift_errors,
    sodiated_states,
)
from napari_snpore.comparison.checks import checked_results
from napari_snpore.comparison.conditions import condition_notes
from napari_snpore.comparison.distributions import (
    SIZES,
    distances_table,
    shares_table,
    state_objects,
)
from napari_snpore.comparison.notes import (
    carbon_notes,
    cube_notes,
    distribution_notes,
    fibre_notes,
    number_notes,
    same_fibre_notes,
)
from napari_snpore.comparison.number_tables import (
    differences_table,
    numbers_of_states,
    states_table,
)
from napari_snpore.comparison.state_result import StateResult
from napari_snpore.comparison.structure_numbers import with_structure
from napari_snpore.compute import ShouldStop, check_stop
from napari_snpore.errors import InputError

_FEWEST_DRAWS = 100
"""Of the bootstrap: five of them lie beyond the 95 percentile."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """States side by side.

    Parameters
    ----------
    states : DataFrame
        ``state, n`` and the columns of ``numbers.csv``: one row per state and number, states in the
        order given (``states.csv``).
    differences : DataFrame
        ``quantity, unit, state_a, state_b, n_a, n_b, difference, low_95, high_95, below_error,
        p_welch, p_holm, effect_size, effect_low_95, effect_high_95, compared, calibrated``
        (``differences.csv``). ``difference`` is b − a, in percentage points for percentages;
        ``below_error``: its interval holds 0, empty where there is none; p and effect size
        (Hedges' g) only with two fibres and more in both states; ``compared``: ``corrected`` or
        ``value``.
    distributions : DataFrame
        ``objects, quantity, unit, weighting, state_a, state_b, n_a, n_b, objects_a, objects_b,
        ks_distance, low_95, high_95, below_error, slabs_a, slabs_b``: Kolmogorov-Smirnov distances of the
        sizes of objects, by number and by volume (``distributions.csv``).
    shares : DataFrame
        ``objects, quantity, unit, weighting, state, n, bin_from, bin_to, share_percent, low_95,
        high_95``: histograms of the sizes.
    notes : tuple of str
        Sentences on what differs between the states, and on what the numbers do not hold.
    results : mapping of str to tuple of StateResult
        The fibres of each state, in the order given.
    seed : int
        Of the bootstrap.
    """

    states: pd.DataFrame
    differences: pd.DataFrame
    distributions: pd.DataFrame
    shares: pd.DataFrame
    notes: tuple[str, ...] = ()
    results: Mapping[str, tuple[StateResult, ...]] = field(default_factory=dict)
    seed: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The states, in the order given."""
        return tuple(self.results)

    def table(self, name: str) -> pd.DataFrame:
        """Return one table of all fibres below each other, after the columns ``state, fibre``:
        ``"profile"`` or a name of ``StateResult.tables``; empty where no fibre has it.
        """
        parts = []
        for state, fibres in self.results.items():
            for fibre in fibres:
                one = fibre.profile if name == "profile" else fibre.tables.get(name)
                if one is not None and len(one):
                    part = one.copy()
                    part.insert(0, "state", state)
                    part.insert(1, "fibre", fibre.name)
                    parts.append(part)
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def compare_states(
    results: Mapping[str, Sequence[StateResult]],
    *,
    seed: int = 0,
    draws: int = 1000,
    bins: Mapping[str, ArrayLike] | None = None,
    sodiated: Sequence[str] | None = None,
    carbon_shift: float = CARBON_SHIFT,
    should_stop: ShouldStop | None = None,
) -> Comparison:
    """Compare states by the finished runs of their fibres.

    Parameters
    ----------
    results : mapping of str to sequence of StateResult
        The fibres of each state, states in the order in which they are to be shown. The fibre is
        the replicate: one or more per state.
    seed, draws : int
        Of the bootstrap that says how much the sizes of objects vary along a fibre.
    bins : mapping of str to array of float, optional
        Edges of the histograms: ``length_nm, width_nm, aspect_ratio, volume_nm3``, nm and nm³.
        Default: those of the source paper,
        :data:`~napari_snpore.comparison.bins.PAPER_BINS`.
    sodiated : sequence of str, optional
        States whose carbon holds sodium; default: those whose name says so.
    carbon_shift : float
        By which share of the carbon level the grey values of a sodiated state may be off: an error of
        the differences against it, see :mod:`~napari_snpore.comparison.carbon_shift`.
    should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    Comparison
        The same for the same input and seed, whatever the number of threads.

    Raises
    ------
    InputError
        No state or fibre, a fibre twice in a state, tables without their columns, an option out of
        range.

    Notes
    -----
    Numbers of the structure (distances between neighbours, correlation length, effective diffusivity) are
    taken from ``StateResult.tables`` where they are there, without intervals.

    With one fibre in a state a difference has an interval from the intervals of both, and neither p
    nor effect size. With several it is Welch's, beside p adjusted by Holm for the whole table and
    Hedges' g. In full: docs/compare.md.

    Examples
    --------
    >>> import pandas as pd
    >>> from napari_snpore.uncertainty.number_table import NUMBER_COLUMNS
    >>> def fibre(name, pore, error):
    ...     row = ["pore fraction, whole", "%", pore, *[math.nan] * 2, pore - error, pore + error,
    ...            *[math.nan] * 2, "", "yes", "none"]
    ...     return StateResult(name, pd.DataFrame([row], columns=list(NUMBER_COLUMNS)))
    >>> found = compare_states({"pristine": [fibre("a", 30.0, 3.0)], "sodiated": [fibre("b", 24.0, 4.0)]})
    >>> found.differences[["difference", "low_95", "high_95", "below_error"]].values.tolist()
    [[-6.0, -11.0, -1.0, False]]
    """
    fibres = {
        state: tuple(map(with_structure, of_state))
        for state, of_state in checked_results(results).items()
    }
    edges = _checked_bins(bins)
    _check_options(seed, draws, carbon_shift)
    numbers = numbers_of_states(fibres)
    shifted = _checked_sodiated(sodiated, list(fibres))
    extra = {state: carbon_shift_errors(fibres[state], carbon_shift) for state in shifted}
    differences = differences_table(numbers, extra)
    check_stop(should_stop)
    objects = state_objects(fibres, draws=draws, seed=seed)
    several = len(fibres) > 1
    notes = [
        *same_fibre_notes(fibres),
        *fibre_notes(fibres, differences),
        *condition_notes(fibres),
        *(carbon_notes(shifted, extra, carbon_shift) if several and carbon_shift else ()),
        *number_notes(numbers, fibres),
        *distribution_notes(objects),
        *cube_notes(fibres),
    ]
    return Comparison(
        states_table(numbers),
        differences,
        distances_table(objects, should_stop=should_stop),
        shares_table(objects, edges, should_stop=should_stop),
        tuple(notes),
        fibres,
        seed,
    )


def _check_options(seed: int, draws: int, carbon_shift: float) -> None:
    if seed < 0:
        raise InputError(f"seed is {seed}; 0 or more is needed.")
    if draws < _FEWEST_DRAWS:
        raise InputError(f"draws is {draws}; {_FEWEST_DRAWS} or more are needed.")
    if not 0 <= carbon_shift < 1:
        raise InputError(f"carbon_shift is {carbon_shift}; a share from 0 to below 1 is needed.")


def _checked_sodiated(given: Sequence[str] | None, states: Sequence[str]) -> list[str]:
    if given is None:
        return sodiated_states(states)
    unknown = [name for name in given if name not in states]
    if unknown:
        raise InputError(f"sodiated names '{unknown[0]}'; the states are {', '.join(states)}.")
    return [name for name in states if name in given]


def _checked_bins(bins: Mapping[str, ArrayLike] | None) -> dict[str, NDArray[np.float64]]:
    found = {}
    for size, edges in (PAPER_BINS if bins is None else bins).items():
        if size not in SIZES:
            raise InputError(f"bins names {size!r}; {', '.join(SIZES)} are possible.")
        values = np.asarray(edges, np.float64)
        increasing = values.ndim == 1 and len(values) > 1 and bool((np.diff(values) > 0).all())
        if not (increasing and math.isfinite(values.sum())):
            raise InputError(f"The bins of {size} need two edges or more that increase.")
        found[size] = values
    return found
