"""Misfit of a trial alignment to a quick reconstruction, and matching of images with
re-projections.

Frames are aligned as well as is known so far: tilt axis along y, through the centre. Every
reconstruction here is a means to judge an alignment and is thrown away; those that are kept are
made by ``reconstruction``.

References
----------
Dengler, Ultramicroscopy 30 (1989) 337; Owen and Landis, Ultramicroscopy 63 (1996) 27: alignment without markers by
matching the images with projections of a preliminary reconstruction.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import BlockSteps, ShouldStop, run_stepped_blocks
from napari_snpore.threads import thread_count
from napari_snpore.tomography.projector import LANE_COUNTS, Beam, Planes, project, slice_blocks
from napari_snpore.tomography.sirt import operator_sums

FLOAT = NDArray[np.float64]
IMAGES = NDArray[np.float32]


def quick_volume(
    frames: IMAGES,
    angles_deg: FLOAT,
    *,
    iterations: int,
    should_stop: ShouldStop | None = None,
) -> IMAGES:
    """Reconstruct frames in few iterations: SIRT with non-negativity and Nesterov's momentum.

    Momentum makes ten iterations do the work of some fifty plain ones; its noise does no harm here.
    Each block of rows stays in the layout of the kernels for all iterations: a search of the axis
    makes many small reconstructions, and laying them out anew took half of its time.
    """
    _, rows, size = frames.shape
    beam = Beam(angles_deg, (size, size), size)
    ray, voxel = operator_sums(Planes(beam, LANE_COUNTS[0]))
    ray_weight = 1 / np.maximum(ray, 1e-2 * ray.max())
    voxel_weight = 1 / np.maximum(voxel, 1e-2 * voxel.max())
    volume = np.empty((size, rows, size), np.float32)

    def work(block: tuple[int, int, int], step: BlockSteps) -> None:
        first, last, lanes = block
        planes = Planes(beam, lanes)
        measured, error = planes.empty_sinogram(), planes.empty_sinogram()
        planes.put_sinogram(np.ascontiguousarray(frames[:, first:last]), measured)
        image, ahead, momentum = planes.empty_image(), planes.empty_image(), 1.0
        for _ in range(iterations):
            error[:] = 0
            if momentum > 1:
                planes.forward(ahead, error)
            np.subtract(measured, error, out=error)
            planes.weigh(error, ray_weight)
            planes.backward(error, ahead, voxel_weight, 0.0)
            grown = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            np.subtract(ahead, image, out=image)
            image *= np.float32((momentum - 1) / grown)
            image += ahead
            image, ahead, momentum = ahead, image, grown
            step()
        planes.get_image(image, volume, (first, last))

    run_stepped_blocks(
        work, slice_blocks(rows, thread_count()), steps=iterations, should_stop=should_stop
    )
    return volume


def misfits(
    trials: Sequence[IMAGES],
    angles_deg: FLOAT,
    *,
    iterations: int,
    should_stop: ShouldStop | None = None,
) -> FLOAT:
    """Return for each of several alignments the part of the frames' power that no volume explains.

    0 is a perfect alignment of perfect images. All trials are reconstructed side by side, since
    rows do not know of each other and many rows cost little more than a few.
    """
    frames = np.concatenate(trials, axis=1)
    volume = quick_volume(frames, angles_deg, iterations=iterations, should_stop=should_stop)
    error = project(volume, angles_deg) - frames
    ends = np.cumsum([trial.shape[1] for trial in trials])[:-1]
    power, left = (
        np.array(
            [
                part.sum()
                for part in np.split(np.square(images).sum(axis=(0, 2), dtype=np.float64), ends)
            ]
        )
        for images in (frames, error)
    )
    shares: FLOAT = np.where(power > 0, left / np.maximum(power, 1e-300), 1.0)
    return shares


def predictions(
    frames: IMAGES,
    angles_deg: FLOAT,
    *,
    half: int,
    iterations: int,
    should_stop: ShouldStop | None = None,
) -> IMAGES:
    """Return what every second tilt (``half`` 0 or 1) should look like, judged from the others
    alone.

    An image that takes part in the reconstruction it is compared with confirms its own error; here
    it does not.
    """
    others = np.ascontiguousarray(frames[1 - half :: 2])
    volume = quick_volume(
        others, angles_deg[1 - half :: 2], iterations=iterations, should_stop=should_stop
    )
    return project(volume, angles_deg[half::2])
