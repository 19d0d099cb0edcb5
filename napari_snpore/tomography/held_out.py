"""Prediction of tilt images that a volume was not made from, and the gate that it decides.

A restoration can always be made to agree with the images that it has seen. Whether it came nearer to
the object is told by images that it has not seen: their noise is independent of the volume's, so that
the mean squared difference to them is that of an exact image plus a constant, the noise. The constant
is the same for two volumes, and their paired difference is free of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from napari_snpore.errors import InputError

FEWEST_TILTS = 20
"""Fewer images leave two to be held out, whose spread says nothing."""

_PERIOD = 8
"""One image in so many is for validation, and one for the test."""


@dataclass(frozen=True)
class TiltSplit:
    """Tilts of a series by their number, each in one of three groups.

    Attributes
    ----------
    training : tuple of int
        A volume is made from these; the tilts of both ends of the range are always among them.
    validation : tuple of int
        These choose between volumes.
    test : tuple of int
        These judge the choice, once.
    """

    training: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]

    @classmethod
    def of(cls, angles_deg: ArrayLike, seed: int = 0) -> TiltSplit:
        """Split a series once: of the tilts in the order of their angles, every eighth is for
        validation and every eighth for the test, half way between.

        Parameters
        ----------
        angles_deg : array-like, shape (tilt,)
            Tilt angles, in any order.
        seed : int
            Decides which of the eight.

        Raises
        ------
        InputError
            Fewer than 20 tilts.

        Examples
        --------
        >>> split = TiltSplit.of(range(24), seed=3)
        >>> split.validation, split.test, len(split.training)
        ((2, 10, 18), (6, 14, 22), 18)
        """
        order = np.argsort(np.asarray(angles_deg, np.float64), kind="stable")
        if len(order) < FEWEST_TILTS:
            raise InputError(
                f"The tilt series has {len(order)} images; to hold some of them out,"
                f" {FEWEST_TILTS} or more are needed."
            )
        first = int(np.random.default_rng(seed).integers(_PERIOD))
        # an end of the range would be predicted from one side only
        place = np.arange(1, len(order) - 1)
        test = order[place[place % _PERIOD == first]]
        validation = order[place[place % _PERIOD == (first + _PERIOD // 2) % _PERIOD]]
        training = np.setdiff1d(order, np.concatenate([test, validation]))
        groups = (sorted(group.tolist()) for group in (training, validation, test))
        return cls(*(tuple(group) for group in groups))


@dataclass(frozen=True)
class HeldOutGain:
    """Whether one volume predicts held-out images better than another, image by image.

    Attributes
    ----------
    residual, usual_residual : float
        Mean over the images of the new and of the usual volume.
    difference : float
        Mean of new minus usual; negative: the new one predicts better.
    error_95 : float
        Half width of the 95 % interval of the difference, from its spread over the images (Student's
        t); infinite for a single image.
    images : int
        Number of held-out images.
    """

    residual: float
    usual_residual: float
    difference: float
    error_95: float
    images: int

    @property
    def gains(self) -> bool:
        """Whether the new volume predicts better, beyond the error."""
        return bool(self.difference < -self.error_95)

    @property
    def sentence(self) -> str:
        """The verdict with its figures."""
        found = (
            f"{self.images} held-out images: residual {self.residual:.4g} against"
            f" {self.usual_residual:.4g}, difference {self.difference:+.2g} ± {self.error_95:.2g}"
        )
        return f"Gain on {found}." if self.gains else f"No gain on {found}."


def paired_gain(residuals: ArrayLike, usual: ArrayLike) -> HeldOutGain:
    """Compare the residuals of two volumes on the same held-out images.

    Parameters
    ----------
    residuals, usual : array-like, shape (image,)
        Mean squared residual of each image left by the new and by the usual volume.

    Raises
    ------
    InputError
        No image, numbers of images that differ, or residuals that are not finite.

    Examples
    --------
    >>> paired_gain([1.0, 1.1, 1.2], [1.3, 1.4, 1.6]).gains
    True
    >>> paired_gain([1.0, 1.5, 1.2], [1.3, 1.4, 1.6]).gains
    False
    """
    new, old = (np.asarray(values, np.float64) for values in (residuals, usual))
    if new.ndim != 1 or new.shape != old.shape or not new.size:
        raise InputError(
            f"The residuals have shapes {new.shape} and {old.shape}; one number for each image, at"
            " least one, is needed."
        )
    if not (np.isfinite(new).all() and np.isfinite(old).all()):
        raise InputError("A residual of a held-out image is not a finite number.")
    change, count = new - old, new.size
    error = math.inf
    if count > 1:
        # equal changes have no spread; rounding leaves some
        spread = change.std(ddof=1) + np.finfo(np.float64).eps * np.abs(old).max()
        error = float(scipy.stats.t.ppf(0.975, count - 1) * spread / math.sqrt(count))
    return HeldOutGain(float(new.mean()), float(old.mean()), float(change.mean()), error, count)


def mean_squares(
    predicted: NDArray[np.float32], measured: NDArray[np.float32], weights: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the weighted mean square of ``measured - predicted`` of each image, shape (tilt,).

    Parameters
    ----------
    predicted, measured, weights : float32, shape (tilt, y, x)
        With one over the noise power as weights, noise alone leaves 1 (raw pixels).
    """
    rest = measured - predicted
    squares = np.einsum("tyx,tyx,tyx->t", rest, rest, weights, dtype=np.float64)
    return np.asarray(squares / (rest.shape[1] * rest.shape[2]))
