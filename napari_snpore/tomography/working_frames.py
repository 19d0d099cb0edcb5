"""Small copies of a tilt series for alignment: binned, background subtracted, resampled for a trial
alignment.

The alignment is described here by the direction φ of the tilt axis and a translation ``(along,
across)`` per tilt in px of the raw image, applied after the rotation by −φ. The frames are measured
in ``registration``, ``matching`` and ``tilt_axis``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop, check_stop, run_blocks
from napari_snpore.tomography._warp_kernel import sample_linearly
from napari_snpore.tomography.bad_lines import bad_lines, fill_lines
from napari_snpore.tomography.bad_pixels import without_far_pixels
from napari_snpore.tomography.warp import axis_rotation

FLOAT = NDArray[np.float64]
IMAGES = NDArray[np.float32]
_SMOOTHING_PX = 1.0
_MARGIN = 0.15  # share of the rows left out at each end, for the shifts
_OBLIQUE_MARGIN = 0.12  # the same, on top, for an axis at 45°


@dataclass(frozen=True, eq=False)
class WorkingFrames:
    """Binned images ``(tilt, y, x)`` and their place in the raw image.

    Parameters
    ----------
    images : array, float32, shape (tilt, y, x)
        Binned, background near zero.
    binning : int
        Raw px per px.
    center : (float, float)
        The centre of the raw image, in px of the binned one.
    far_pixels : tuple of int
        Raw pixels of each image that were left out, see
        :func:`~napari_snpore.tomography.bad_pixels.without_far_pixels`; dead and stuck lines whole.
    should_stop : callable, optional
        Asked whenever they are resampled, which every trial begins with.
    """

    images: IMAGES
    binning: int
    center: tuple[float, float]
    far_pixels: tuple[int, ...] = ()
    should_stop: ShouldStop | None = None

    @property
    def size(self) -> int:
        """Side of the square frames that :meth:`resampled` gives."""
        return int(max(self.images.shape[1:]))

    def resampled(
        self, tilt_axis_angle_deg: float, translations_px: FLOAT, *, rows: slice | None = None
    ) -> IMAGES:
        """Return the square frames of a trial alignment, tilt axis along y through the centre,
        linearly interpolated.

        ``rows`` asks for some of their rows only.
        """
        check_stop(self.should_stop)
        first, stop, step = (rows or slice(None)).indices(self.size)
        turn = axis_rotation(tilt_axis_angle_deg)
        middle = (self.size - 1) / 2
        starts = (
            np.array(self.center)
            + turn @ [first - middle, -middle]
            - translations_px @ turn.T / self.binning
        )
        matrix = turn * np.array([step, 1.0])
        out = np.empty(
            (len(self.images), len(range(first, stop, step)), self.size), dtype=np.float32
        )

        def resample(tilts: range) -> None:
            for tilt in tilts:
                sample_linearly(self.images[tilt], matrix, starts[tilt], out[tilt])

        few = max(1, 2**20 // max(1, out[0].size))
        run_blocks(resample, [range(k, min(k + few, len(out))) for k in range(0, len(out), few)])
        return out

    def rows(self, tilt_axis_angle_deg: float) -> slice:
        """Return the rows of a resampled frame that lie in the field over most of their length.

        An oblique axis takes the ends of more rows from beyond the field.
        """
        margin = round(
            (_MARGIN + _OBLIQUE_MARGIN * abs(np.sin(2 * np.deg2rad(tilt_axis_angle_deg))))
            * self.size
        )
        return slice(margin, self.size - margin)


def working_frames(
    images: Any, *, size: int, should_stop: ShouldStop | None = None
) -> WorkingFrames:
    """Bin the images to a side of ``size`` px or little more, without hot pixels, take off the
    level of the darkest blocks, smooth by one px.
    """
    tilts, ny, nx = images.shape
    binning = max(1, max(ny, nx) // size)
    height, width = ny // binning, nx // binning
    if min(height, width) < 1:
        binning, height, width = 1, ny, nx
    top, left = (ny - height * binning) // 2, (nx - width * binning) // 2
    binned = np.empty((tilts, height, width), dtype=np.float32)

    def bin_image(tilt: int) -> int:
        raw = np.asarray(images[tilt])
        image, far = without_far_pixels(raw)
        rows, columns = bad_lines(raw, image)
        fill_lines(image, (rows, columns))
        far += int(rows.sum() * nx + columns.sum() * ny)
        cut = image[top : top + height * binning, left : left + width * binning]
        binned[tilt] = cut.reshape(height, binning, width, binning).mean(
            axis=(1, 3), dtype=np.float64
        )
        return far

    far = run_blocks(bin_image, range(tilts), should_stop=should_stop)
    binned -= _background(binned)[:, None, None]
    # noise that is smooth already is not made smoother by some subpixel shifts more than by others
    binned = scipy.ndimage.gaussian_filter(
        binned, (0, _SMOOTHING_PX, _SMOOTHING_PX), mode="nearest"
    )
    middle = (binning - 1) / 2
    center = (((ny - 1) / 2 - top - middle) / binning, ((nx - 1) / 2 - left - middle) / binning)
    return WorkingFrames(binned, binning, center, tuple(far), should_stop)


def _background(frames: IMAGES) -> NDArray[np.float32]:
    """Level of each image's darkest blocks of 4 × 4 px: blocks, so that noise does not pull it
    down.
    """
    tilts, height, width = frames.shape
    edge = 4 if min(height, width) >= 16 else 1
    rows, columns = height // edge, width // edge
    blocks = (
        frames[:, : rows * edge, : columns * edge]
        .reshape(tilts, rows, edge, columns, edge)
        .mean(axis=(2, 4))
    )
    values = np.sort(blocks.reshape(tilts, -1), axis=1)
    level: NDArray[np.float32] = values[:, : max(1, values.shape[1] // 40)].mean(axis=1)
    return level
