"""WBP: weighted (filtered) backprojection, the linear reference for the other methods."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_snpore.tomography.projector import Beam
from napari_snpore.tomography.solving import Block


@dataclass(frozen=True, eq=False)
class WbpSolver:
    """Filters along the detector, then backprojects by linear interpolation; one step, no
    iteration.
    """

    response: NDArray[np.float32]  # (tilt, frequency)
    size: int
    images: int = 0
    sinograms: int = 1
    resumable: bool = False

    @classmethod
    def of(cls, beam: Beam, name: str) -> WbpSolver:
        """Work out the filter of a geometry."""
        size = scipy.fft.next_fast_len(2 * beam.detector_px, real=True)
        response = tilt_weights(beam.angles_deg)[:, None] * ramp_filter(size, name)
        return cls(response.astype(np.float32), size)

    def solve(self, block: Block, iterations: int) -> None:
        """See :class:`~napari_snpore.tomography.solving.Solver`."""
        planes, beam = block.planes, block.planes.beam
        tilts, width = len(beam.angles_deg), beam.detector_px
        filtered = block.measured.copy()
        bins = filtered.reshape(-1, beam.bins, planes.lanes)[:tilts, beam.rim : beam.rim + width]
        for tilt in range(tilts):
            rows = np.ascontiguousarray(bins[tilt].T)
            spectra = scipy.fft.rfft(rows, self.size, axis=1) * self.response[tilt]
            bins[tilt] = scipy.fft.irfft(spectra, self.size, axis=1)[:, :width].T
        planes.smear(filtered, block.image, np.ones(math.prod(beam.shape), np.float32))
        block.confine(block.image)


def ramp_filter(size: int, name: str) -> NDArray[np.float64]:
    """Return the response of a ramp-type filter at the ``size // 2 + 1`` frequencies of a real
    transform.

    The ramp is the transform of its band-limited kernel (1/4 at 0, ``-1/(π n)²`` at odd n), so that
    the mean of a padded row is kept right (Kak and Slaney, doi 10.1137/1.9780898719277, chapter 3);
    the other names multiply it by a window.
    """
    offsets = np.minimum(np.arange(size), size - np.arange(size))
    kernel = np.zeros(size)
    kernel[0] = 0.25
    odd = offsets % 2 == 1
    kernel[odd] = -1 / (np.pi * offsets[odd]) ** 2
    ramp: NDArray[np.float64] = scipy.fft.rfft(kernel).real
    turns = np.arange(len(ramp)) / size  # cycles a pixel, up to 1/2
    window = {
        "ram-lak": np.ones_like(turns),
        "shepp-logan": np.sinc(turns),
        "cosine": np.cos(np.pi * turns),
        "hamming": 0.54 + 0.46 * np.cos(2 * np.pi * turns),
        "hann": 0.5 + 0.5 * np.cos(2 * np.pi * turns),
    }[name]
    return np.asarray(ramp * window, dtype=np.float64)


def tilt_weights(angles_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the angle that each tilt represents, in radians, scaled so that all together make half
    a turn.

    Half the gaps to both neighbours; the outermost tilts count their one gap on both sides, unless
    the series closes the half turn. Tilts at the same angle share.
    """
    turned = (
        np.deg2rad(angles_deg) % np.pi
    )  # a projection and its mirror image at 180° hold the same
    distinct, place, copies = np.unique(
        np.round(turned, 9), return_inverse=True, return_counts=True
    )
    gaps = np.diff(
        np.append(distinct, distinct[0] + np.pi)
    )  # gap after each tilt, around the half turn
    widest = int(np.argmax(gaps))
    others = np.delete(gaps, widest)
    before, after = np.roll(gaps, 1), gaps.copy()
    if gaps[widest] > 1.5 * others.max():  # the missing wedge
        first = (widest + 1) % len(distinct)
        after[widest] = before[widest]
        before[first] = after[first]
    weights = (before + after) / 2
    weights = weights * np.pi / weights.sum() / copies
    return np.array(weights[place], dtype=np.float64)
