"""Comparison of states from the tables of their fibres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from napari_snpore.comparison.state_result import StateResult


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
        p_welch, p_holm, effect_size, effect_low_95, effect_high_95``; ``difference`` is b − a
        (``differences.csv``).
    distributions : DataFrame
        Kolmogorov-Smirnov distances of the sizes of objects (``distributions.csv``).
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
    notes: tuple[str, ...] = ()
    results: Mapping[str, tuple[StateResult, ...]] = field(default_factory=dict)
    seed: int = 0


def compare_states(results: Mapping[str, Sequence[StateResult]], *, seed: int = 0) -> Comparison:
    """Return states side by side; see :class:`Comparison`."""
    raise NotImplementedError
