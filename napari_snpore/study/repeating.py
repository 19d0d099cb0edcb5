"""The steps of a run once more, on other images in the place of its aligned ones: for digital twins
and for the detection limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from napari_snpore.compute import Progress, share_of
from napari_snpore.errors import InputError
from napari_snpore.history import PolishStep, ReconstructStep, last_step, required_step
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import Recipe
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.segmenting import Segmentation, find_phases
from napari_snpore.study.tomogram import Tomogram, solving_bytes
from napari_snpore.tomography.held_out_weight import with_choice_kept
from napari_snpore.tomography.options import Tv
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.tomography.tilt_series import TiltSeries

_SHARES = {"reconstruct": (0.0, 0.7), "projection residual": (0.7, 0.8), "polish": (0.8, 0.95)}
"""Where the long steps lie in the work; all others take next to nothing."""


def repeat_context(name: str, context: RunContext, progress: Progress | None) -> RunContext:
    """Return the context of repeated steps: one progress for all of them, and timings that are not
    those of the run.
    """

    @contextmanager
    def monitor(step: str) -> Iterator[Progress | None]:
        yield share_of(progress, *_SHARES[step]) if step in _SHARES else None

    return RunContext(Record(name), monitor, context.should_stop, context.memory_limit)


def repeated_phases(
    images: TiltSeries,
    blur_px: float,
    recipe: Recipe,
    tomogram: Tomogram,
    context: RunContext,
) -> Segmentation:
    """Reconstruct aligned images and find their phases as a run did.

    Rules for thresholds and envelope run again; thresholds that were given keep their grey values.

    Parameters
    ----------
    images : TiltSeries
        In the place of the aligned images of the run.
    blur_px : float
        That the run found.
    recipe, tomogram
        Of the run.
    context : RunContext
        See :func:`repeat_context`.

    Raises
    ------
    InputError
        The phases could not be polished.
    """
    section = recipe.reconstruct
    options = section.options
    if isinstance(options, Tv):
        made = required_step(tomogram.volume.history, ReconstructStep)
        # λ chosen anew could differ by chance, and its step would count as an error of the run
        options = with_choice_kept(replace(options, blur_px=blur_px), made)
    shape = tomogram.volume.shape
    voxels = math.prod(shape)
    needed = 4 * voxels + solving_bytes(options, shape, len(images.angles_deg))
    context.state_memory("Reconstructing simulated images of", shape, needed / voxels)
    with context.step("reconstruct") as watch:
        volume = reconstruct(
            images,
            method=options,
            thickness_px=tomogram.volume.shape[0],
            backend=section.backend,
            **watch,
        )
    found = find_phases(
        volume,
        recipe.threshold,
        recipe.envelope,
        recipe.cleanup,
        polish=recipe.polish,
        series=images,
        context=context,
    )
    step = last_step(found.phases.history, PolishStep)
    if step is None or step.note is not None:
        raise InputError("The phases of the repeated run could not be polished.")
    return found
