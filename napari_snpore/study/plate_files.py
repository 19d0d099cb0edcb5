"""Plates without a window: a recipe of a plate read from a file, and its spec filled from a run's
folder or single files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from napari_snpore.errors import FileFormatError, InputError
from napari_snpore.figures.plate_recipe import PlateInput, PlateRecipe
from napari_snpore.figures.plate_spec import (
    DEFAULT_PARTS,
    PARTS,
    ObliqueSpec,
    PlateSpec,
    SpecimenColumn,
)
from napari_snpore.figures.style import FigureStyle
from napari_snpore.files import read_volume
from napari_snpore.files.guarded_reading import guarded
from napari_snpore.files.small_files import read_toml
from napari_snpore.files.tables import read_table
from napari_snpore.history import SegmentStep, last_step, recorded_phase_names
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme
from napari_snpore.study.error_report import fraction_intervals
from napari_snpore.study.measuring import region_size
from napari_snpore.study.provenance import check_record
from napari_snpore.study.recipe import Recipe, read_recipe, relative_path
from napari_snpore.study.run_errors import recorded_errors
from napari_snpore.subvolume import NamedBox, center_and_edge_boxes, edges_of
from napari_snpore.uncertainty.size_limit import recorded_size_limit
from napari_snpore.volume import Volume

_VOLUME_SUFFIXES = (".tif", ".ome.zarr")
"""Of the volumes that a run writes."""

_DEAD_PORE_CONNECTIVITY = 6
"""Pores are 6-connected, as in the table of the window."""


@dataclass(frozen=True, eq=False)
class PlateFiles:
    """Files of a plate: paths of volume, phases and tables, and what the record of a run adds.

    Parameters
    ----------
    volume, phases : Path, optional
        Grey values and phase labels.
    objects : mapping of str to Path
        Tables of objects by what the objects are.
    steps : Recipe, optional
        Recipe of the run.
    crowther_nm : float, optional
        Resolution limit D·Δθ that the run found.
    dead_share_of_pore : float, optional
        Share (0 to 1) of the pore volume that is dead.
    boxes : sequence of NamedBox
        Boxes that the run measured.
    name : str
        Name of the specimen.
    """

    volume: Path | None = None
    phases: Path | None = None
    objects: Mapping[str, Path] = field(default_factory=dict)
    steps: Recipe | None = None
    crowther_nm: float | None = None
    dead_share_of_pore: float | None = None
    boxes: tuple[NamedBox, ...] = ()
    name: str = ""

    @property
    def image(self) -> str | None:
        """Which image of the volume's file, where that is the input of the run."""
        given = None if self.steps is None else self.steps.input
        if given is None or given.volume is None or self.volume != Path(given.volume):
            return None
        return given.image

    @property
    def paths(self) -> list[Path]:
        """All files that are read."""
        return [
            path for path in (self.volume, self.phases, *self.objects.values()) if path is not None
        ]


def read_plate_recipe(source: str | Path) -> PlateRecipe:
    """Read the recipe of a plate; relative input paths count from the folder of the recipe.

    Parameters
    ----------
    source : path
        A TOML file, the folder of a finished ``snpore run`` (all settings by default), or a plate
        that was saved as PNG, SVG or PDF, whose recipe is inside.

    Raises
    ------
    FileFormatError
        No such file, not TOML, or a figure that is no plate.
    InputError
        A setting that is unknown or out of range; the sentence names it.
    """
    from napari_snpore.figures.save import recipe_of  # loads matplotlib

    path = Path(source)
    if path.is_dir():
        return PlateRecipe(input=PlateInput(run=str(path)))
    if path.suffix.lower() in (".png", ".svg", ".pdf"):
        content = recipe_of(path)
        if content is None or content.get("figure") != "plate":
            raise FileFormatError(
                f"{path} holds no recipe of a plate; a figure saved by 'Save plate' is needed."
            )
    else:
        missing = "There is no recipe and no folder of a run {path}."
        content = read_toml(path, what="a recipe", missing=missing)
    with guarded(path):
        recipe = PlateRecipe(**content)
        placed = _placed(recipe.input, path.parent)
    return recipe.model_copy(update={"input": placed})


def find_plate_files(recipe: PlateRecipe) -> PlateFiles:
    """Return the files that a recipe names, those of its run included.

    Raises
    ------
    FileFormatError
        The folder holds no finished run.
    InputError
        The recipe names no files.
    """
    found = PlateFiles() if recipe.input.run is None else _files_of_run(Path(recipe.input.run))
    source = recipe.input
    objects = {what: Path(path) for what, path in source.objects.items()} or found.objects
    files = PlateFiles(
        Path(source.volume) if source.volume else found.volume,
        Path(source.phases) if source.phases else found.phases,
        objects,
        found.steps,
        found.crowther_nm,
        found.dead_share_of_pore,
        found.boxes,
        found.name,
    )
    if not files.paths:
        raise InputError(
            "The recipe of the plate names no files; [input] needs run, or volume, phases or objects (--run on the command line)."
        )
    return files


def plate_spec_of(recipe: PlateRecipe, files: PlateFiles) -> PlateSpec:
    """Read the files of a plate and return its spec.

    Parts that are not named in the recipe are those of the plate in the paper for which there is
    data. The 3D scene is drawn in a window only; a recipe that names it gets a remark.

    Raises
    ------
    InputError
        A file that cannot be read, or settings that contradict the data.
    """
    spacing = recipe.input.spacing_nm
    volume = (
        None
        if files.volume is None
        else read_volume(files.volume, spacing=spacing, image=files.image)
    )
    phases = None if files.phases is None else read_volume(files.phases, spacing=spacing)
    tables = {what: read_table(path) for what, path in files.objects.items()}
    scheme = _scheme(recipe, files.steps, phases)
    shown = _opaque(scheme)
    boxes = _boxes(recipe, files, phases)
    noun = _chosen_objects(recipe, tables)
    errors = None if phases is None else recorded_errors(phases.history)
    intervals = fraction_intervals(errors, shown.names)
    specimens: tuple[SpecimenColumn, ...] = ()
    if phases is not None or tables:
        name = files.name or "specimen"
        specimens = (
            SpecimenColumn(
                name,
                phases,
                shown,
                tables,
                dead_share_of_pore=files.dead_share_of_pore,
                intervals=intervals,
            ),
        )
    oblique = _oblique(recipe, volume, phases)
    measured = volume if phases is None else phases
    return PlateSpec(
        parts=_parts(recipe, volume, phases, tables, boxes, oblique),
        plane=recipe.plane,
        position_nm=recipe.position_nm,
        field_nm=recipe.field_nm,
        volume=volume,
        phases=phases,
        projection=recipe.projection if recipe.thickness_nm else None,
        thickness_nm=recipe.thickness_nm or 0.0,
        limits=recipe.contrast_limits,
        colormap=recipe.colormap,
        gamma=recipe.gamma,
        scheme=shown,
        shown_scheme=scheme,
        thresholds=tuple(recipe.thresholds) or _thresholds(phases, len(scheme.names)),
        oblique=oblique,
        boxes=boxes,
        objects=tables.get(noun),
        noun=noun or "objects",
        voxel_nm=1.0 if measured is None else max(measured.spacing),
        crowther_nm=files.crowther_nm,
        size_limit=None if phases is None else recorded_size_limit(phases.history, noun or ""),
        specimens=specimens,
        style=FigureStyle(**recipe.style.model_dump()),
        layers=tuple(
            {
                "name": path.name,
                "history": [{"name": step.name, **step.parameters} for step in one.history],
            }
            for path, one in ((files.volume, volume), (files.phases, phases))
            if path is not None and one is not None
        ),
        intervals=intervals,
    )


def _files_of_run(folder: Path) -> PlateFiles:
    """Return the files of a finished run; the volume is its input where nothing was
    reconstructed.
    """
    record_path = folder / "record.json"
    if not record_path.is_file() or not (folder / "recipe.toml").is_file():
        raise FileFormatError(
            f"{folder} holds no finished run; a folder that 'snpore run' wrote is needed."
        )
    record = check_record(record_path)
    with guarded(record_path):
        crowther = (record.get("results", {}).get("quality") or {}).get("crowther_nm")
    steps = read_recipe(folder / "recipe.toml")
    reconstruction = _written_volume(folder, "reconstruction")
    source = None if steps.input.volume is None else Path(steps.input.volume)
    tables = sorted((folder / "tables").glob("objects_*.csv"))
    return PlateFiles(
        reconstruction or source,
        _written_volume(folder, "phases"),
        {_noun(path.stem.removeprefix("objects_")): path for path in tables},
        steps,
        crowther,
        _dead_share(folder / "tables" / "dead_pores.csv"),
        _measured_boxes(folder / "tables" / "fractions.csv"),
        steps.name or folder.name,
    )


def _written_volume(folder: Path, name: str) -> Path | None:
    paths = (folder / "volumes" / f"{name}{suffix}" for suffix in _VOLUME_SUFFIXES)
    return next((path for path in paths if path.exists()), None)


def _noun(phase: str) -> str:
    """Return what the objects of a phase are, in the plural, as the window names them."""
    return {"pore": "pores", "Sn": "Sn clusters", "C": "C objects"}.get(
        phase, f"{phase} objects".replace("_", " ")
    )


def _dead_share(path: Path) -> float | None:
    if not path.is_file():
        return None
    table = read_table(path)
    with guarded(path):
        row = table[table["connectivity"] == _DEAD_PORE_CONNECTIVITY]
        return float(row["dead_share_of_pore"].iloc[0]) if len(row) else None


def _scheme(recipe: PlateRecipe, steps: Recipe | None, phases: Volume | None) -> PhaseScheme:
    """Return names and colors of the phases: those of the plate's recipe, of the run, of the
    volume's history, or pore, C, Sn.
    """
    if recipe.phases:
        return PhaseScheme(
            tuple(one.name for one in recipe.phases), tuple(one.color for one in recipe.phases)
        )
    if steps is not None:
        return steps.threshold.scheme
    names = None if phases is None else recorded_phase_names(phases.history)
    if names is not None and len(names) != len(PORE_C_SN.names):
        colors = (*PORE_C_SN.colors, "#c0504d", "#7f7f7f")[: len(names)]
        return PhaseScheme(tuple(names), colors)
    return PORE_C_SN if names is None else PhaseScheme(tuple(names), PORE_C_SN.colors)


def _opaque(scheme: PhaseScheme) -> PhaseScheme:
    """Return the scheme for bars and numbers: a phase that slices hide has a color all the same."""
    return PhaseScheme(scheme.names, tuple(color[:7] for color in scheme.colors))


def _thresholds(phases: Volume | None, count: int) -> tuple[float, ...]:
    """Return the thresholds that made the phases; none where they are not known, or are not those
    between them.
    """
    made = None if phases is None else last_step(phases.history, SegmentStep)
    return made.thresholds if made is not None and len(made.thresholds) == count - 1 else ()


def _boxes(recipe: PlateRecipe, files: PlateFiles, phases: Volume | None) -> tuple[NamedBox, ...]:
    """Return the boxes of the recipe, else a center and an edge cube of its size, else those that
    the run measured.
    """
    if recipe.boxes:
        return tuple(NamedBox(box.name, box.center_nm, box.size_nm) for box in recipe.boxes)
    if recipe.subvolume_nm is None or phases is None:
        return files.boxes
    size = recipe.subvolume_nm
    places = center_and_edge_boxes(
        np.asarray(phases.data) > 0,
        spacing=phases.spacing,
        origin=phases.origin,
        size_nm=size,
        fibre_axis=1,
    )
    return tuple(NamedBox(name, center, (size, size, size)) for name, center in places.items())


def _measured_boxes(path: Path) -> tuple[NamedBox, ...]:
    """Return the boxes of a table of volume fractions, in which a region has its size and its
    center in nm.
    """
    if not path.is_file():
        return ()
    with guarded(path):
        table = read_table(path).drop_duplicates("region")
        names = table["region"].astype(str)  # an empty table passes the line above
        centers = table[[f"region_center_{axis}_nm" for axis in "zyx"]].to_numpy(np.float64)
        sizes = [region_size(row) for row in table.to_dict("records")]
    return tuple(
        NamedBox(name, (z, y, x), edges_of(size))
        for name, (z, y, x), size in zip(names, centers.tolist(), sizes, strict=True)
        if size is not None
    )


def _chosen_objects(recipe: PlateRecipe, tables: Mapping[str, pd.DataFrame]) -> str:
    """Return which objects the histograms show: those of the recipe, else the Sn clusters, else the
    last table.
    """
    if recipe.objects is not None and tables:
        if recipe.objects.what not in tables:
            raise InputError(
                f"objects.what is {recipe.objects.what!r}; there are tables of {', '.join(tables)}."
            )
        return recipe.objects.what
    return "Sn clusters" if "Sn clusters" in tables else next(reversed(list(tables)), "")


def _oblique(
    recipe: PlateRecipe, volume: Volume | None, phases: Volume | None
) -> ObliqueSpec | None:
    source = phases if recipe.oblique is not None and recipe.oblique.of_phases else volume
    if recipe.oblique is None or source is None:
        return None
    return ObliqueSpec(
        source, recipe.oblique.tilt_deg, recipe.oblique.turn_deg, labels=recipe.oblique.of_phases
    )


def _parts(
    recipe: PlateRecipe,
    volume: Volume | None,
    phases: Volume | None,
    tables: Mapping[str, pd.DataFrame],
    boxes: tuple[NamedBox, ...],
    oblique: ObliqueSpec | None,
) -> tuple[str, ...]:
    if recipe.parts is not None:
        return tuple(part for part in PARTS if part in recipe.parts)
    there = {
        "grey": volume is not None,
        "phases": phases is not None,
        "oblique": oblique is not None,
        "boxes": bool(boxes),
        "fractions": bool(boxes) and phases is not None,
        "histograms": bool(tables),
    }
    return tuple(part for part in DEFAULT_PARTS if there.get(part, False))


def relative_input(source: PlateInput, folder: Path) -> PlateInput:
    """Return the input with paths relative to a folder, in which the plate lies."""
    return _with_paths(source, lambda path: relative_path(path, folder))


def _placed(source: PlateInput, folder: Path) -> PlateInput:
    """Return the input with paths relative to the working directory."""
    return _with_paths(
        source,
        lambda path: path if Path(path).expanduser().is_absolute() else str(folder / path),
    )


def _with_paths(source: PlateInput, place: Callable[[str], str]) -> PlateInput:
    return source.model_copy(
        update={
            "run": source.run and place(source.run),
            "volume": source.volume and place(source.volume),
            "phases": source.phases and place(source.phases),
            "objects": {what: place(path) for what, path in source.objects.items()},
        }
    )
