"""Whether a run works block by block, what it does without then, and what it refuses."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_snpore.blocks import VoxelwiseArray, is_in_memory
from napari_snpore.engines import Engine
from napari_snpore.errors import InputError
from napari_snpore.files import read_volume, write_volume
from napari_snpore.files.shared_volume import SharedVolume
from napari_snpore.measurement.face_distance import is_cubic
from napari_snpore.memory import (
    address_space_of_threads,
    check_memory,
    shape_text,
    size_text,
)
from napari_snpore.memory import memory_limit as memory_that_may_be_used
from napari_snpore.scratch import ScratchSpace, scratch_beside
from napari_snpore.segmentation.phases import EXTERIOR
from napari_snpore.segmentation.projection_residual import residual_bytes
from napari_snpore.study.block_store import BlockStore, Shape, bytes_in_work, usual_block_shape
from napari_snpore.study.recipe import Recipe
from napari_snpore.study.run_context import RunContext, stated_bytes
from napari_snpore.study.segmenting import Segmentation
from napari_snpore.study.tomogram import (
    SOLVING_SHARE,
    Tomogram,
    image_shape,
    known_blur_px,
    searches_blur,
    solving_bytes,
    volume_shape,
)
from napari_snpore.threads import thread_count
from napari_snpore.tomography.discrete.blur_trials import trials_bytes
from napari_snpore.tomography.discrete.polish import polish_bytes
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.volume import Triple, Volume

_GRAY_BYTES = 4.0
"""Bytes per voxel of a volume that a run reconstructs and holds."""

_IMAGE_BYTES = 8
"""Bytes per pixel of all images, prepared and aligned."""

_USUAL_BLUR_PX = 2.0
"""Of images whose blur is not known yet, at the most: what they need is stated for it."""


@dataclass(frozen=True)
class BlockPlan:
    """How a run works by blocks.

    Attributes
    ----------
    shape, block_shape : (int, int, int)
        Of the volume and of a block.
    memory : int
        Bytes that the run may take.
    volume : Volume or None
        That the recipe names, as it was read.
    without : tuple of str
        What the run leaves out.
    """

    shape: Shape
    block_shape: Shape
    memory: int
    volume: Volume | None
    without: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What a user should know before the run starts."""
        out = f", without {_listed(self.without)}" if self.without else ""
        return f"Work is done by blocks of {shape_text(self.block_shape)} voxels{out}."


def plan_blocks(
    recipe: Recipe,
    bytes_per_voxel: float,
    limit: int | None,
    engine: Engine | None = None,
    *,
    read_series: Callable[[], TiltSeries] | None = None,
) -> BlockPlan | None:
    """Return how a run works by blocks; None where it works in memory.

    Parameters
    ----------
    recipe : Recipe
        Its section ``blocks`` asks for one or the other, or leaves it to the memory.
    bytes_per_voxel : float
        That the steps after the reconstruction take in memory.
    limit : int or None
        Bytes that may be used; None: 80 % of what is free.
    engine : Engine, optional
        Of several processes, which work by blocks always.
    read_series : callable, optional
        Returns the tilt series of the recipe, where it names one.

    Raises
    ------
    InputError
        The recipe asks for blocks, or for several processes, and for something that there is not by
        blocks; the sentence names all of it.
    """
    asked = recipe.blocks.enabled is True or engine is not None
    if recipe.blocks.enabled is False:
        if engine is not None:
            raise InputError("blocks.enabled is false; several processes work by blocks.")
        return None
    if not asked and not_by_blocks(recipe):
        return None  # what needs too much memory is refused with the advice below
    volume, images = None, None
    if recipe.input.volume is not None:
        source = recipe.input
        volume = read_volume(source.volume or "", spacing=source.spacing_nm, image=source.image)
        shape, needed = volume.shape, stated_bytes(volume.shape, bytes_per_voxel)
    else:
        assert read_series is not None
        raw = read_series().shape
        shape = volume_shape(raw, recipe.prepare, recipe.reconstruct)
        images = image_shape(raw, recipe.prepare)
        needed = stated_bytes(shape, bytes_per_voxel + _GRAY_BYTES)
        needed += _IMAGE_BYTES * math.prod(images)
    memory = memory_that_may_be_used(limit)
    memory = memory if engine is None else min(memory, engine.memory)
    if not asked and (needed <= memory or math.prod(shape) == 0):
        return None
    refused = not_by_blocks(recipe)
    if refused:
        raise InputError(f"By blocks there is no {_listed(refused)}; leave it out of the recipe.")
    fits = True
    if images is not None:
        fits = _check_image_steps(recipe, shape, images, memory)
    if volume is not None and is_in_memory(volume.data) and volume.data.nbytes > memory / 4:
        raise InputError(
            f"{recipe.input.volume} is a file that is read as a whole ({size_text(volume.data.nbytes)}); "
            "'snpore convert' makes an .ome.zarr of it that is read by blocks."
        )
    at_a_time = thread_count() if engine is None else engine.at_a_time
    block_shape = recipe.blocks.shape or usual_block_shape(shape, memory, at_a_time)
    least = bytes_in_work(block_shape, at_a_time)
    # blocks are read and written by threads of their own
    least += address_space_of_threads(at_a_time * (at_a_time + 1))
    if not asked and least > memory:
        return None  # what is refused in memory says what that needs
    check_memory(f"Work by blocks of {shape_text(block_shape)} voxels", least, given=memory)
    spacing = None if volume is None else volume.spacing
    without = _left_out(recipe, spacing, polish_fits=fits)
    return BlockPlan(shape, block_shape, memory, volume, without)


def _check_image_steps(
    recipe: Recipe, shape: Shape, images: tuple[int, int, int], memory: int
) -> bool:
    """Refuse what takes too much memory of the search for the blur, TV and thresholds by the images;
    return whether polishing fits, which is left out where it does not and was not asked for.
    """
    section, tilts, threads = recipe.reconstruct, images[0], thread_count()
    blur = known_blur_px(section.options)
    by_tv = section.method == "tv"
    what = f"{shape_text(shape)} voxels by {section.method.upper()}"
    if by_tv:
        needed = solving_bytes(section.options, shape, tilts) / SOLVING_SHARE
        if searches_blur(section.options):
            needed = max(needed, trials_bytes(shape, tilts, threads))
        sirt = "reconstruct by SIRT (reconstruct.method = 'sirt')"
        check_memory(f"Reconstructing {what}", needed, given=memory, advice=sirt)
    rule = recipe.threshold.method
    if recipe.threshold.values is None and (rule == "projection" or (by_tv and rule == "auto")):
        needed = residual_bytes(shape, tilts, blur_px=blur or _USUAL_BLUR_PX, threads=threads)
        other = "take thresholds by the histogram (threshold.method = 'haadf')"
        check_memory(f"Thresholds by the images of {what}", needed, given=memory, advice=other)
    if not by_tv:
        return True
    needed = polish_bytes(shape, images, blur, on_disk=True)
    if recipe.polish.enabled is True:
        off = "leave polish.enabled out of the recipe"
        check_memory(f"Polishing {what}", needed, given=memory, advice=off)
    return needed <= memory


def not_by_blocks(recipe: Recipe) -> list[str]:
    """Return what a recipe asks for and there is not by blocks, in words."""
    measure, found = recipe.measure, []
    if recipe.input.volume is None and recipe.reconstruct.method == "dart":
        found.append("reconstruction by DART (reconstruct.method = 'tv' is)")
    asked = {
        "smoothing (cleanup.smooth)": recipe.cleanup.smooth != "none",
        "separation of pores (measure.separate_nm)": measure.separate_nm is not None,
        "local thickness (measure.thickness)": measure.thickness,
        "diffusivity (measure.diffusivity)": measure.diffusivity,
        "detection limit (detection_limit.enabled)": recipe.detection_limit.enabled,
        "surface area (checks.bet_m2_per_g)": recipe.checks.bet_m2_per_g is not None,
    }
    return found + [words for words, wanted in asked.items() if wanted]


def _left_out(recipe: Recipe, spacing: Triple | None, *, polish_fits: bool) -> tuple[str, ...]:
    """Return what is made by default in memory and not by blocks, in words; ``spacing`` of a volume that
    is there.
    """
    found = ["the local width of the pore network"]
    if not polish_fits and recipe.polish.enabled is not False:
        found.append("polishing, for which memory is too small")
    if recipe.measure.details:
        found.append("the tables of networks, neighbours, correlation and pores by size of a probe")
        if spacing is not None and not is_cubic(spacing):
            found.append("shells, since voxels are no cubes")
    if recipe.input.volume is None and recipe.uncertainty.twins:
        found.append("digital twins")
    return tuple(found)


def advice_for(recipe: Recipe) -> str:
    """Return what else to do where a run in memory is refused."""
    refused = not_by_blocks(recipe)
    if recipe.blocks.enabled is False or not refused:
        return ""
    return f"leave out of the recipe what there is not by blocks: {_listed(refused)}"


def by_blocks(recipe: Recipe, plan: BlockPlan) -> Recipe:
    """Return the recipe of what a run by blocks does."""
    return recipe.model_copy(
        update={
            "blocks": recipe.blocks.model_copy(update={"enabled": True, "shape": plan.block_shape}),
            "uncertainty": recipe.uncertainty.model_copy(update={"twins": 0}),
            "output": recipe.output.model_copy(update={"volumes": "ome-zarr"}),
        }
    )


@contextmanager
def blocks_on_disk(
    plan: BlockPlan | None, context: RunContext, beside: Path, volumes: Path | None = None
) -> Iterator[RunContext]:
    """Yield the context of one step that works by blocks, with files beside its output meanwhile; as it
    is without a plan.

    ``volumes``: where its volumes stay. Default: with the files that are removed.
    """
    if plan is None:
        yield context
        return
    context.say(plan.sentence)
    with scratch_beside(beside, plan.memory) as scratch:
        assert scratch.folder is not None
        place = scratch.folder / "volumes" if volumes is None else volumes
        store = BlockStore(scratch.memory_limit, scratch.folder, place, plan.block_shape)
        yield replace(context, store=store, memory_limit=plan.memory)


def shared(
    volume: Volume, path: str | Path, plan: BlockPlan | None, image: str | None = None
) -> Volume:
    """Return a volume that was read from a path as steps by blocks read it; as it is without a plan."""
    if plan is None:
        return volume
    place = str(Path(path).absolute())
    return replace(volume, data=SharedVolume.of(place, volume, plan.block_shape, image))


def store_of(plan: BlockPlan, scratch: ScratchSpace, folder: Path) -> BlockStore:
    """Return where the arrays of a run are."""
    return BlockStore(scratch.memory_limit, scratch.folder, folder / "volumes", plan.block_shape)


def shared_tomogram(
    recipe: Recipe, tomogram: Tomogram, plan: BlockPlan, context: RunContext
) -> Tomogram:
    """Return a tomogram whose voxels every process opens in a file: that of the recipe, or the
    reconstruction as it is written for the result.
    """
    assert context.store is not None
    volume, path, image = tomogram.volume, recipe.input.volume, recipe.input.image
    if path is None:
        file = context.store.path_of("reconstruction")
        file.parent.mkdir(exist_ok=True)
        with context.step("write reconstruction") as watch:
            write_volume(file, volume, **watch)
        path, image = str(file), None
    return replace(tomogram, volume=shared(volume, path, plan, image))


def moved(volume: Volume, folder: Path, out: Path) -> Volume:
    """Return a volume whose voxels lie in a folder that was moved."""
    return replace(volume, data=volume.data.moved(folder, out))


def moved_segmentation(segmentation: Segmentation, folder: Path, out: Path) -> Segmentation:
    """Return a segmentation whose phases lie in a folder that was moved; its envelope, which was kept
    for the run only, is read off them, and the phases before polishing are gone.
    """
    phases, envelope = moved(segmentation.phases, folder, out), segmentation.envelope
    if envelope is not None:
        inside = VoxelwiseArray(phases.data, lambda part: part > EXTERIOR, np.dtype(np.bool_))
        envelope = replace(envelope, stored=inside)
    return replace(segmentation, phases=phases, envelope=envelope, before_polishing=None)


def _listed(words: Sequence[str]) -> str:
    *several, last = words
    return f"{', '.join(several)}{' and ' if several else ''}{last}"
