"""Whether a threshold rule agrees with the grey levels of vacuum, matrix and brighter phases.

A rule can part a histogram at a deep gap and be wrong by tens of points: with tin at 12 times
carbon, the class of least variance below tin holds vacuum and carbon together, and the gap lies
inside the halo of tin. No property of that gap shows it; another rule does. Every rule is therefore
compared with the one that looks for the levels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_snpore.segmentation.haadf import FEW_VALUES
from napari_snpore.segmentation.histogram import Histogram

_AGREEMENT = 0.1
"""Greatest difference of the share of a phase between two rules, as a share of all voxels above the
pore threshold. A fibre of 20 to 50 % pores that differs by 10 points differs by 0.13 to 0.20; rules
that are both right within the blur differ by less than 0.08.
"""


def disagreement(
    histogram: Histogram, thresholds: Sequence[float], levels: Sequence[float]
) -> str | None:
    """Return a sentence where a rule and the thresholds between levels give different fractions, or
    None.

    Parameters
    ----------
    histogram : Histogram
    thresholds : sequence of float
        Of the rule.
    levels : sequence of float
        As many, half way between grey levels (``haadf``).

    Examples
    --------
    >>> from napari_snpore.segmentation.histogram import gray_histogram
    >>> histogram = gray_histogram(np.arange(100, dtype=np.uint8).reshape(4, 5, 5))
    >>> disagreement(histogram, [70], [40])
    'Rules disagree: phase 1 holds 70 % of the voxels, but 40 % by the grey levels of the phases (t1 = 40).'
    >>> disagreement(histogram, [42], [40]) is None
    True
    """
    ours, theirs = (np.array(histogram.fractions(limits)) for limits in (thresholds, levels))
    solid = max(1 - min(ours[0], theirs[0]), 1e-12)
    worst = int(np.argmax(np.abs(ours - theirs)))
    if abs(ours[worst] - theirs[worst]) <= _AGREEMENT * solid:
        return None
    limits = ", ".join(f"t{k} = {value:.4g}" for k, value in enumerate(levels, 1))
    return (
        f"Rules disagree: phase {worst + 1} holds {100 * ours[worst]:.0f} % of the voxels, "
        f"but {100 * theirs[worst]:.0f} % by the grey levels of the phases ({limits})."
    )


def drawn_before(histogram: Histogram) -> str | None:
    """Return a sentence where float data holds so few values that its phases were drawn before.

    Any threshold between two values gives the same phases, and whether they are right does not show
    in the histogram. Labels are integers, and their phases are what they are.
    """
    values = int(np.count_nonzero(histogram.counts))
    if np.dtype(histogram.dtype).kind != "f" or values > FEW_VALUES:
        return None
    return (
        f"The volume holds only {values} different values: its phases were decided before the "
        "thresholds (by DART, for example), and the histogram cannot tell whether they are right."
    )
