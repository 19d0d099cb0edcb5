"""What the headers of a study's inputs say before any fibre is run: voxel sizes, angles, and how
much memory a run is going to take.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from napari_snpore.comparison.conditions import condition_notes
from napari_snpore.comparison.state_result import StateResult
from napari_snpore.errors import InputError
from napari_snpore.files import read_volume
from napari_snpore.study.measuring import MEASURE_BYTES
from napari_snpore.study.recipe import Recipe
from napari_snpore.study.segmenting import SEGMENT_BYTES
from napari_snpore.study.states.state_result import read_state_result
from napari_snpore.study.states.study_recipe import PlannedRun
from napari_snpore.study.tomogram import load_series, solving_bytes

_PROGRAM_BYTES = 350e6
"""A process of its own: libraries and kernels."""

_IMAGE_BYTES = 40 + 2 * 4
"""Per pixel of all images: polishing, and prepared and aligned images."""

_NOT_KNOWN = "Not known"


@dataclass(frozen=True)
class InputFacts:
    """Longest edge of a voxel (nm), tilts (lowest, highest, step in degrees; number) and expected
    memory (bytes) of one fibre; None where a volume has no tilts.
    """

    voxel_nm: float
    tilts: int | None
    tilt_min_deg: float | None
    tilt_max_deg: float | None
    tilt_step_deg: float | None
    needs_bytes: float = 0.0

    @property
    def conditions(self) -> dict[str, Any]:
        """Those of a :class:`~napari_snpore.comparison.state_result.StateResult` that are known."""
        found: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("tilts", "tilt_min_deg", "tilt_max_deg", "tilt_step_deg")
        }
        if math.isfinite(self.voxel_nm):
            found["voxel_nm"] = (self.voxel_nm,) * 3
        return {name: value for name, value in found.items() if value is not None}


def facts_of(run: PlannedRun) -> InputFacts:
    """Return what the input of a planned run says.

    Raises
    ------
    InputError
        A file that cannot be read, or that has no voxel size or angles; the sentence names the state
        and the file.
    """
    try:
        if run.finished is not None:
            return _of_finished(run.finished)
        if run.recipe is None:
            raise InputError("there is nothing to run.")
        return _of_recipe(run.recipe)
    except InputError as error:
        raise type(error)(f"{run.name}: {error}") from error


def _of_recipe(recipe: Recipe) -> InputFacts:
    if recipe.input.volume is not None:
        source = recipe.input
        volume = read_volume(str(source.volume), spacing=source.spacing_nm, image=source.image)
        voxels = math.prod(volume.shape)
        needs = _PROGRAM_BYTES + voxels * (4 + SEGMENT_BYTES + MEASURE_BYTES)
        return InputFacts(float(max(volume.spacing)), None, None, None, None, needs)
    series = load_series(recipe.input)
    count, rows, width = series.shape
    factor = recipe.prepare.bin
    rows, width = max(rows // factor, 1), max(width // factor, 1)
    shape = (recipe.reconstruct.thickness_px or width, rows, width)
    voxels, pixels = math.prod(shape), count * rows * width
    solving = solving_bytes(recipe.reconstruct.options, shape, count)
    later = voxels * (SEGMENT_BYTES + MEASURE_BYTES)
    needs = _PROGRAM_BYTES + 4 * voxels + _IMAGE_BYTES * pixels + max(solving, later)
    angles = np.sort(np.asarray(series.angles_deg, float))
    step = float(np.median(np.diff(angles))) if len(angles) > 1 else None
    return InputFacts(
        series.pixel_size_nm * factor, count, float(angles[0]), float(angles[-1]), step, needs
    )


def _of_finished(folder: Path) -> InputFacts:
    found = read_state_result(folder).conditions  # refuses here what cannot be compared later
    voxel = found.get("voxel_nm")
    return InputFacts(
        math.nan if voxel is None else float(max(voxel)),
        found.get("tilts"),
        found.get("tilt_min_deg"),
        found.get("tilt_max_deg"),
        found.get("tilt_step_deg"),
    )


def unlike_inputs(facts: Mapping[str, Sequence[InputFacts]]) -> list[str]:
    """Return a sentence for each condition in which the inputs of the states differ, and what that
    does to a comparison.

    Parameters
    ----------
    facts : mapping of str to sequence of InputFacts
        By state.
    """
    nothing = pd.DataFrame()
    known = {
        state: [
            StateResult(str(k), nothing, conditions=one.conditions) for k, one in enumerate(some)
        ]
        for state, some in facts.items()
    }
    # what only a run can say, such as the dose, is unknown to all of them
    found = [words for words in condition_notes(known) if not words.startswith(_NOT_KNOWN)]
    kinds = {one.tilts is None for some in facts.values() for one in some}
    if len(kinds) > 1:
        found.append(
            "Some fibres start from tilt series, others from volumes: volumes have no twin and no noise in their intervals."
        )
    return found
