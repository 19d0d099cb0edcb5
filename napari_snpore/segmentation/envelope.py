"""Envelope of a body in a gray volume, and the ambient occlusion that it is computed from.

The envelope is the body with its pores: what lies outside is vacuum, not pore. The command line,
runs and the Threshold form all call this module.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.blocks import Block, BlockShape, VoxelwiseArray, grid_of
from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.engines import is_shared, run_on_blocks
from napari_snpore.errors import InputError
from napari_snpore.history import EnvelopeStep, OcclusionStep
from napari_snpore.memory import check_memory, give_back_freed, shape_text
from napari_snpore.scratch import IN_MEMORY, ScratchSpace
from napari_snpore.segmentation.body import largest_body
from napari_snpore.segmentation.occlusion import (
    DIRECTIONS,
    OCCLUSION_THRESHOLD,
    ambient_occlusion,
    fibre_envelope,
)
from napari_snpore.segmentation.packed_mask import PackedMask
from napari_snpore.volume import Triple, Volume

_RAY_SHARE = 0.9
"""Default ray length over the radius of the solid; chosen on phantoms of seeds 1010 to 1015."""


@dataclass(frozen=True)
class EnvelopeOptions:
    """Settings of an envelope.

    ``ray_length_nm`` None: see :func:`usual_ray_length`. ``largest_body``: only the greatest
    6-connected piece of the solid occludes; specks of noise do not. For the others see
    :func:`~napari_snpore.segmentation.occlusion.fibre_envelope`.
    """

    ray_length_nm: float | None = None
    occlusion_threshold: float = OCCLUSION_THRESHOLD
    cut_axes: tuple[int, ...] = (1,)
    directions: int = DIRECTIONS
    largest_body: bool = True


@dataclass(frozen=True, eq=False)
class Envelope:
    """Envelope of a body and what it was made with.

    ``packed`` holds ``mask`` as bits, unless ``stored`` is an array on disk that several processes
    read. ``threshold`` is the gray value from
    which a voxel is solid, ``ray_length_nm`` the length that was used, ``loose_voxel_count`` the
    number of solid voxels outside of the envelope.
    """

    packed: PackedMask
    threshold: float
    options: EnvelopeOptions
    ray_length_nm: float
    volume_nm3: float
    loose_voxel_count: int
    stored: Any = None

    @property
    def mask(self) -> Any:
        """True in the body and its pores, bool (z, y, x): a new array, or the one on disk."""
        return self.packed.unpacked() if self.stored is None else self.stored

    @property
    def made_by(self) -> EnvelopeStep:
        """The step of a history."""
        return EnvelopeStep(
            threshold=self.threshold,
            ray_length_nm=self.ray_length_nm,
            occlusion_threshold=self.options.occlusion_threshold,
            directions=self.options.directions,
            cut_axes=self.options.cut_axes,
            largest_body=self.options.largest_body,
        )


_BYTES_PER_VOXEL = 9.0
"""At the highest, while the hits of rays are counted and void is labelled; measured at 256³."""


def make_envelope(
    volume: Volume,
    threshold: float,
    options: EnvelopeOptions | None = None,
    *,
    out: Any = None,
    scratch: ScratchSpace = IN_MEMORY,
    block_shape: BlockShape | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Envelope:
    """Return the envelope of all that reaches a threshold.

    Parameters
    ----------
    volume : Volume
        Gray values; mapped and lazy data is read block by block.
    threshold : float
        Voxels from this gray value on are solid: the first threshold of a segmentation.
    options : EnvelopeOptions, optional
    out : array of booleans, shape of the volume, optional
        Where the mask is written, for example a zarr array; the envelope that is returned holds it
        as bits as well.
    scratch : ScratchSpace, optional
        Where the largest body is kept meanwhile, a byte per voxel.
    block_shape : (int, int, int), optional
        See :func:`~napari_snpore.segmentation.occlusion.ambient_occlusion`; the envelope does not
        depend on it.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Raises
    ------
    InputError
        No voxel reaches the threshold, or an option is out of range.
    """
    options = options or EnvelopeOptions()
    if out is None:
        check_memory(
            f"The envelope of {shape_text(volume.shape)} voxels",
            math.prod(volume.shape) * _BYTES_PER_VOXEL,
        )  # window and Python ask here, a run has asked for all steps before
    body, ray_length_nm = _occluder(volume, threshold, options, scratch, should_stop)
    give_back_freed()  # labels of blocks, some 50 MB, before the counts of rays take more
    mask = fibre_envelope(
        body,
        spacing=volume.spacing,
        ray_length_nm=ray_length_nm,
        occlusion_threshold=options.occlusion_threshold,
        directions=options.directions,
        cut_axes=options.cut_axes,
        out=out,
        block_shape=block_shape,
        progress=progress,
        should_stop=should_stop,
    )
    if is_shared(body):
        body.remove()
    del body
    count, loose = _inside_and_loose(volume, threshold, mask, should_stop)
    stored = mask if is_shared(mask) else None
    return Envelope(
        PackedMask.of(mask if stored is None else np.zeros((0, 0, 0), np.bool_)),
        float(threshold),
        options,
        ray_length_nm,
        count * volume.voxel_volume_nm3,
        loose,
        stored,
    )


def occlusion_field(
    volume: Volume,
    threshold: float,
    options: EnvelopeOptions | None = None,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Volume:
    """Return the ambient occlusion that :func:`make_envelope` compares with τ, of the same body.

    Parameters
    ----------
    volume, threshold, options, progress, should_stop
        As for :func:`make_envelope`; the occlusion threshold is not used.

    Returns
    -------
    Volume, float32
        0 (open) to 1 (closed cavity, or body). Specks of solid that are not part of the body count
        as void.
    """
    options = options or EnvelopeOptions()
    body, ray_length_nm = _occluder(volume, threshold, options, IN_MEMORY, should_stop)
    field = ambient_occlusion(
        body,
        spacing=volume.spacing,
        ray_length_nm=ray_length_nm,
        directions=options.directions,
        cut_axes=options.cut_axes,
        progress=progress,
        should_stop=should_stop,
    )
    return volume.after(
        OcclusionStep(ray_length_nm, options.directions, options.cut_axes, threshold), field
    )


def usual_ray_length(solid: Any, spacing: Triple) -> float:
    """Return the default ray length (nm) of an envelope: 0.9 of the radius of the solid.

    It lies below the radius of the fibre, of which the pores are a part as well, and above all
    pore mouths but those that are nearly as wide. With 0.5 mouths of pores are lost: on 27 phantoms
    with their solid known the pore fraction was off by 1.9 points (root mean square), with 0.9 by
    0.8 (``benchmarks/envelope_rays.py``).
    """
    return max(_RAY_SHARE * solid_radius(solid, spacing), 2 * max(spacing))


def solid_radius(solid: Any, spacing: Triple) -> float:
    """Return the radius (nm) of the cylinder along y that holds as much solid; it may be lazy."""
    blocks = grid_of(solid).blocks
    count = sum(
        run_on_blocks(
            lambda block: int(np.count_nonzero(np.asarray(solid[block]))), blocks, arrays=[solid]
        )
    )
    if count == 0:
        raise InputError(
            "No voxel reaches the first threshold: there is nothing to segment; lower the threshold."
        )
    area = count * spacing[0] * spacing[2] / solid.shape[1]
    return math.sqrt(area / math.pi)


def envelope_skin(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the voxels of an envelope that have a face to the outside; a face of the box is not
    the outside.

    Shifted numpy arrays, because they leave a window alive: scipy's erosion keeps Python's lock.
    """
    deep = mask.copy()
    for axis in range(mask.ndim):
        ahead, behind = np.moveaxis(deep, axis, 0), np.moveaxis(mask, axis, 0)
        ahead[1:] &= behind[:-1]
        ahead[:-1] &= behind[1:]
    return mask & ~deep


def _occluder(
    volume: Volume,
    threshold: float,
    options: EnvelopeOptions,
    scratch: ScratchSpace,
    should_stop: ShouldStop | None,
) -> tuple[Any, float]:
    """Return the solid that occludes, and the ray length (nm)."""
    solid: Any = VoxelwiseArray(volume.data, lambda part: part >= threshold, np.dtype(np.bool_))
    body = scratch.empty(volume.shape, np.bool_)
    if options.largest_body:
        body = largest_body(solid, out=body, should_stop=should_stop)
    else:  # each block is read several times, with those around it
        run_on_blocks(
            lambda block: body.__setitem__(block, solid[block]),
            grid_of(solid).blocks,
            arrays=[solid, body],
            should_stop=should_stop,
        )
    ray_length_nm = options.ray_length_nm
    if ray_length_nm is None:
        ray_length_nm = usual_ray_length(body, volume.spacing)
    return body, ray_length_nm


def _inside_and_loose(
    volume: Volume, threshold: float, mask: Any, should_stop: ShouldStop | None
) -> tuple[int, int]:
    """Return how many voxels a mask has, and how many reach the threshold outside of it."""
    gray = volume.data

    def count(block: Block) -> tuple[int, int]:
        inside = np.asarray(mask[block])
        loose = (np.asarray(gray[block]) >= threshold) & ~inside
        return int(np.count_nonzero(inside)), int(np.count_nonzero(loose))

    blocks = grid_of(gray).blocks
    counts = run_on_blocks(count, blocks, arrays=[gray, mask], should_stop=should_stop)
    return sum(inside for inside, _ in counts), sum(loose for _, loose in counts)
