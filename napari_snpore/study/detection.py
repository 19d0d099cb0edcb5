"""Detection limit of a run: its own steps on its own tilt images with planted clusters."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from napari_snpore.compute import Progress
from napari_snpore.errors import InputError
from napari_snpore.history import (
    DetectionLimitStep,
    PolishStep,
    last_step,
    required_step,
)
from napari_snpore.study.edit_report import EDITED, is_edited_by_hand
from napari_snpore.study.errors_of_run import repeat_cost
from napari_snpore.study.polishing import known_blur
from napari_snpore.study.provenance import plain
from napari_snpore.study.recipe import DetectionSection, Recipe
from napari_snpore.study.repeating import repeat_context, repeated_phases
from napari_snpore.study.report import Statement, caveat, detail, number
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.segmenting import Segmentation
from napari_snpore.study.tomogram import Tomogram
from napari_snpore.study.twin import residual_shift_px, why_no_twin
from napari_snpore.tomography.noise import noise_model
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.uncertainty.detection_limit import detection_limit
from napari_snpore.uncertainty.detection_options import DetectionOptions
from napari_snpore.uncertainty.recall_limit import RecallLimit, recall_limit
from napari_snpore.uncertainty.size_limit import size_limit
from napari_snpore.volume import Volume

_FEW = 30
"""Fewer clusters than these leave a recall of 50 % uncertain by 18 points and more."""

_PLANT_BYTES = 25.0
"""Bytes per voxel at the highest, while planted clusters are searched for; measured at 160³."""


@dataclass(frozen=True, eq=False)
class RunDetection:
    """Detection limit of a run.

    Attributes
    ----------
    table : DataFrame or None
        See :func:`~napari_snpore.uncertainty.detection_limit.detection_limit`.
    limit : RecallLimit or None
        Diameter at half recall.
    reason : str or None
        A sentence: why there is no table.
    wanted, runs, seed : int
        Clusters of each diameter that were asked for, reconstructions that were made, seed.
    margin_nm : float
        Gap that was kept between clusters.
    phase : str
        Name of the brightest phase.
    """

    table: pd.DataFrame | None
    limit: RecallLimit | None
    reason: str | None
    wanted: int
    runs: int
    seed: int
    margin_nm: float = math.nan
    phase: str = "Sn"

    @property
    def step(self) -> DetectionLimitStep | None:
        """The step by which a history keeps the limit; None without one."""
        found, table = self.limit, self.table
        if found is None or table is None or not self.runs:
            return None
        reads = size_limit(found, table)
        return DetectionLimitStep(
            phase=self.phase,
            clusters=int(table["n"].sum()),
            runs=self.runs,
            seed=self.seed,
            diameter_nm=_stored(found.diameter_nm),
            low_95=_stored(found.low_95),
            high_95=_stored(found.high_95),
            below_nm=found.smallest_nm if found.below else None,
            above_nm=found.largest_nm if found.above else None,
            length_nm=None if reads is None else reads.length_nm,
        )


def detection_of_run(
    recipe: Recipe,
    tomogram: Tomogram,
    segmentation: Segmentation,
    context: RunContext,
) -> RunDetection | None:
    """Return the detection limit of a run; None where its recipe asks for none.

    Parameters
    ----------
    recipe : Recipe
        Of the run; its section ``[detection_limit]`` says what is planted.
    tomogram, segmentation
        What the run made.
    context : RunContext
        Progress, cancel and timing of the step ``detection limit``; hears what it costs before it
        starts.

    Raises
    ------
    Stopped
        The context asked for it.
    """
    section = recipe.detection_limit
    if not section.enabled:
        return None
    reason = _why_none(tomogram, segmentation)
    table = None
    if reason is None:
        context.say(detection_cost(section, context.record.timings_s))
        try:
            table = _planted(recipe, tomogram, segmentation, context)
        except InputError as error:  # a run that is done is not lost for its detection limit
            reason = str(error)
    if table is None:
        return RunDetection(None, None, reason, section.clusters, 0, section.seed)
    return RunDetection(
        table,
        recall_limit(table),
        None,
        section.clusters,
        table.attrs["runs"],
        section.seed,
        table.attrs["margin_nm"],
        segmentation.scheme.names[-1],
    )


def detection_cost(section: DetectionSection, timings_s: dict[str, float]) -> str:
    """Return what a detection limit costs, in a sentence.

    Examples
    --------
    >>> detection_cost(DetectionSection(enabled=True), {"reconstruct": 100.0, "polish": 20.0})
    'Detection limit: reconstruction and polishing at most 2 times more, about 260 s.'
    """
    about = repeat_cost(section.runs, timings_s)
    times = "once" if section.runs == 1 else f"at most {section.runs} times"
    words = f"Detection limit: reconstruction and polishing {times} more"
    return f"{words}." if about is None else f"{words}, about {about}."


def with_detection(segmentation: Segmentation, found: RunDetection | None) -> Segmentation:
    """Return a segmentation whose phases say in their history what the detection limit is."""
    step = None if found is None else found.step
    if step is None:
        return segmentation
    phases = segmentation.phases
    return replace(segmentation, phases=phases.after(step, phases.data))


def detection_record(found: RunDetection) -> dict[str, Any]:
    """Return the entry ``results.detection_limit`` of a record."""
    step = found.step
    return {
        "reason": found.reason,
        "limit": None if step is None else plain(step.parameters),
        "margin_nm": _stored(found.margin_nm),
        "recall": None if found.table is None else plain(found.table.to_dict("records")),
    }


def detection_statements(found: RunDetection) -> list[Statement]:
    """Return the limit, what was planted, and the recall of each diameter."""
    if found.table is None or found.limit is None:
        return [Statement("Detection limit", f"none. {found.reason}")]
    runs = "one reconstruction" if found.runs == 1 else f"{found.runs} reconstructions"
    statements = [
        Statement(
            "Detection limit",
            f"half of single spheres are found from a diameter of {found.limit.words}"
            if math.isfinite(found.limit.diameter_nm)
            else f"{found.limit.words} (diameter of single spheres of which half are found)",
        ),
        detail(
            "Planted",
            f"{int(found.table['n'].sum())} spheres in {runs}, {number(found.margin_nm)} nm or more from any"
            f" other cluster, seed {found.seed}",
        ),
    ]
    statements += [detail(f"{row['diameter_nm']:.3g} nm", recall_words(row)) for row in
                   found.table.to_dict("records")]  # fmt: skip
    few = found.table[found.table["n"] < min(found.wanted, _FEW)]
    if len(few):
        sizes = ", ".join(f"{size:.3g}" for size in few["diameter_nm"])
        statements.append(
            caveat(
                f"The fibre has no place for {found.wanted} spheres of {sizes} nm, clear of other clusters:"
                " with fewer, or none, their recall is uncertain."
            )
        )
    return statements


def recall_words(row: dict[Any, Any]) -> str:
    """Return one row of the table in words.

    Examples
    --------
    >>> recall_words({"n": 40, "found": 30, "recall": 0.75, "low_95": 0.6, "high_95": 0.86,
    ...     "merged": 2, "length_bias_nm": 0.2, "volume_bias_percent": -3.0})
    '30 of 40 found (75 %, 95 %: 60 to 86 %), 2 merged; reads +0.20 nm in length, −3 % in volume'
    """
    if not row["n"]:
        return "no place in the fibre"
    low, high = 100 * row["low_95"], 100 * row["high_95"]
    words = (
        f"{row['found']:.0f} of {row['n']:.0f} found ({100 * row['recall']:.0f} %, 95 %: {low:.0f} to"
        f" {high:.0f} %)"
    )
    if row["merged"]:
        words += f", {row['merged']:.0f} merged"
    if row["found"]:
        words += (
            f"; reads {_change(row['length_bias_nm'], 2)} nm in length, "
            f"{_change(row['volume_bias_percent'], 0)} % in volume"
        )
    return words


def _why_none(tomogram: Tomogram, segmentation: Segmentation) -> str | None:
    """Return why a run has no detection limit; None where it has one."""
    if is_edited_by_hand(segmentation.phases.history):
        return f"These phases were {EDITED}, which the steps cannot repeat."
    if tomogram.aligned is None:
        return "There are no tilt images behind this volume."
    if why_no_twin(tomogram, segmentation) is None:
        return None
    step = last_step(segmentation.phases.history, PolishStep)
    why = segmentation.not_polished if step is None else step.note
    return f"It needs polished phases, with their grey levels. {why or ''}".rstrip()


def _planted(
    recipe: Recipe, tomogram: Tomogram, segmentation: Segmentation, context: RunContext
) -> pd.DataFrame:
    section, series = recipe.detection_limit, tomogram.aligned
    assert series is not None  # asked before
    phases = segmentation.phases
    context.state_memory("Planting clusters", phases.shape, _PLANT_BYTES)
    blur_px = known_blur(phases.history)
    sizes = section.diameters_nm
    with context.step("detection limit") as watch:

        def repeat(images: TiltSeries, progress: Progress | None) -> Volume:
            within = repeat_context("detection limit", context, progress)
            return repeated_phases(images, blur_px, recipe, tomogram, within).phases

        return detection_limit(
            phases,
            series,
            repeat,
            levels=required_step(phases.history, PolishStep).levels,
            blur_px=blur_px,
            noise=noise_model(series, should_stop=watch["should_stop"]),
            residual_px=residual_shift_px(tomogram),
            options=DetectionOptions(
                None if sizes is None else tuple(sizes),
                section.clusters,
                section.runs,
                seed=section.seed,
            ),
            connectivity=recipe.measure.object_connectivity,
            convention=recipe.measure.convention,
            **watch,
        )


def _change(value: float, decimals: int) -> str:
    """Write a change with its sign."""
    return f"{value:+.{decimals}f}".replace("-", "−")


def _stored(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
