"""Run of a recipe into one output folder, which is complete or absent.

The folder holds ``volumes/``, ``tables/*.csv``, ``figures/``, ``recipe.toml``, ``record.json`` and
``summary.txt``.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

from napari_snpore.compute import Progress, ShouldStop, share_of
from napari_snpore.engines import Engine, using
from napari_snpore.files import write_table, write_tlt, write_xf
from napari_snpore.files.mdoc import described_images
from napari_snpore.files.side_files import side_paths
from napari_snpore.files.write import write_volumes
from napari_snpore.outputs.places import resolved
from napari_snpore.scratch import scratch_beside
from napari_snpore.study.block_store import BlockStore
from napari_snpore.study.by_blocks import (
    advice_for,
    by_blocks,
    moved,
    moved_segmentation,
    plan_blocks,
    shared_tomogram,
    store_of,
)
from napari_snpore.study.checks import checks_table
from napari_snpore.study.conditions import conditions_record
from napari_snpore.study.detection import (
    RunDetection,
    detection_of_run,
    detection_record,
    with_detection,
)
from napari_snpore.study.error_report import errors_record
from napari_snpore.study.errors_of_run import errors_of_run, with_errors
from napari_snpore.study.kept_steps import NO_STEPS, KeptSteps
from napari_snpore.study.measurement_files import VolumeSuffix, write_measurement
from napari_snpore.study.measuring import MEASURE_BYTES, Measurement, measure_phases
from napari_snpore.study.output_folder import finish, output_folder
from napari_snpore.study.provenance import Record, plain
from napari_snpore.study.quality_report import quality_record, quality_tables
from napari_snpore.study.recipe import Recipe
from napari_snpore.study.run_context import Monitor, RunContext
from napari_snpore.study.run_errors import RunErrors
from napari_snpore.study.segmentation_report import segmentation_record, segmentation_tables
from napari_snpore.study.segmenting import SEGMENT_BYTES, Segmentation, find_phases
from napari_snpore.study.summary import summarize
from napari_snpore.study.tomogram import Tomogram, load_series, obtain_volume


@dataclass(frozen=True, eq=False)
class StudyResult:
    """What a run found, and the folder that holds it."""

    folder: Path
    tomogram: Tomogram
    segmentation: Segmentation
    measurement: Measurement
    summary: str
    errors: RunErrors
    detection: RunDetection | None = None
    checks: pd.DataFrame | None = None


def run_study(
    recipe: Recipe,
    out: str | Path,
    *,
    monitor: Monitor | None = None,
    should_stop: ShouldStop | None = None,
    memory_limit: int | None = None,
    say: Callable[[str], None] | None = None,
    steps: KeptSteps = NO_STEPS,
    engine: Engine | None = None,
) -> StudyResult:
    """Run all steps of a recipe and write one folder.

    Parameters
    ----------
    recipe : Recipe
        All parameters; see :mod:`napari_snpore.study.recipe`.
    out : path
        The folder to make. An earlier result there is replaced; a folder that holds anything else
        is refused.
    monitor : callable, optional
        ``with monitor(step_name) as progress`` around each step.
    should_stop : callable, optional
        Asked between and within steps; true raises :class:`~napari_snpore.errors.Stopped`, and
        nothing is written.
    memory_limit : int, optional
        Bytes that a step may take. With a limit, images and volume that are large for it are files
        while the run lasts; what needs more is refused before it starts. Default 80 % of what is
        free.
    say : callable, optional
        Hears, in a sentence, what digital twins and a detection limit are going to cost before they
        start.
    steps : KeptSteps, optional
        Where finished steps are kept, so that an interrupted run goes on after the last of them; a
        run by blocks begins anew.
    engine : Engine, optional
        Of several processes, which work by blocks. Default: threads.

    Returns
    -------
    StudyResult

    Raises
    ------
    InputError
        Whatever is wrong with the recipe, its files or the output folder, in one sentence.
    """
    out = Path(out).expanduser()
    paths = input_paths(recipe)
    held = max(SEGMENT_BYTES, MEASURE_BYTES)
    advice = advice_for(recipe)
    read_series = cache(partial(load_series, recipe.input))  # by whoever needs it first
    plan = plan_blocks(recipe, held, memory_limit, engine, read_series=read_series)
    if plan is not None:
        recipe, memory_limit, held, steps = by_blocks(recipe, plan), plan.memory, 0.0, NO_STEPS
        if say is not None:
            say(f"{plan.sentence} Volumes are written as OME-Zarr.")
    kept = recipe.relative_to(resolved(out))
    with (
        output_folder(out, command="run", inputs=paths) as folder,
        scratch_beside(out, memory_limit) as scratch,
        ExitStack() as within,
    ):
        store = None if plan is None else store_of(plan, scratch, folder)
        within.enter_context(using(engine, None if store is None else store.empty_in_blocks))
        if engine is not None:
            engine.check_sees(folder, paths)
        record = Record(
            "run", parameters=kept.model_dump(mode="json", exclude_none=True), seed=recipe.seed
        )
        context = RunContext(
            record,
            monitor or (lambda name: nullcontext(None)),
            should_stop,
            memory_limit,
            held,
            folder,
            _output_bytes_per_voxel(recipe),
            say or (lambda sentence: None),
            store,
            advice,
        )
        for path in paths:
            record.add_input(path, folder=resolved(out))
        tomogram = steps.keep(
            "tomogram",
            record,
            lambda: obtain_volume(
                recipe.input,
                recipe.prepare,
                recipe.align,
                recipe.reconstruct,
                context=context,
                scratch=scratch,
                read_series=read_series,
            ),
        )
        read_series.cache_clear()  # nobody reads the raw images any more
        if plan is not None:
            tomogram = shared_tomogram(recipe, tomogram, plan, context)
        record.results["quality"] = quality_record(tomogram)
        segmentation = steps.keep(
            "phases",
            record,
            lambda: find_phases(
                tomogram.volume,
                recipe.threshold,
                recipe.envelope,
                recipe.cleanup,
                polish=recipe.polish,
                series=tomogram.aligned,
                context=context,
            ),
        )
        record.results["segmentation"] = segmentation_record(segmentation)
        measurement = steps.keep(
            "measurement",
            record,
            lambda: measure_phases(
                segmentation.phases,
                recipe.measure,
                names=segmentation.scheme.names,
                intensity=tomogram.volume,
                cut_axes=segmentation.cut_axes,
                context=context,
            ),
        )
        detection = steps.keep(
            "detection limit",
            record,
            lambda: detection_of_run(recipe, tomogram, segmentation, context),
        )
        if detection is not None:
            record.results["detection_limit"] = detection_record(detection)
        planted = with_detection(segmentation, detection)
        errors = steps.keep(
            "errors",
            record,
            lambda: errors_of_run(recipe, tomogram, planted, measurement, context),
        )
        record.results["errors"] = errors_record(errors)
        record.results["conditions"] = conditions_record(tomogram, errors.conditions)
        checks = checks_table(recipe.checks, planted, measurement, errors, context)
        if checks is not None:
            record.results["checks"] = plain(checks.to_dict("records"))
        segmentation = with_errors(planted, errors)
        with context.step("write volumes and tables") as watch:
            parts = (tomogram, segmentation, measurement)
            write_results(folder, recipe, *parts, context.store, **watch)
            write_errors(folder / "tables", errors)
            if checks is not None:
                write_table(folder / "tables" / "checks.csv", checks)
            if detection is not None and detection.table is not None:
                write_table(folder / "tables" / "detection_limit.csv", detection.table)
        if recipe.output.figures:
            with context.step("draw figures"):
                draw_figures(folder / "figures", recipe, tomogram, segmentation, measurement, kept)
        text = summarize(recipe, tomogram, segmentation, measurement, errors, detection, checks)
        finish(folder, record, text, kept)
    if plan is not None:  # what is on disk has moved
        tomogram = replace(tomogram, volume=moved(tomogram.volume, folder, out))
        segmentation = moved_segmentation(segmentation, folder, out)
        labels = {name: moved(one, folder, out) for name, one in measurement.labels.items()}
        measurement = replace(measurement, labels=labels)
    return StudyResult(out, tomogram, segmentation, measurement, text, errors, detection, checks)


def _output_bytes_per_voxel(recipe: Recipe) -> float:
    """Return what reconstruction and phases take on disk at the least."""
    if recipe.output.volumes != "tiff":
        return 0.0
    return float(np.dtype(np.float32).itemsize + np.dtype(np.uint8).itemsize)


def input_paths(recipe: Recipe) -> list[str]:
    """Return the files that a recipe reads, side files included."""
    source = recipe.input.tilt_series or recipe.input.volume
    given = list(source) if isinstance(source, list) else [str(source)]
    named: list[str] = []
    beside = []
    for name in given:
        images = described_images(Path(name))
        named += [str(path) for path in images]
        beside += side_paths(images[0]) if len(images) == 1 else [Path(name)]
    if recipe.align.xf is not None and recipe.align.enabled and recipe.input.tilt_series:
        beside.append(Path(recipe.align.xf))
    return [*named, *sorted({str(path) for path in beside} - set(named))]


def write_results(
    folder: Path,
    recipe: Recipe,
    tomogram: Tomogram,
    segmentation: Segmentation,
    measurement: Measurement,
    store: BlockStore | None = None,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> None:
    """Write volumes (voxel size inside) and tables (units in the column names); of a run by blocks the
    volumes are there.
    """
    suffix: VolumeSuffix = ".tif" if recipe.output.volumes == "tiff" else ".ome.zarr"
    volumes, tables = folder / "volumes", folder / "tables"
    tables.mkdir()
    phases = segmentation.phases
    if store is None:
        volumes.mkdir()
        made = {} if tomogram.series is None else {"reconstruction": tomogram.volume}
        made["phases"] = phases
        named = {volumes / f"{name}{suffix}": volume for name, volume in made.items()}
        first, second = share_of(progress, 0.0, 0.5), share_of(progress, 0.5, 1.0)
        write_volumes(named, progress=first, should_stop=should_stop)
        write_measurement(
            folder, measurement, suffix=suffix, progress=second, should_stop=should_stop
        )
    else:
        store.complete("phases", phases)
        write_measurement(folder, measurement, suffix=None)
    for name, table in segmentation_tables(segmentation).items():
        write_table(tables / f"{name}.csv", table)
    if tomogram.alignment is not None and tomogram.series is not None:
        write_table(tables / "alignment.csv", tomogram.alignment.table(tomogram.series.angles_deg))
        write_xf(tables / "alignment.xf", tomogram.alignment)
        write_tlt(tables / "alignment.tlt", tomogram.series.angles_deg)
    for name, table in quality_tables(tomogram).items():
        write_table(tables / f"{name}.csv", table)


def write_errors(tables: Path, errors: RunErrors) -> None:
    """Write the table of numbers, and what each source of error alone does to them."""
    write_table(tables / "numbers.csv", errors.numbers)
    write_table(tables / "numbers_sources.csv", errors.sources)


def draw_figures(
    folder: Path,
    recipe: Recipe,
    tomogram: Tomogram,
    segmentation: Segmentation,
    measurement: Measurement,
    kept: Recipe,
) -> None:
    """Draw and save the figures of a run, in the formats that the recipe names.

    ``kept`` is the recipe with paths relative to the folder of the run: the same picture wherever
    that lies.
    """
    # matplotlib costs a second and belongs to figures alone: it is loaded only when something is
    # drawn
    from napari_snpore.figures import save_figure
    from napari_snpore.study.pictures import figures_of

    folder.mkdir()
    about = kept.model_dump(mode="json", exclude_none=True)
    for name, figure in figures_of(recipe, tomogram, segmentation, measurement):
        save_figure(figure, folder / name, formats=tuple(recipe.output.figures), recipe=about)
