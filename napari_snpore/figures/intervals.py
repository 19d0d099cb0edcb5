"""Errors of phase fractions for figures: the corrected value and its interval beside what was counted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from napari_snpore.numerals import with_limits


@dataclass(frozen=True)
class FractionInterval:
    """What is known of one volume fraction, in per cent.

    Parameters
    ----------
    counted : float
        Of the voxels; the interval belongs to this value and to no other one.
    best : float
        The corrected value where there is one, else ``counted``.
    low, high : float
        Ends of the 95 % interval, nan without one.
    calibrated : bool
        Whether intervals like this one were proved on phantoms of known truth.
    """

    counted: float
    best: float
    low: float = math.nan
    high: float = math.nan
    calibrated: bool = False

    @property
    def is_corrected(self) -> bool:
        """Whether the best value is another one than that which was counted."""
        return self.best != self.counted

    @property
    def words(self) -> str:
        """The best value with its error.

        Examples
        --------
        >>> FractionInterval(40.1, 38.9, 38.0, 39.8).words
        '38.9 ± 0.9'
        """
        return with_limits(self.best, self.low, self.high)


Intervals = Mapping[str, Mapping[str, FractionInterval]]
"""By region, ``"whole"`` or the name of a box, and phase."""


def interval_of(
    intervals: Intervals, region: str, phase: str, counted: float
) -> FractionInterval | None:
    """Return what is known of a fraction; None where that is of another counted value: of another
    box of the same name, or of other phases.
    """
    found = intervals.get(region, {}).get(phase)
    if found is None or not math.isclose(found.counted, counted, rel_tol=1e-9, abs_tol=1e-9):
        return None
    return found


def note_on(intervals: list[FractionInterval]) -> str:
    """Return what points and whiskers of a figure are.

    Examples
    --------
    >>> note_on([FractionInterval(40.1, 38.9, 38.0, 39.8, calibrated=True)])
    'points: corrected by a digital twin; whiskers: 95 % interval'
    >>> note_on([FractionInterval(40.1, 38.9)])
    'points: corrected by a digital twin; no interval'
    """
    words = []
    if any(one.is_corrected for one in intervals):
        words.append("points: corrected by a digital twin")
    with_ends = [one for one in intervals if math.isfinite(one.low)]
    if not with_ends:
        words.append("no interval")
    elif all(one.calibrated for one in with_ends):
        words.append("whiskers: 95 % interval")
    else:
        words.append("whiskers: 95 % interval, not calibrated")
    return "; ".join(words)
