"""Compilation of the kernels of a study before they are needed, on a rod of a few voxels.

numba compiles a kernel when it is first called and keeps it on disk: the first study on a machine
would wait for all of them. These functions are meant for a thread in the background.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop, check_stop
from napari_snpore.segmentation.envelope import EnvelopeOptions, make_envelope
from napari_snpore.segmentation.histogram import gray_histogram
from napari_snpore.segmentation.segment_volume import segment_volume
from napari_snpore.tomography.options import Sirt, Tv
from napari_snpore.tomography.projector import project
from napari_snpore.tomography.reconstruction import warm_up
from napari_snpore.tomography.slice_preview import SlicePreview
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.working_frames import WorkingFrames
from napari_snpore.volume import Volume

_SIDE = 12
_ANGLES_DEG = np.linspace(-60.0, 60.0, 3)


def warm_up_images(should_stop: ShouldStop | None = None) -> None:
    """Compile what alignment, reconstruction, the search for the blur, and the preview of a plane
    call.

    Parameters
    ----------
    should_stop : callable, optional
        Called between kernels.

    Raises
    ------
    Stopped
        ``should_stop`` returned true.
    """
    images = project(_rod(), _ANGLES_DEG)
    series = TiltSeries(images, _ANGLES_DEG, 1.0)
    preview = SlicePreview(series, threads=1)
    for method in (Sirt(iterations=1, stop="iterations"), Tv(iterations=2, blur_px=1.0)):
        check_stop(should_stop)
        preview.reconstruct(_SIDE // 2, method=method, should_stop=should_stop)
    check_stop(should_stop)
    frames = WorkingFrames(images, 1, ((_SIDE - 1) / 2,) * 2)
    frames.resampled(0.0, np.zeros((len(images), 2)))
    warm_up(should_stop)


def warm_up_phases(should_stop: ShouldStop | None = None) -> None:
    """Compile what histogram, envelope, thresholds, the rule *projection* and polishing call.

    Parameters and errors as of :func:`warm_up_images`. The kernels of the histogram are those of
    float volumes, which reconstructions are.
    """
    volume = Volume(_rod(), (1.0, 1.0, 1.0))
    gray_histogram(volume.data, should_stop=should_stop)
    check_stop(should_stop)
    envelope = make_envelope(
        volume, 0.5, EnvelopeOptions(ray_length_nm=3.0), should_stop=should_stop
    )
    gray_histogram(volume.data, mask=envelope.mask, should_stop=should_stop)
    segment_volume(volume, (0.5, 2.0), envelope=envelope, should_stop=should_stop)
    warm_up(should_stop)


def _rod() -> NDArray[np.float32]:
    """Return a rod along y (carbon 1) with a core (tin 4), float32, (z, y, x)."""
    rod = np.zeros((_SIDE,) * 3, np.float32)
    rod[3:9, :, 3:9] = 1.0
    rod[5:7, :, 5:7] = 4.0
    return rod
