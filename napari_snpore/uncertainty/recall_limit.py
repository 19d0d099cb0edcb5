"""Diameter at which half of the planted clusters are found, with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class RecallLimit:
    """Diameter at which half of the planted clusters are found.

    Parameters
    ----------
    diameter_nm : float
        nan where the recall does not cross 50 % within the diameters that were planted.
    low_95, high_95 : float
        Where the upper and the lower bound of the recall cross 50 %; nan where they do not.
    smallest_nm, largest_nm : float
        Of the diameters that were planted; nan for none.
    below, above : bool
        The limit lies below the smallest or above the largest.
    """

    diameter_nm: float
    low_95: float
    high_95: float
    smallest_nm: float
    largest_nm: float
    below: bool = False
    above: bool = False

    @property
    def words(self) -> str:
        """The limit in words: nothing is said beyond the diameters that were planted.

        Examples
        --------
        >>> RecallLimit(0.42, 0.4, math.nan, 0.3, 0.9).words
        '0.42 nm (95 %: from 0.4 nm, no upper end up to 0.9 nm)'
        """
        if math.isnan(self.smallest_nm):
            return "unknown: no cluster had a place"
        if self.below:
            return f"below {self.smallest_nm:.3g} nm"
        if self.above:
            return f"above {self.largest_nm:.3g} nm"
        low, high = f"{self.low_95:.2g}", f"{self.high_95:.2g} nm"
        if math.isnan(self.high_95):
            ends = f"no upper end up to {self.largest_nm:.3g} nm"
            within = (
                f"from {low} nm, {ends}"
                if math.isfinite(self.low_95)
                else f"no lower end down to {self.smallest_nm:.3g} nm, {ends}"
            )
        elif math.isnan(self.low_95):
            within = f"no lower end down to {self.smallest_nm:.3g} nm, to {high}"
        else:
            within = f"{low} to {high}"
        return f"{self.diameter_nm:.2g} nm (95 %: {within})"


def recall_limit(table: pd.DataFrame) -> RecallLimit:
    """Return the diameter at which half of the clusters are found, with its interval.

    The recall rises with the diameter: isotonic regression, linear between the diameters. The ends of
    the interval are where the upper and the lower bound of the recall cross 50 %, fitted likewise.
    Nothing is extrapolated.

    Parameters
    ----------
    table : DataFrame
        Of :func:`detection_limit`: ``diameter_nm, n, recall, low_95, high_95``.

    Examples
    --------
    >>> recall_limit(pd.DataFrame({"diameter_nm": [1.0, 2.0], "n": [100, 100], "recall": [0.0, 1.0],
    ...     "low_95": [0.0, 0.96], "high_95": [0.04, 1.0]})).diameter_nm
    1.5
    """
    rows = table[table["n"] > 0].sort_values("diameter_nm")
    if rows.empty:
        return RecallLimit(*(math.nan,) * 5)
    sizes = rows["diameter_nm"].to_numpy(np.float64)
    weights = rows["n"].to_numpy(np.float64)

    def crossing(column: str) -> tuple[float, bool, bool]:
        return _crossing(sizes, rows[column].to_numpy(np.float64), weights)

    value, below, above = crossing("recall")
    low, high = crossing("high_95")[0], crossing("low_95")[0]
    return RecallLimit(value, low, high, float(sizes[0]), float(sizes[-1]), below, above)


def _crossing(
    sizes: NDArray[np.float64], recall: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[float, bool, bool]:
    """Return where a rising recall crosses a half (nan for nowhere), and whether it is above that
    already at the first size, or never.
    """
    from scipy.optimize import isotonic_regression  # half a second that other commands do not need

    fit = isotonic_regression(recall, weights=weights).x
    index = int(np.searchsorted(fit, 0.5))  # the first that reaches a half
    if index == len(fit):
        return math.nan, False, True
    if index == 0:
        return (float(sizes[0]), False, False) if fit[0] == 0.5 else (math.nan, True, False)
    before, after = fit[index - 1], fit[index]
    part = (0.5 - before) / (after - before)
    return float(sizes[index - 1] + part * (sizes[index] - sizes[index - 1])), False, False
