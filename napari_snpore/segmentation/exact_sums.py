"""Sums of real numbers that do not depend on their order, nor on how a volume is cut.

Idea: every number is rounded to a multiple of one small step, and its remainder to one of a second,
2²⁴ times smaller; both steps follow from the greatest number alone. Sums of multiples are exact in
float64, whatever their order (Demmel and Nguyen 2013, doi 10.1109/ARITH.2013.9, with two folds and
a known bound). What is lost lies below 2⁻⁴⁸ of the greatest number for each summand: nothing of
integers up to 32 bits, and nothing of float32 values above 2⁻²⁴ of the greatest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.kernels import for_kernel
from napari_snpore.segmentation._kernels import folded_sums

_FOLD = 24
"""Bits of a fold: a block of up to 2²⁹ summands stays below 2⁵³ steps."""

_LEAST_EXPONENT = -900
"""Of the greatest number: the second step stays a normal float64."""


@dataclass(frozen=True)
class SumScale:
    """Steps for sums of numbers up to 2**exponent.

    Examples
    --------
    >>> scale = SumScale.of(0.3)
    >>> one, two = scale.folded(np.array([0.1, 0.2, 0.3]))
    >>> first, second = one.sum(), two.sum()  # whole numbers: in any order the same
    >>> round(float(scale.sums(first, second)), 12)
    0.6
    """

    exponent: int

    @classmethod
    def of(cls, greatest: float) -> SumScale:
        """Return the scale of numbers whose absolute value is at most ``greatest``."""
        return cls(max(math.frexp(greatest)[1], _LEAST_EXPONENT))

    def folded(self, values: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return each number in whole first and second steps."""
        scaled = np.ldexp(values.astype(np.float64), _FOLD - self.exponent)
        first = np.rint(scaled)
        return first, np.rint((scaled - first) * 2.0**_FOLD)

    def sums(self, first: Any, second: Any) -> Any:
        """Return sums from their first and second steps, float64."""
        return np.ldexp(np.asarray(first, np.float64), self.exponent - _FOLD) + np.ldexp(
            np.asarray(second, np.float64), self.exponent - 2 * _FOLD
        )

    def block_steps(self, values: NDArray[Any]) -> int:
        """Return the sum of one block of at most 2²⁹ floats, in second steps."""
        lanes = np.zeros((2, 16))
        folded_sums(
            for_kernel(values), 2.0 ** (_FOLD - self.exponent), 2.0**_FOLD, lanes[0], lanes[1]
        )
        if not np.isfinite(lanes).all():  # values that changed since their extent was found
            return 0
        first, second = lanes.sum(axis=1)
        return (int(first) << _FOLD) + int(second)

    def mean(self, steps: int, count: int) -> float:
        """Return the mean of ``count`` numbers whose sum is so many second steps, rounded once."""
        return math.ldexp(steps / count, self.exponent - 2 * _FOLD)
