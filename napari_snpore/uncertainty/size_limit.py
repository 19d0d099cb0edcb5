"""The detection limit on the axes of a histogram of objects, and how a history keeps it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from napari_snpore.history import (
    CleanUpStep,
    DetectionLimitStep,
    HistoryStep,
    PolishStep,
    ReconstructStep,
    SegmentStep,
    SmoothStep,
    last_step,
)
from napari_snpore.uncertainty.recall_limit import RecallLimit


@dataclass(frozen=True)
class SizeLimit:
    """Sizes below which fewer than half of the objects are found.

    Parameters
    ----------
    diameter_nm : float
        Of single spheres.
    length_nm : float
        What the length of such a sphere reads in a table of objects: longer, by its voxels and by
        what is left of the blur.
    """

    diameter_nm: float
    length_nm: float

    @property
    def volume_nm3(self) -> float:
        """Volume of the sphere, nm³.

        Examples
        --------
        >>> round(SizeLimit(2.0, 2.4).volume_nm3, 2)
        4.19
        """
        return math.pi / 6 * self.diameter_nm**3


def size_limit(limit: RecallLimit, table: pd.DataFrame) -> SizeLimit | None:
    """Return a detection limit with the length that it reads; None where the limit is below all that
    was planted, or nothing was.

    Where it is above all that was planted, the largest of them stands for it: less is not known.

    Parameters
    ----------
    limit : RecallLimit
    table : DataFrame
        Of :func:`~napari_snpore.uncertainty.detection_limit.detection_limit`: the bias of the length
        is taken between its diameters, that of the nearest where none was found.
    """
    diameter = limit.largest_nm if limit.above else limit.diameter_nm
    if not math.isfinite(diameter):
        return None
    known = table[table["length_bias_nm"].notna()]
    bias = 0.0
    if len(known):
        bias = float(np.interp(diameter, known["diameter_nm"], known["length_bias_nm"]))
    return SizeLimit(diameter, diameter + bias)


def recorded_size_limit(history: Sequence[HistoryStep], noun: str) -> SizeLimit | None:
    """Return the detection limit of objects as a history has it; None where it is not known, is
    that of another phase, or is of phases before they were made anew.

    Parameters
    ----------
    history : sequence of HistoryStep
        Of phases, or of objects made of them.
    noun : str
        What the objects are, beginning with the name of their phase.
    """
    made = last_step(history, DetectionLimitStep)
    if made is None or _made_anew(history) or noun.split(" ")[0] != made.phase.split(" ")[0]:
        return None
    diameter = made.above_nm if made.diameter_nm is None else made.diameter_nm
    if diameter is None or made.length_nm is None:
        return None
    return SizeLimit(diameter, made.length_nm)


def _made_anew(history: Sequence[HistoryStep]) -> bool:
    """Return whether steps that decide what is found came after the detection limit."""
    names = [step.name for step in history]
    later = names[len(names) - names[::-1].index(DetectionLimitStep.NAME) :]
    return any(kind.NAME in later for kind in _DECIDE)


_DECIDE = (ReconstructStep, SmoothStep, SegmentStep, PolishStep, CleanUpStep)
