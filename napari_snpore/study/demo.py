"""Demo run on shipped data: a measured tilt series of a needle, and a phantom with its true numbers
beside the measured ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from napari_snpore.compute import ShouldStop
from napari_snpore.files import write_table
from napari_snpore.history import PlantedPhasesStep
from napari_snpore.numerals import as_exact_as_interval
from napari_snpore.phantom import Phantom, make_phantom, simulate_tilt_series
from napari_snpore.segmentation.envelope import Envelope, EnvelopeOptions
from napari_snpore.segmentation.histogram import gray_histogram
from napari_snpore.segmentation.packed_mask import PackedMask
from napari_snpore.segmentation.phases import PORE_C_SN
from napari_snpore.study.measuring import Measurement, measure_phases
from napari_snpore.study.numbers import Quantity, measured_numbers
from napari_snpore.study.output_folder import finish, output_folder, update_listed_outputs
from napari_snpore.study.phantom_files import write_phantom, write_tilts
from napari_snpore.study.pipeline import run_study
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import (
    AlignSection,
    EnvelopeSection,
    InputSection,
    MeasureSection,
    Recipe,
    ThresholdSection,
    UncertaintySection,
)
from napari_snpore.study.run_context import Monitor, RunContext
from napari_snpore.study.run_errors import RunErrors
from napari_snpore.study.segmenting import Segmentation, find_phases
from napari_snpore.study.truth import Stage, planted_numbers, truth_table
from napari_snpore.volume import Volume

SEED = 7
ANGLES_DEG = np.arange(-69.0, 70.0, 2.0)
"""Seventy images at 2° steps, as in the paper."""

CORRECTED = "corrected"
"""Stage after the twin."""

_SHAPES = {False: (176, 176, 176), True: (128, 128, 128)}
"""Of the phantoms, realistic and easy: the second one shows the same at a third of the time."""

DOSE = 1000.0
"""Electrons per pixel over the fibre at tilt 0: a noise of 3 %."""


def run_demo(
    output: str | Path,
    *,
    monitor: Monitor | None = None,
    should_stop: ShouldStop | None = None,
    say: Callable[[str], None] | None = None,
) -> str:
    """Run the demo, write it into one folder and return its summary.

    ``needle/`` is the real tilt series; ``phantom/`` and ``phantom_easy/`` are pristine phantoms (fibres
    of 24 and 17 nm, 0.15 nm voxels) with grey values 0, 1, 12 and 0, 1, 2, each from simulated tilts
    to tables, with ``truth.csv`` among them.

    Parameters
    ----------
    output : str or Path
        Folder to write: new, empty, or of an earlier run.
    monitor : callable, optional
        Called with the name of a step; returns a context manager that yields its progress callback.
    should_stop : callable, optional
        See :mod:`napari_snpore.compute`.
    say : callable, optional
        Hears, in a sentence, what a step is going to cost.
    """
    with output_folder(output, command="demo") as folder:
        record = Record(
            "demo", parameters={"dose": DOSE, "angles_deg": ANGLES_DEG.tolist()}, seed=SEED
        )
        watch = monitor or (lambda name: nullcontext(None))
        context = RunContext(record, watch, should_stop)
        if say is not None:
            context = replace(context, say=say)
        with as_file(files("napari_snpore") / "data" / "needle" / "HAADF.dm3") as path:
            record.add_input(path)
            with record.timed("needle"):
                needle = run_study(
                    needle_recipe(path),
                    folder / "needle",
                    monitor=prefixed("needle", watch),
                    should_stop=should_stop,
                    say=context.say,
                )
        texts = [needle.summary]
        for easy in (False, True):
            with record.timed("phantom, easy" if easy else "phantom"):
                texts.append(phantom_part(folder, easy=easy, context=context))
        text = "\n".join(texts)
        finish(folder, record, text, None)
    return text


def needle_recipe(path: Path) -> Recipe:
    """Return the recipe of the needle: a solid body, hence two phases."""
    return Recipe(
        name="needle",
        seed=SEED,
        input=InputSection(tilt_series=str(path)),
        threshold=ThresholdSection(
            phases=2, names=["void", "needle"], colors=["#ffffff", "#2f6db5"]
        ),
        measure=MeasureSection(phases=["needle"]),
        uncertainty=UncertaintySection(twins=0),  # a solid body: its volume fraction is 100 %
    )


def prefixed(name: str, monitor: Monitor) -> Monitor:
    """Return a monitor that puts the part of the demo before the name of each step."""
    return lambda step: monitor(f"{name}: {step}")


def phantom_part(folder: Path, *, easy: bool, context: RunContext) -> str:
    """Make one phantom, reconstruct, segment and measure its tilts, and write the numbers with
    their true values.
    """
    name = "phantom_easy" if easy else "phantom"
    inner = RunContext(context.record, prefixed(name, context.monitor), context.should_stop)
    with inner.step("make"):
        phantom = make_phantom("pristine", shape=_SHAPES[easy], seed=SEED, easy=easy)
    source = folder / f"{name}_input"
    with inner.step("simulate tilts"):
        series = simulate_tilt_series(phantom, angles_deg=ANGLES_DEG, dose=DOSE, seed=SEED)
        source.mkdir()
        write_phantom(source, phantom)
        tilts = write_tilts(source / "tilts.tif", series)
    recipe = phantom_recipe(name, tilts)
    result = run_study(
        recipe,
        folder / name,
        monitor=inner.monitor,
        should_stop=context.should_stop,
        say=context.say,
    )
    stages = [
        Stage(name, measured_numbers(measured_at(phantom, found, recipe, inner)))
        for name, found in stages_of(phantom, result.segmentation, recipe, inner).items()
    ]
    stages += corrected_stage(stages[-1], result.errors)
    table = truth_table(planted_numbers(phantom), stages)
    if stages[-1].name == CORRECTED:
        table["low_95"], table["high_95"] = ends_of(table, result.errors)
        table["error"] = half_widths(table)
    write_table(folder / name / "tables" / "truth.csv", table)
    draw_truth(folder / name / "figures", table, easy)
    update_listed_outputs(folder / name)
    return f"{result.summary}\n{truth_text(table, phantom)}"


def phantom_recipe(name: str, tilts: Path) -> Recipe:
    """Return the recipe of a phantom, whose simulated tilts are aligned."""
    return Recipe(
        name=name,
        seed=SEED,
        input=InputSection(tilt_series=str(tilts)),
        align=AlignSection(enabled=False),
        envelope=EnvelopeSection(ray_length_nm=6.0),
        measure=MeasureSection(phases=["pore", "Sn"]),
    )


def stages_of(
    phantom: Phantom, found: Segmentation, recipe: Recipe, context: RunContext
) -> dict[str, Segmentation]:
    """Return the segmentations that are compared with the truth, by the names of their stages; the
    last one is absent where the images did not allow to polish.
    """
    before = found.before_polishing
    stages = {
        "true_labels": truth_segmentation(phantom),
        "blurred": blurred_segmentation(phantom, recipe, context),
        "thresholds": found if before is None else replace(found, phases=before),
    }
    if before is not None:
        stages["polished"] = found
    return stages


def measured_at(
    phantom: Phantom, segmentation: Segmentation, recipe: Recipe, context: RunContext
) -> Measurement:
    """Measure a segmentation in the phantom's own boxes, Sn only."""
    section = recipe.measure.model_copy(update={"phases": ["Sn"], "details": False})
    boxes = {region: (center, size) for region, (center, size, _) in phantom.boxes.items()}
    return measure_phases(
        segmentation.phases,
        section,
        names=segmentation.scheme.names,
        cut_axes=segmentation.cut_axes,
        boxes=boxes,
        context=context,
    )


def truth_segmentation(phantom: Phantom) -> Segmentation:
    """Return the planted phases in the form of a segmentation."""
    volume = phantom.volume
    return Segmentation(
        phases=Volume(phantom.phases, volume.spacing, volume.origin, (PlantedPhasesStep().step,)),
        thresholds=(),
        scheme=PORE_C_SN,
        histogram=gray_histogram(volume),
        method="planted",
        suggestion=None,
        envelope=Envelope(
            PackedMask.of(phantom.envelope), math.nan, EnvelopeOptions(), math.nan, math.nan, 0
        ),
    )


def blurred_segmentation(phantom: Phantom, recipe: Recipe, context: RunContext) -> Segmentation:
    """Return the segmentation of the phantom's grey volume by its histogram: the error of blur and
    thresholds without tomography.
    """
    return find_phases(
        phantom.volume, recipe.threshold, recipe.envelope, recipe.cleanup, context=context
    )


def corrected_stage(last: Stage, errors: RunErrors | None) -> list[Stage]:
    """Return what the run corrected by its twin, none without a twin; cubes that the run placed
    elsewhere than the phantom have no such number.
    """
    if errors is None or not errors.twins:
        return []
    rows = number_rows(errors)
    numbers: dict[Quantity, float] = {}
    for key, value in last.numbers.items():
        row = rows.get(key)
        if row is None or not math.isclose(row["value"], value, rel_tol=1e-9):
            numbers[key] = math.nan
        else:
            numbers[key] = row["corrected"] if math.isfinite(row["corrected"]) else value
    return [Stage(CORRECTED, numbers)]


def number_rows(errors: RunErrors) -> dict[Quantity, dict[str, Any]]:
    """Return the rows of the table of numbers by quantity and unit."""
    rows = ({str(k): v for k, v in row.items()} for row in errors.numbers.to_dict("records"))
    return {(row["quantity"], row["unit"]): row for row in rows}


def ends_of(table: pd.DataFrame, errors: RunErrors) -> tuple[list[float], list[float]]:
    """Return both ends of the interval of each number in the last stage, nan without one."""
    rows = number_rows(errors)
    known = [rows.get((row["quantity"], row["unit"]), {}) for row in table.to_dict("records")]
    low, high = ([one.get(name, math.nan) for one in known] for name in ("low_95", "high_95"))
    return low, high


def half_widths(table: pd.DataFrame) -> pd.Series:
    """Return the longer half of the interval of each number in the last stage, nan without one."""
    ends = table[["low_95", "high_95"]].sub(table[CORRECTED], axis=0)
    return ends.abs().max(axis=1, skipna=False)


def draw_truth(folder: Path, table: pd.DataFrame, easy: bool) -> None:
    """Draw measured against true numbers and save the figure with its recipe."""
    from napari_snpore.figures import save_figure, truth_against_measured

    save_figure(
        truth_against_measured(table),
        folder / "truth",
        recipe={"seed": SEED, "easy": easy, "dose": DOSE},
    )


_MEANING = {
    "true_labels": "the planted phases, measured: exact where the measurement is.",
    "blurred": "thresholds on the phantom's own blurred grey volume: no tomography, but no model of the blur either.",
    "thresholds": f"thresholds, by the images, of the volume from noisy tilts within ±{ANGLES_DEG.max():.0f}°.",
    "polished": "the same phases, corrected voxel by voxel by the images.",
    CORRECTED: "less what a digital twin says that the steps add, with its 95 % interval; cubes of the run lie elsewhere.",
}
"""Stages of the work, as columns of the truth table name them."""


_WIDTHS = {CORRECTED: 36}


def _cell(row: Mapping[Any, Any], stage: str) -> str:
    """Return value and bias, in the last stage with its interval; a dash where there is none."""
    value, ends = row[stage], [row.get(name, math.nan) for name in ("low_95", "high_95")]
    if not math.isfinite(value):
        return "–"
    known = stage == CORRECTED and all(map(math.isfinite, ends))
    text = as_exact_as_interval(value, *ends) if known else f"{value:.4g}"
    return f"{text} ({row[stage + '_bias']:+.3g})"


def truth_text(table: pd.DataFrame, phantom: Phantom) -> str:
    """Return the truth table as text, followed by the meaning of its columns."""
    gray = ", ".join(f"{level:g}" for level in phantom.gray_levels[1:])
    if phantom.easy:
        gray += " (easy)"
    stages = [name for name in _MEANING if name in table.columns]
    heads = "".join(f"{name.replace('_', ' '):>{_WIDTHS.get(name, 22)}}" for name in stages)
    lines = [
        f"{phantom.state} phantom, grey values pore, C, Sn = {gray}, seed {phantom.seed}: value (bias against the truth)",
        f"{'':<46}{'truth':>10}{heads}",
    ]
    for row in table.to_dict("records"):
        cells = "".join(f"{_cell(row, stage):>{_WIDTHS.get(stage, 22)}}" for stage in stages)
        lines.append(f"{row['quantity'] + ', ' + row['unit']:<46}{row['truth']:>10.4g}{cells}")
    lines += [f"{name.replace('_', ' ')}: {_MEANING[name]}" for name in stages]
    return "\n".join(lines) + "\n"
