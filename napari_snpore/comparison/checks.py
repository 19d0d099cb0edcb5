"""Checks of the fibres that are to be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from napari_snpore.comparison.distributions import SIZES
from napari_snpore.comparison.state_result import StateResult
from napari_snpore.errors import InputError
from napari_snpore.uncertainty.number_table import NUMBER_COLUMNS

_NUMERIC = ("value", "twin_bias", "corrected", "low_95", "high_95", "fibre_low_95", "fibre_high_95")


def checked_results(
    results: Mapping[str, Sequence[StateResult]],
) -> dict[str, tuple[StateResult, ...]]:
    """Return the fibres of each state.

    Raises
    ------
    InputError
        No state, a state without a fibre or a name, a fibre that counts twice, a table without its
        columns.
    """
    if not results:
        raise InputError("There is no state to compare; give one or more, each with its fibres.")
    found = {}
    for state, fibres in results.items():
        if not str(state).strip():
            raise InputError("A state has no name; each needs one of its own.")
        if not fibres:
            raise InputError(f"The state '{state}' has no fibre; give the result of one or more.")
        names = Counter(fibre.name for fibre in fibres)
        twice = [name for name, count in names.items() if count > 1]
        if twice:
            raise InputError(
                f"The state '{state}' names the fibre '{twice[0]}' twice; a fibre counts once, and each "
                "needs a name of its own."
            )
        for fibre in fibres:
            _check_numbers(str(state), fibre)
            _check_objects(str(state), fibre)
        found[str(state)] = tuple(fibres)
    return found


def _check_numbers(state: str, fibre: StateResult) -> None:
    table, whose = fibre.numbers, f"'{fibre.name}' of the state '{state}'"
    _check_columns(table, NUMBER_COLUMNS, f"The table of numbers of {whose}")
    for column in _NUMERIC:
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise InputError(
                f"The column {column} of the numbers of {whose} holds words; numbers are needed."
            )
    double = table[table.duplicated(["quantity", "unit"])]
    if len(double):
        raise InputError(
            f"The numbers of {whose} hold '{double['quantity'].iloc[0]}' twice; each number has one row."
        )
    turned = table[table["low_95"] > table["high_95"]]
    if len(turned):
        raise InputError(
            f"The interval of '{turned['quantity'].iloc[0]}' of {whose} ends before it begins; "
            "low_95 must not be above high_95."
        )


def _check_objects(state: str, fibre: StateResult) -> None:
    for phase, table in fibre.objects.items():
        whose = f"The table of {phase} objects of '{fibre.name}' of the state '{state}'"
        _check_columns(table, SIZES, whose)
        volumes = table["volume_nm3"].to_numpy(np.float64)
        if (volumes <= 0).any():
            raise InputError(f"{whose} holds a volume that is not positive.")


def _check_columns(table: pd.DataFrame, columns: Sequence[str], whose: str) -> None:
    missing = [name for name in columns if name not in table]
    if missing:
        raise InputError(
            f"{whose} has no column {', '.join(missing)}; a table from a finished run is needed."
        )
