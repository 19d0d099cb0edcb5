"""Calibration of gray values to vacuum 0 and carbon 1, so that one rule holds for all states and
microscopes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_snpore.errors import InputError
from napari_snpore.segmentation.agreement import drawn_before
from napari_snpore.segmentation.haadf import find_levels
from napari_snpore.segmentation.histogram import Histogram
from napari_snpore.segmentation.outliers import outliers_of
from napari_snpore.segmentation.splits import for_rules


@dataclass(frozen=True)
class GrayCalibration:
    """Grey values of the two modes that every state has.

    Parameters
    ----------
    vacuum, carbon : float
        In grey units of the volume.
    carbon_is_a_mode : bool
        False: the histogram shows no peak there, and the calibration is based on a guess.
    warning : str or None
        What makes the calibration doubtful.

    Examples
    --------
    >>> GrayCalibration(100.0, 300.0).to_gray([0.5, 6.0])
    (200.0, 1300.0)
    """

    vacuum: float
    carbon: float
    carbon_is_a_mode: bool = True
    warning: str | None = None

    def __post_init__(self) -> None:
        if not self.carbon > self.vacuum:
            raise InputError(
                f"The carbon mode ({self.carbon:g}) does not lie above the vacuum ({self.vacuum:g})."
            )

    def to_gray(self, values: Sequence[float]) -> tuple[float, ...]:
        """Return calibrated values (vacuum 0, carbon 1) in grey units of the volume."""
        return tuple(self.vacuum + value * (self.carbon - self.vacuum) for value in values)

    def to_calibrated(self, values: Sequence[float]) -> tuple[float, ...]:
        """Return grey values in units of vacuum 0, carbon 1."""
        return tuple((value - self.vacuum) / (self.carbon - self.vacuum) for value in values)


def calibrate_gray(histogram: Histogram) -> GrayCalibration:
    """Find the modes of vacuum and carbon in a histogram of pore / C / Sn.

    Raises
    ------
    InputError
        Fewer than three grey values.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_snpore.segmentation.histogram import gray_histogram
    >>> gray = np.repeat(np.array([20, 40, 240], np.uint8), [5000, 2000, 1000]).reshape(20, 20, 20)
    >>> calibration = calibrate_gray(gray_histogram(gray))
    >>> round(calibration.vacuum), round(calibration.carbon)
    (20, 40)
    """
    if (histogram.counts > 0).sum() < 3:
        raise InputError(
            "The volume holds fewer than 3 different grey values: there is nothing to calibrate by."
        )
    core = for_rules(histogram, 3)
    levels = find_levels(core, 3)
    guess = None if levels.matrix_is_a_mode else "A guess: carbon is no peak of the histogram."
    doubts = [guess, outliers_of(histogram).sentence(), drawn_before(core)]
    warning = " ".join(words for words in doubts if words) or None
    return GrayCalibration(levels.vacuum, levels.matrix, levels.matrix_is_a_mode, warning)
