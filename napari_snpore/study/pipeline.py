"""Run of a recipe into one output folder, which is complete or absent.

The folder holds ``volumes/``, ``tables/*.csv``, ``figures/``, ``recipe.toml``, ``record.json`` and
``summary.txt``.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from napari_snpore.compute import ShouldStop
from napari_snpore.errors import OutputError
from napari_snpore.files import write_table, write_tlt, write_volume, write_xf
from napari_snpore.files.side_files import described_image, side_paths
from napari_snpore.scratch import scratch_beside
from napari_snpore.study.measurement_files import VolumeSuffix, write_measurement
from napari_snpore.study.measuring import MEASURE_BYTES, Measurement, measure_phases
from napari_snpore.study.provenance import Record
from napari_snpore.study.quality_report import quality_record, quality_tables
from napari_snpore.study.recipe import Recipe
from napari_snpore.study.run_context import Monitor, RunContext
from napari_snpore.study.segmentation_report import segmentation_record, segmentation_tables
from napari_snpore.study.segmenting import SEGMENT_BYTES, Segmentation, find_phases
from napari_snpore.study.summary import summarize
from napari_snpore.study.tomogram import Tomogram, obtain_volume


@dataclass(frozen=True, eq=False)
class StudyResult:
    """What a run found, and the folder that holds it."""

    folder: Path
    tomogram: Tomogram
    segmentation: Segmentation
    measurement: Measurement
    summary: str


def run_study(
    recipe: Recipe,
    out: str | Path,
    *,
    monitor: Monitor | None = None,
    should_stop: ShouldStop | None = None,
    memory_limit: int | None = None,
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

    Returns
    -------
    StudyResult

    Raises
    ------
    InputError
        Whatever is wrong with the recipe, its files or the output folder, in one sentence.
    """
    kept = recipe.relative_to(out)
    with output_folder(out) as folder, scratch_beside(out, memory_limit) as scratch:
        record = Record(
            "run", parameters=kept.model_dump(mode="json", exclude_none=True), seed=recipe.seed
        )
        context = RunContext(
            record,
            monitor or (lambda name: nullcontext(None)),
            should_stop,
            memory_limit,
            max(SEGMENT_BYTES, MEASURE_BYTES),
        )
        for path in input_paths(recipe):
            record.add_input(path, folder=Path(out).absolute())
        tomogram = obtain_volume(
            recipe.input,
            recipe.prepare,
            recipe.align,
            recipe.reconstruct,
            context=context,
            scratch=scratch,
        )
        record.results["quality"] = quality_record(tomogram)
        segmentation = find_phases(
            tomogram.volume,
            recipe.threshold,
            recipe.envelope,
            recipe.cleanup,
            polish=recipe.polish,
            series=tomogram.aligned,
            context=context,
        )
        record.results["segmentation"] = segmentation_record(segmentation)
        measurement = measure_phases(
            segmentation.phases,
            recipe.measure,
            names=segmentation.scheme.names,
            intensity=tomogram.volume,
            cut_axes=segmentation.cut_axes,
            context=context,
        )
        with context.step("write volumes and tables"):
            write_results(folder, recipe, tomogram, segmentation, measurement)
        if recipe.output.figures:
            with context.step("draw figures"):
                draw_figures(folder / "figures", recipe, tomogram, segmentation, measurement)
        text = summarize(recipe, tomogram, segmentation, measurement)
        finish(folder, record, text, kept)
    return StudyResult(Path(out), tomogram, segmentation, measurement, text)


def input_paths(recipe: Recipe) -> list[str]:
    """Return the files that a recipe reads, side files included."""
    source = recipe.input.tilt_series or recipe.input.volume
    named = list(source) if isinstance(source, list) else [str(source)]
    beside = []
    for index, name in enumerate(named):
        path = described_image(Path(name))
        named[index] = str(path)
        beside += side_paths(path)
    if recipe.align.xf is not None and recipe.align.enabled and recipe.input.tilt_series:
        beside.append(Path(recipe.align.xf))
    return [*named, *sorted({str(path) for path in beside} - set(named))]


def write_results(
    folder: Path,
    recipe: Recipe,
    tomogram: Tomogram,
    segmentation: Segmentation,
    measurement: Measurement,
) -> None:
    """Write volumes (voxel size inside) and tables (units in the column names)."""
    suffix: VolumeSuffix = ".tif" if recipe.output.volumes == "tiff" else ".ome.zarr"
    volumes, tables = folder / "volumes", folder / "tables"
    volumes.mkdir()
    tables.mkdir()
    phases = segmentation.phases
    if tomogram.series is not None:
        write_volume(volumes / f"reconstruction{suffix}", tomogram.volume)
    write_volume(volumes / f"phases{suffix}", phases)
    write_measurement(folder, measurement, suffix=suffix)
    for name, table in segmentation_tables(segmentation).items():
        write_table(tables / f"{name}.csv", table)
    if tomogram.alignment is not None and tomogram.series is not None:
        write_table(tables / "alignment.csv", tomogram.alignment.table(tomogram.series.angles_deg))
        write_xf(tables / "alignment.xf", tomogram.alignment)
        write_tlt(tables / "alignment.tlt", tomogram.series.angles_deg)
    for name, table in quality_tables(tomogram).items():
        write_table(tables / f"{name}.csv", table)


def draw_figures(
    folder: Path,
    recipe: Recipe,
    tomogram: Tomogram,
    segmentation: Segmentation,
    measurement: Measurement,
) -> None:
    """Draw and save the figures of a run, in the formats that the recipe names."""
    # matplotlib costs a second and belongs to figures alone: it is loaded only when something is
    # drawn
    from napari_snpore.figures import save_figure
    from napari_snpore.study.pictures import figures_of

    folder.mkdir()
    about = recipe.model_dump(mode="json", exclude_none=True)
    for name, figure in figures_of(recipe, tomogram, segmentation, measurement):
        save_figure(figure, folder / name, formats=tuple(recipe.output.figures), recipe=about)


def finish(folder: Path, record: Record, text: str, recipe: Recipe | None) -> None:
    """Write summary, recipe and, last, the record: a folder with a record is complete."""
    (folder / "summary.txt").write_text(text, encoding="utf-8")
    if recipe is not None:
        (folder / "recipe.toml").write_text(recipe.to_toml(), encoding="utf-8")
    record.outputs = sorted(path.relative_to(folder).as_posix() for path in outputs_of(folder))
    record.write(folder / "record.json")


def update_listed_outputs(folder: Path) -> None:
    """Take what was added to a finished folder into its record, so that a later run may replace
    it.
    """
    path = folder / "record.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["outputs"] = sorted(
        name
        for one in outputs_of(folder)
        if (name := one.relative_to(folder).as_posix()) != path.name
    )
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def outputs_of(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder, an OME-Zarr counted as one."""
    for path in folder.iterdir():
        if path.is_dir() and path.suffix != ".zarr":
            yield from outputs_of(path)
        else:
            yield path


@contextmanager
def output_folder(out: str | Path) -> Iterator[Path]:
    """Yield an empty folder beside ``out``; it takes the place of ``out`` when the block ends well,
    else it is removed.

    Raises
    ------
    OutputError
        ``out`` is a file, holds a file that is not part of an earlier result, or its parent cannot
        be written.
    """
    out = Path(os.path.abspath(Path(out).expanduser()))
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file; give a folder for the results.")
    if out.is_dir() and (foreign := unlisted_file(out)) is not None:
        raise OutputError(
            f"{out} holds {foreign}, which no earlier run wrote; give a new or an empty folder."
        )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        part.chmod(0o755)
    except OSError as error:
        raise OutputError(
            f"The folder {out} cannot be written: {error.strerror or error}."
        ) from error
    try:
        yield part
        try:
            replace_folder(part, out)
        except OSError as error:
            raise OutputError(
                f"The folder {out} cannot be written: {error.strerror or error}."
            ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def unlisted_file(out: Path) -> str | None:
    """Return the first file in a folder that its record does not list, so that no other file is
    overwritten.
    """
    record = out / "record.json"
    known = {"record.json"}
    if record.is_file():
        try:
            known |= set(json.loads(record.read_text(encoding="utf-8")).get("outputs", []))
        except (ValueError, AttributeError):
            return "a record.json that cannot be read"
    return next(
        (
            name
            for path in sorted(outputs_of(out))
            if (name := path.relative_to(out).as_posix()) not in known
        ),
        None,
    )


def replace_folder(part: Path, out: Path) -> None:
    """Put a finished folder in its place; an earlier result goes only once the new one is there."""
    if not out.exists():
        part.rename(out)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{out.name}-old-", dir=out.parent))
    out.rename(aside / "old")
    try:
        part.rename(out)
    except OSError:
        (aside / "old").rename(out)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
