"""History of a volume or a tilt series: one typed schema for each step of the work, and its form in
files.

A history is a tuple of :class:`HistoryStep`, oldest first: the name of a step and its parameters as
JSON values, as they are kept in files and in layers. Code does not name these parameters: it writes
a step as a dataclass of this module (``volume.after(SmoothStep("median", 1.0), data)``) and reads
it back with :func:`last_step`.

Wherever a history is stored, the version of the schemas (:data:`SCHEMA`) is stored beside it. Raise
it when the meaning or the name of a parameter changes, when one is needed that was not, or when a
new step must not be left out of reports: a stored history of another version is refused in one
sentence, except those that mean the same today. A parameter that may be absent can be added
without, as histories that lack it are still read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from typing import Any, ClassVar, TypeVar

from napari_snpore.errors import FileFormatError, InputError

SCHEMA = 4
"""Version of the schemas of all steps. 1 was the time before a version was stored; 3 came with blur
and noise of the images in the steps that make a volume and polish its phases; 4 with corrections by
hand, which a program that does not know them would leave out of its reports."""

_READABLE = (3, SCHEMA)
"""Versions that are read: all that 3 holds means the same in 4."""

HISTORY, VERSION = "history", "history_schema"
"""Keys of a history and of the version of its schemas, wherever both are stored."""

DEFAULT_CUT_AXES = (1,)
"""Axes along which a body goes on beyond the box where no step says so: a fibre lies along y."""


@dataclass(frozen=True)
class HistoryStep:
    """One step of a history: its name and the parameters that it ran with (JSON values only)."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StepSchema:
    """Base of all typed steps: ``NAME`` is the step's name; a field that is None is not stored."""

    NAME: ClassVar[str]

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters as JSON values, None left out."""
        return {
            one.name: _plain(value)
            for one in fields(self)
            if (value := getattr(self, one.name)) is not None
        }

    @property
    def step(self) -> HistoryStep:
        """The step as it is kept in a history."""
        return HistoryStep(self.NAME, self.parameters)


Schema = TypeVar("Schema", bound=StepSchema)


@dataclass(frozen=True)
class ReadStep(StepSchema):
    """Reading of one file, or of several with one image each.

    ``notes``: what was taken from where, in place of what: the image of several, refined angles,
    the caller's size.
    """

    NAME = "read"
    file: str | None = None
    files: tuple[str, ...] | None = None
    notes: tuple[str, ...] | None = None


@dataclass(frozen=True)
class OrientStep(StepSchema):
    """Axes of a stored volume put along (z, y, x), as the vectors of its header say.

    ``stored_axes``: for z, y and x the stored axis, of i (fastest), j and k. ``reversed_axes``:
    axes that run against the stored order. ``turn_left_deg``: angle of a turn in the header that is
    not a right angle and was not applied; the volume has no place in space then.
    """

    NAME = "orient"
    stored_axes: tuple[str, ...]
    reversed_axes: tuple[str, ...]
    turn_left_deg: float | None = None


@dataclass(frozen=True)
class VoxelSizeStep(StepSchema):
    """Voxel size (nm) that replaced the one in the file, and where it came from."""

    NAME = "voxel size"
    spacing_nm: tuple[float, ...]
    source: str


@dataclass(frozen=True)
class RepairPixelsStep(StepSchema):
    """Repair of bad pixels; ``threshold`` in standard deviations of the noise. ``rows``, ``columns``:
    those that were replaced in some image.
    """

    NAME = "repair pixels"
    threshold: float
    repaired_per_tilt: tuple[int, ...]
    fixed_pixel_count: int
    rows: tuple[int, ...] | None = None
    columns: tuple[int, ...] | None = None


@dataclass(frozen=True)
class LeaveOutTiltsStep(StepSchema):
    """Tilts that were left out, counted from 0."""

    NAME = "leave out tilts"
    tilts: tuple[int, ...]


@dataclass(frozen=True)
class InvertContrastStep(StepSchema):
    """Subtraction of bright-field images from the level of bright vacuum (gray units)."""

    NAME = "invert contrast"
    level: float


@dataclass(frozen=True)
class SubtractBackgroundStep(StepSchema):
    """Subtraction of the vacuum level: ``"auto"`` or one level for all images (gray units)."""

    NAME = "subtract background"
    level: str | float
    median_level: float


@dataclass(frozen=True)
class NormalizeMassStep(StepSchema):
    """Scaling of each image to the median mass."""

    NAME = "normalize mass"
    factors: tuple[float, ...]


@dataclass(frozen=True)
class BinStep(StepSchema):
    """Averaging of squares of ``factor`` by ``factor`` px."""

    NAME = "bin"
    factor: int


@dataclass(frozen=True)
class CropStep(StepSchema):
    """Part of all images, (first, last) px along y and x, last excluded."""

    NAME = "crop"
    y: tuple[int, int]
    x: tuple[int, int]


@dataclass(frozen=True)
class AlignStep(StepSchema):
    """Alignment that was applied to the images; ``shifts_px`` (tilt, 2) along y and x.

    ``image_faults``: what was wrong with the images before, ``image_faults_share``: its share of
    their norm; see :mod:`napari_snpore.tomography.image_faults`. ``residual_px``: what is left
    across the axis, median over the tilts. ``axis_given``: the direction of the axis was given before
    the rest was searched for.
    """

    NAME = "align"
    method: str
    axis_angle_deg: float
    axis_offset_px: float
    shifts_px: tuple[tuple[float, float], ...]
    handedness: str | None = None
    image_faults: str | None = None
    image_faults_share: float | None = None
    residual_px: float | None = None
    axis_given: bool | None = None


@dataclass(frozen=True)
class HeldOutChoice:
    """λ of TV as chosen by held-out tilts, and its test on others.

    ``factor``: λ over the usual one; ``iterations``: None where the volume was to converge.
    ``images``: number of images of the test; ``residual``, ``usual_residual``: their mean weighted
    squares left by the chosen and by the usual λ, 1 for noise alone; ``difference``: of the two, and
    ``error_95``, half of its interval, None for a single image. ``gain``: the difference is below 0
    by more than that; else the usual λ was kept.
    """

    factor: float
    images: int
    residual: float
    usual_residual: float
    difference: float
    gain: bool
    error_95: float | None = None
    iterations: int | None = None


@dataclass(frozen=True)
class ReconstructStep(StepSchema):
    """Reconstruction of a volume; what a method does not have is None.

    ``residual``: last of ``residuals``, the share of the images' norm that the volume leaves after
    each iteration. ``tv_weight``: λ, ``tv_misfit``: the factor on it, squares left of the images
    over those that noise leaves, from 1 to 3 (the greatest of the slabs).
    ``blur_px``: σ of the blur in the model, ``blur_from`` where it was taken from (``"user"``,
    ``"images"``, or why there is none), ``blur_range_px`` its 95 % interval where it was found.
    ``slab_rows``: rows (first, last) along y that were solved
    together. ``noise_a``, ``noise_b``: variance of a raw pixel a + b·I, which made the weights.
    ``held_out``: where λ was left to held-out tilts, what they said. ``noise_share``: the same share
    for the noise of the images. ``thickness_nm``: D, estimated from the aligned images;
    ``crowther_nm``: the resolution guide D·Δθ.
    """

    NAME = "reconstruct"
    method: str
    thickness_px: int | None = None
    tilts: int | None = None
    tilt_step_deg: float | None = None
    thickness_nm: float | None = None
    crowther_nm: float | None = None
    support: bool | None = None
    backend: str | None = None
    iterations: int | None = None
    nonnegative: bool | None = None
    finished_early: str | None = None
    residual: float | None = None
    residuals: tuple[float, ...] | None = None
    filter: str | None = None
    stop: str | None = None
    noise_share: float | None = None
    noise_reached: bool | None = None
    note: str | None = None
    tv_weight: float | None = None
    tv_weight_from: str | None = None
    tv_misfit: float | None = None
    blur_px: float | None = None
    blur_from: str | None = None
    blur_range_px: tuple[float, float] | None = None
    reweighted: bool | None = None
    converged: bool | None = None
    slab_rows: tuple[tuple[int, int], ...] | None = None
    noise_a: float | None = None
    noise_b: float | None = None
    held_out: HeldOutChoice | None = None
    gray_levels: tuple[float, ...] | None = None
    gray_levels_from: str | None = None
    seed: int | None = None


@dataclass(frozen=True)
class SmoothStep(StepSchema):
    """Smoothing of gray values; ``changed_rms``: root mean square of their change."""

    NAME = "smooth"
    method: str
    strength: float
    noise: float | None = None
    changed_rms: float | None = None


@dataclass(frozen=True)
class EnvelopeStep(StepSchema):
    """Envelope of a body, made by ambient occlusion.

    ``threshold``: gray value from which a voxel was solid, None where a mask was given.
    ``largest_body``: only the greatest piece of the solid occluded. A mask that came without its
    history leaves all but the axes None.
    """

    NAME = "envelope"
    ray_length_nm: float | None = None
    occlusion_threshold: float | None = None
    directions: int | None = None
    cut_axes: tuple[int, ...] = DEFAULT_CUT_AXES
    threshold: float | None = None
    largest_body: bool | None = None


@dataclass(frozen=True)
class OcclusionStep(StepSchema):
    """Ambient occlusion of a body; ``threshold`` as for :class:`EnvelopeStep`."""

    NAME = "occlusion"
    ray_length_nm: float
    directions: int
    cut_axes: tuple[int, ...]
    threshold: float | None = None


@dataclass(frozen=True)
class CleanupParameters:
    """Clean-up of phases: its settings, phases by their labels, and how many voxels each part
    changed.
    """

    majority_radius: int = 0
    fill: tuple[int, ...] = ()
    specks: tuple[tuple[int, int], ...] = ()
    changed_voxel_counts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class SegmentStep(StepSchema):
    """Thresholds (gray units) that made phases 1..N, the envelope around them, and their clean-up.

    ``envelope`` None: the whole box was labelled, vacuum counts as phase 1. ``method``: the rule
    that suggested the thresholds, or ``"given"``.
    """

    NAME = "segment"
    thresholds: tuple[float, ...]
    phase_names: tuple[str, ...] | None = None
    method: str = "given"
    envelope: EnvelopeStep | None = None
    cleanup: CleanupParameters | None = None

    @property
    def cut_axes(self) -> tuple[int, ...]:
        """Axes along which the body goes on beyond the box; y where no envelope says otherwise."""
        return DEFAULT_CUT_AXES if self.envelope is None else self.envelope.cut_axes


@dataclass(frozen=True)
class LabelStep(StepSchema):
    """Objects of one phase, labelled 1..count: connected components (``connectivity``), or basins
    (``contrast_nm``).
    """

    NAME = "label"
    phase: str | None = None
    count: int | None = None
    connectivity: int | None = None
    contrast_nm: float | None = None


@dataclass(frozen=True)
class CleanUpStep(StepSchema):
    """Clean-up of phases that were segmented before."""

    NAME = "clean up"
    cleanup: CleanupParameters


@dataclass(frozen=True)
class PolishStep(StepSchema):
    """Correction of phases by the tilt images.

    ``levels``: gray value of each phase from 0 on, as fitted; ``held``: phases whose level was held
    as given because its fit drifted. ``residual_before``, ``residual_after``: mean of the squared
    residual of the images over the power ``noise_a + noise_b * gray`` of their noise. ``note``: why
    the phases were left as they were; then no sweep was made and there are no residuals.
    """

    NAME = "polish"
    levels: tuple[float, ...]
    held: tuple[int, ...]
    blur_px: float
    boundary_weight: float
    sweeps: int
    changed_voxels: int
    residual_before: float | None = None
    residual_after: float | None = None
    noise_a: float | None = None
    noise_b: float | None = None
    note: str | None = None

    @classmethod
    def left_alone(cls, blur_px: float, note: str) -> PolishStep:
        """Return the step of phases that were not changed."""
        return cls((), (), blur_px, 0.0, 0, 0, note=note)


@dataclass(frozen=True)
class EstimateErrorsStep(StepSchema):
    """Errors of the numbers of these phases, which stay as they are.

    ``twins``, ``seed``: digital twins that were made, and the seed of the first. ``numbers``: rows of
    the table of numbers, ``sources``: what each source of error alone does to a number, in the columns
    of ``study/errors_of_run.py``; None where there is no value. ``reason``: why there is no twin, or
    why one failed. ``notes``: sentences on numbers that do not hold.
    """

    NAME = "estimate errors"
    twins: int
    seed: int
    numbers: tuple[tuple[str | float | None, ...], ...]
    sources: tuple[tuple[str | float | None, ...], ...] = ()
    reason: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class EditByHandStep(StepSchema):
    """Phases that were corrected by hand: painted, filled, or an object given to another phase.

    ``voxels``: those that differ from the phases before this step, whatever was painted over in
    between. ``changes``: (label before, label now, voxels) of each kind of change.
    """

    NAME = "edit by hand"
    voxels: int
    changes: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class MergeObjectsStep(StepSchema):
    """Two objects made one by hand; ``first`` and ``second``: a voxel (z, y, x) in each.

    ``voxels``: those of the object that came of it.
    """

    NAME = "merge objects by hand"
    first: tuple[int, int, int]
    second: tuple[int, int, int]
    voxels: int


@dataclass(frozen=True)
class SplitObjectStep(StepSchema):
    """An object cut in two by hand, by the plane through a drawn line along the viewing direction.

    ``voxel``: one (z, y, x) in the object. ``line``: two voxel positions (z, y, x). ``axis``: the
    array axis that the plane runs along. ``voxels``: of the two parts.
    """

    NAME = "split object by hand"
    voxel: tuple[int, int, int]
    line: tuple[tuple[float, float, float], tuple[float, float, float]]
    axis: int
    voxels: tuple[int, int]


@dataclass(frozen=True)
class LocalThicknessStep(StepSchema):
    """Local thickness (nm) of a mask."""

    NAME = "local thickness"


@dataclass(frozen=True)
class ExtractSubvolumeStep(StepSchema):
    """Box that was cut out of a volume: center and edge lengths (z, y, x), nm."""

    NAME = "extract subvolume"
    center_nm: tuple[float, float, float]
    size_nm: tuple[float, float, float]


@dataclass(frozen=True)
class ObliqueSliceStep(StepSchema):
    """Plane that was cut through a volume: its two angles, and the world position (z, y, x) of its
    first pixel.
    """

    NAME = "oblique slice"
    tilt_deg: float
    turn_deg: float
    first_pixel_nm: tuple[float, float, float]


@dataclass(frozen=True)
class MakePhantomStep(StepSchema):
    """Simulated fibre with known truth; ``family`` None: the fibre of the source."""

    NAME = "make phantom"
    state: str
    seed: int
    easy: bool
    blur_sigma_nm: float
    family: str | None = None


@dataclass(frozen=True)
class PlantedPhasesStep(StepSchema):
    """True phases of a simulated fibre."""

    NAME = "planted phases"


@dataclass(frozen=True)
class SimulateTiltSeriesStep(StepSchema):
    """Simulated images of a phantom; what does not apply (noise, misalignment) is None."""

    NAME = "simulate tilt series"
    seed: int
    tilt_axis_angle_deg: float
    tilt_axis_offset_px: float
    dose: float | None = None
    counts_per_unit: float | None = None
    shifts_px: tuple[tuple[float, float], ...] | None = None


@dataclass(frozen=True)
class SimulateMeasuredSeriesStep(StepSchema):
    """Simulated images of a phantom by the simulator outside the model: probe, gain, dark level,
    shifts.

    ``counts_per_unit``: counts per grey unit of the images as they are, None without noise.
    """

    NAME = "simulate measured series"
    seed: int
    refine: int
    gain: float
    dark_level: float
    residual_px: float
    disc_nm: float
    source_sigma_nm: float
    tail_share: float
    tail_nm: float
    half_angle_mrad: float
    dose: float | None = None
    counts_per_unit: float | None = None


@dataclass(frozen=True)
class SimulateTwinStep(StepSchema):
    """Simulated images of the phases that were found; what comes before in the history made the
    images that they stand for.

    ``levels``: grey value of each phase from 0 on. ``noise_a``, ``noise_b``: variance of a raw pixel
    a + b·I. ``residual_px``: standard deviation of the shifts along y and along x.
    """

    NAME = "simulate twin"
    levels: tuple[float, ...]
    blur_px: float
    noise_a: float
    noise_b: float
    residual_px: float
    seed: int


@dataclass(frozen=True)
class PlantClustersStep(StepSchema):
    """Simulated spheres of the brightest phase that were added to images.

    ``counts``: spheres of each diameter. ``levels``: grey value of each phase from 0 on; a sphere adds the
    last one less that of the phase it replaces. ``noise_b``: variance per grey value that is added.
    ``residual_px``: as in :class:`SimulateTwinStep`.
    """

    NAME = "plant clusters"
    diameters_nm: tuple[float, ...]
    counts: tuple[int, ...]
    levels: tuple[float, ...]
    blur_px: float
    noise_b: float
    residual_px: float
    seed: int


@dataclass(frozen=True)
class DetectionLimitStep(StepSchema):
    """Diameter (nm) of spheres of the brightest phase that are found half of the time.

    ``diameter_nm``: nothing where it lies outside the diameters that were planted; ``below_nm``: the
    smallest of them, where more than half of those are found; ``above_nm``: the largest, where fewer
    are. ``length_nm``: what the length of a sphere of the limit (or of ``above_nm``) reads in a table
    of objects. ``phase``: name of the brightest phase. ``clusters``: planted in all; ``runs``:
    reconstructions that this took.
    """

    NAME = "detection limit"
    phase: str
    clusters: int
    runs: int
    seed: int
    diameter_nm: float | None = None
    low_95: float | None = None
    high_95: float | None = None
    below_nm: float | None = None
    above_nm: float | None = None
    length_nm: float | None = None


@dataclass(frozen=True)
class SimulateInSituSeriesStep(StepSchema):
    """Simulated images of a fibre that swells."""

    NAME = "simulate in situ series"
    frames: int
    duration_s: float
    break_s: float
    diameters_nm: tuple[float, ...]
    brightening: float
    pixel_size_nm: float
    shape: tuple[int, ...]
    angle_deg: float
    drift_nm: tuple[float, ...]
    blur_nm: float
    seed: int
    dose: float | None = None


_NESTED: Mapping[tuple[type, str], type] = {
    (SegmentStep, "envelope"): EnvelopeStep,
    (ReconstructStep, "held_out"): HeldOutChoice,
    (SegmentStep, "cleanup"): CleanupParameters,
    (CleanUpStep, "cleanup"): CleanupParameters,
}


def last_step(history: Sequence[HistoryStep], schema: type[Schema]) -> Schema | None:
    """Return the last step of a kind, typed; None where a history has none.

    Raises
    ------
    InputError
        A parameter is missing, or one is not known.

    Examples
    --------
    >>> last_step([HistoryStep("bin", {"factor": 2})], BinStep)
    BinStep(factor=2)
    """
    for step in reversed(history):
        if step.name == schema.NAME:
            made: Schema = _typed(schema, step.parameters, step.name)
            return made
    return None


def all_steps(history: Sequence[HistoryStep], schema: type[Schema]) -> tuple[Schema, ...]:
    """Return all steps of a kind, typed, oldest first.

    Raises
    ------
    InputError
        As :func:`last_step`.

    Examples
    --------
    >>> all_steps([HistoryStep("bin", {"factor": 2}), HistoryStep("bin", {"factor": 3})], BinStep)
    (BinStep(factor=2), BinStep(factor=3))
    """
    return tuple(
        _typed(schema, step.parameters, step.name) for step in history if step.name == schema.NAME
    )


def required_step(history: Sequence[HistoryStep], schema: type[Schema]) -> Schema:
    """Return the last step of a kind, typed.

    Raises
    ------
    InputError
        The history has no such step, or :func:`last_step` refuses its parameters.

    Examples
    --------
    >>> required_step([HistoryStep("bin", {"factor": 2})], BinStep).factor
    2
    """
    found = last_step(history, schema)
    if found is None:
        raise InputError(f"The history holds no step '{schema.NAME}', which is needed here.")
    return found


def has_step(history: Sequence[HistoryStep], schema: type[StepSchema]) -> bool:
    """Return whether a history has a step of a kind."""
    return any(step.name == schema.NAME for step in history)


def recorded_cut_axes(history: Sequence[HistoryStep]) -> tuple[int, ...]:
    """Return the axes along which the body goes on beyond the box, as the segmentation had them; y
    without one.
    """
    made = last_step(history, SegmentStep)
    return DEFAULT_CUT_AXES if made is None else made.cut_axes


def recorded_phase_names(history: Sequence[HistoryStep]) -> tuple[str, ...] | None:
    """Return the names of the phases 1..N that a volume was segmented into; None where it was not
    segmented.
    """
    made = last_step(history, SegmentStep)
    return None if made is None else made.phase_names


def source_files(history: Sequence[HistoryStep]) -> tuple[str, ...]:
    """Return the names of the files that were read first; none where a history does not say.

    Examples
    --------
    >>> source_files([ReadStep("a.mrc").step, ReadStep("phases.tif").step])
    ('a.mrc',)
    """
    for read in all_steps(history, ReadStep):
        return read.files or ((read.file,) if read.file else ())
    return ()


def stored_history(history: Sequence[HistoryStep]) -> dict[str, Any]:
    """Return a history and the version of its schemas as entries of a JSON object, see
    :func:`parsed_history`.
    """
    steps = [{"name": step.name, "parameters": dict(step.parameters)} for step in history]
    return {VERSION: SCHEMA, HISTORY: steps}


def parsed_history(stored: Mapping[str, Any], where: str) -> tuple[HistoryStep, ...]:
    """Return the history among the entries of a JSON object; empty where there is none.

    Parameters
    ----------
    stored : mapping
        What :func:`stored_history` returned, among other entries.
    where : str
        What holds it, for the refusal: "pristine.tif", "The layer 'needle'".

    Raises
    ------
    FileFormatError
        A history of another version, or one that is not a list of steps.
    """
    steps = stored.get(HISTORY, ())
    if len(steps) == 0:
        return ()
    check_schema(stored.get(VERSION, 1), where)
    try:
        return tuple(HistoryStep(str(step["name"]), dict(step["parameters"])) for step in steps)
    except (KeyError, TypeError, ValueError) as error:
        raise FileFormatError(
            f"{where} holds a damaged history: names and parameters are needed."
        ) from error


def check_schema(version: Any, where: str) -> None:
    """Refuse what another version of the schemas wrote.

    Raises
    ------
    FileFormatError
        The version is none that is read.
    """
    if version in _READABLE:
        return
    if isinstance(version, int) and version > SCHEMA:
        remedy = "open it with a newer napari-snpore"
    else:
        remedy = "make it again with this version of napari-snpore"
    raise FileFormatError(
        f"{where} was written with version {version} of the history's format, and version {SCHEMA} is needed: {remedy}."
    )


def _typed(schema: type[Any], parameters: Mapping[str, Any], name: str) -> Any:
    known = {one.name: one for one in fields(schema)}
    unknown = sorted(set(parameters) - set(known))
    missing = [
        one.name
        for one in known.values()
        if one.name not in parameters and one.default is MISSING and one.default_factory is MISSING
    ]
    if unknown or missing:
        what = (
            f"has no parameter '{unknown[0]}'" if unknown else f"needs the parameter '{missing[0]}'"
        )
        raise InputError(f"The history of this volume cannot be read: the step '{name}' {what}.")
    return schema(
        **{
            key: _typed(_NESTED[schema, key], value, name)
            if (schema, key) in _NESTED
            else _frozen(value)
            for key, value in parameters.items()
            if value is not None
        }
    )


def _plain(value: Any) -> Any:
    """Return a value with lists for tuples and mappings for dataclasses, as JSON holds it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    return value


def _frozen(value: Any) -> Any:
    """Return a value with tuples for lists, at all depths."""
    return tuple(_frozen(one) for one in value) if isinstance(value, (list, tuple)) else value
