"""Recipe of a run: one section per step, read from TOML and checked before anything runs.

Defaults are those of the functions they feed, so that an empty section means the same here, on the
command line and in the viewer. Lengths are in nm, angles in degrees.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
import tomlkit
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from napari_snpore.errors import FileFormatError, InputError, one_line
from napari_snpore.files.guarded_reading import guarded
from napari_snpore.files.small_files import read_toml
from napari_snpore.measurement.sizes import RESOLVED_VOXELS, SHORT_BELOW_NM
from napari_snpore.segmentation.occlusion import DIRECTIONS, OCCLUSION_THRESHOLD
from napari_snpore.segmentation.phases import PhaseScheme, default_scheme
from napari_snpore.segmentation.thresholds import Method as ThresholdMethod
from napari_snpore.study.checks_section import ChecksSection
from napari_snpore.subvolume import edges_of
from napari_snpore.tomography.alignment import Method as AlignMethod
from napari_snpore.tomography.discrete.polish import BOUNDARY_WEIGHT, SWEEPS
from napari_snpore.tomography.options import (
    METHODS,
    Cgls,
    Dart,
    Options,
    Sirt,
    Tv,
    Wbp,
    check_names,
    option_names,
)
from napari_snpore.tomography.options import Method as ReconstructMethod
from napari_snpore.tomography.reconstruction import Backend
from napari_snpore.uncertainty.detection_options import CLUSTERS, RUNS

Connectivity = Literal[6, 18, 26]

DEFAULT_METHOD: ReconstructMethod = "tv"
"""Of runs, commands and the window."""

MOST_TWINS, MOST_DRAWS = 100, 1000

ThresholdRule = Literal["auto", "projection", ThresholdMethod]
"""How thresholds are suggested: by the images (``projection``), by a rule on the histogram, or
``auto``: by the images where there are some and the volume was made by TV, else by ``haadf``."""


_Edge = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_BlockEdge = Annotated[int, Field(ge=8, multiple_of=2)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Section = TypeVar("Section", bound=BaseModel)


class InputSection(_Section):
    """Where the data is: a tilt series, or a volume that was reconstructed elsewhere.

    ``image``: which image of files that hold several, by the name of its detector or data set.
    """

    tilt_series: str | list[str] | None = None
    volume: str | None = None
    angles_deg: list[float] | None = None
    pixel_size_nm: PositiveFloat | None = None
    spacing_nm: PositiveFloat | tuple[PositiveFloat, PositiveFloat, PositiveFloat] | None = None
    tilt_axis_angle_deg: float | None = None
    image: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> InputSection:
        if (self.tilt_series is None) == (self.volume is None):
            raise ValueError("give either tilt_series or volume")
        return self


class PrepareSection(_Section):
    """What happens to the images first, in this order; all but the background is off unless asked
    for.

    ``leave_out``: tilts, numbered from 0. ``crop_px``: first and last (excluded) row and column.
    ``invert``: for bright field, where vacuum is bright. ``background``: the vacuum level that is
    subtracted, ``auto`` (found in each image), ``none``, or a grey value of the file.
    """

    leave_out: list[NonNegativeInt] = []
    repair_pixels: bool = False
    crop_px: tuple[NonNegativeInt, NonNegativeInt, NonNegativeInt, NonNegativeInt] | None = None
    bin: PositiveInt = 1
    invert: bool = False
    background: Literal["auto", "none"] | float = "auto"
    normalize_mass: bool = False


class AlignSection(_Section):
    """Alignment of the tilt series; ``enabled = false`` for a series that is aligned already.

    ``xf``: an alignment made by IMOD, used instead of our own. ``tilt_axis_offset_px``: set by
    hand, px of the prepared images.
    """

    enabled: bool = True
    method: AlignMethod = "auto"
    tilt_axis_angle_deg: float | None = None
    tilt_axis_offset_px: float | None = None
    xf: str | None = None


class ReconstructSection(_Section):
    """Reconstruction of the aligned series: the method, and the options of that method in a section
    of its own.

    ``[reconstruct.sirt]`` and the others hold the fields of
    :class:`~napari_snpore.tomography.options.Sirt`, ``Wbp``, ``Cgls``, ``Tv`` and ``Dart``. The
    section of the chosen method is filled with its defaults, so that the recipe of a run names all
    that was used; that of another method is refused. Where no method is named, the only section of
    options names it.
    """

    method: ReconstructMethod = DEFAULT_METHOD
    thickness_px: PositiveInt | None = None
    backend: Backend = "auto"
    sirt: Sirt | None = None
    wbp: Wbp | None = None
    cgls: Cgls | None = None
    tv: Tv | None = None
    dart: Dart | None = None

    @model_validator(mode="before")
    @classmethod
    def _options_of_the_method(cls, given: Any) -> Any:
        """Build the options of the method, and say where an option belongs that is somewhere
        else.
        """
        if not isinstance(given, dict):
            return given
        sections = [name for name in METHODS if given.get(name) is not None]
        usual = sections[0] if len(sections) == 1 else DEFAULT_METHOD
        method = given.get("method", usual)
        if method not in METHODS:
            return given
        for name in given:
            owners = [other for other in METHODS if name in option_names(other)]
            if owners and name not in cls.model_fields:
                place = method if method in owners else owners[0]
                raise ValueError(
                    f"{name} is an option of {', '.join(owners)} and belongs into [reconstruct.{place}]"
                )
            if name in METHODS and name != method and given[name] is not None:
                raise ValueError(
                    f"[reconstruct.{name}] holds options of {name}, but the method is {method}"
                )
        options = given.get(method)
        if isinstance(options, dict):
            check_names(method, list(options))
        return {**given, "method": method, method: {} if options is None else options}

    @property
    def options(self) -> Options:
        """The options of the chosen method."""
        found: Options = getattr(self, self.method)
        return found


class CleanupSection(_Section):
    """Smoothing before thresholds and clean-up of phases after them; all off unless asked for.

    ``smooth_strength``: voxels for ``gaussian`` and ``median``, times the noise for ``nl_means``
    and ``tv``. ``fill``: phases whose holes are filled; ``specks``: the fewest voxels of an object,
    by phase; phases by their names.
    """

    smooth: Literal["none", "gaussian", "median", "nl_means", "tv"] = "none"
    smooth_strength: PositiveFloat = 1.0
    majority_radius: Annotated[int, Field(ge=0, le=5)] = 0
    fill: list[str] = []
    specks: dict[str, PositiveInt] = {}


class ThresholdSection(_Section):
    """Thresholds on the grey value: suggested by the images or the histogram, or given as
    ``values``.

    ``method``: see :data:`ThresholdRule`; the rule that was used is in the history of the phases.
    ``calibrated``: the values count in units of vacuum 0 and carbon 1, both found in the histogram:
    a rule that carries over to other states.
    """

    method: ThresholdRule = "auto"
    phases: Annotated[int, Field(ge=2, le=5)] = 3
    values: list[float] | None = None
    calibrated: bool = False
    names: list[str] | None = None
    colors: list[str] | None = None

    @model_validator(mode="after")
    def _as_many_names_as_phases(self) -> ThresholdSection:
        for what in (self.names, self.colors):
            if what is not None and len(what) != self.phase_count:
                raise ValueError(
                    f"names and colours need one entry for each of the {self.phase_count} phases"
                )
        return self

    @field_validator("values")
    @classmethod
    def _finite_and_rising(cls, values: list[float] | None) -> list[float] | None:
        if values is not None and (
            not values or not np.isfinite(values).all() or (np.diff(values) <= 0).any()
        ):
            raise ValueError("finite, increasing grey values are needed")
        return values

    @field_validator("names")
    @classmethod
    def _fit_for_files(cls, names: list[str] | None) -> list[str] | None:
        """Names of phases become names of files."""
        for name in names or []:
            if re.fullmatch(r"[\w][\w .+()-]*", name) is None or name != name.strip():
                raise ValueError(
                    f"{name!r} cannot be part of a file name; letters, numbers, spaces and _ . + ( ) - can"
                )
        if names is not None and len({name.casefold() for name in names}) < len(names):
            raise ValueError("two phases have the same name")
        return names

    @field_validator("colors")
    @classmethod
    def _hex_colors(cls, colors: list[str] | None) -> list[str] | None:
        for color in colors or []:
            if re.fullmatch(r"#[0-9a-fA-F]{6}", color) is None:
                raise ValueError(f"{color!r} is no colour; #rrggbb is needed")
        return colors

    @property
    def phase_count(self) -> int:
        """Number of phases, the exterior not counted."""
        return self.phases if self.values is None else len(self.values) + 1

    @property
    def scheme(self) -> PhaseScheme:
        """Names and colours: the given ones, else pore / C / Sn for three phases, else numbered
        phases.
        """
        default = default_scheme(self.phase_count)
        return PhaseScheme(tuple(self.names or default.names), tuple(self.colors or default.colors))


class PolishSection(_Section):
    """Correction of the phases by the tilt images, between envelope and clean-up.

    ``enabled``: ``"auto"`` polishes where the volume was made from its images by TV with a known
    blur and from enough of them. ``boundary_weight``: energy of a pair of unlike voxels, in units
    of a log-likelihood. ``sweeps``: at most.
    """

    enabled: Literal["auto"] | bool = "auto"
    boundary_weight: NonNegativeFloat = BOUNDARY_WEIGHT
    sweeps: PositiveInt = SWEEPS


class EnvelopeSection(_Section):
    """Ambient occlusion that separates vacuum around the fibre from pore; ``ray_length_nm`` unset:
    half the fibre's radius.

    ``largest_body``: only the greatest 6-connected piece of the solid casts shadows; loose specks
    outside its envelope become exterior.
    """

    enabled: bool = True
    largest_body: bool = True
    ray_length_nm: PositiveFloat | None = None
    occlusion_threshold: Annotated[float, Field(gt=0, lt=1)] = OCCLUSION_THRESHOLD
    directions: Annotated[int, Field(ge=8)] = DIRECTIONS
    cut_axes: list[Literal[0, 1, 2]] = [1]


class MeasuredBox(_Section):
    """A box along the array axes whose fractions are counted: its name, its center ``(z, y, x)`` in
    world coordinates, and one edge of a cube or three edges (z, y, x).
    """

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
    center_nm: tuple[FiniteFloat, FiniteFloat, FiniteFloat]
    size_nm: _Edge | tuple[_Edge, _Edge, _Edge]

    @property
    def edges_nm(self) -> tuple[float, float, float]:
        """The three edges (z, y, x)."""
        return edges_of(self.size_nm)


class MeasureSection(_Section):
    """Objects and their sizes. ``phases`` names those whose objects are measured; unset: the
    darkest and the brightest.

    Connectivities are duals: the darkest phase (pore) 6, the others 26. ``separate_nm`` also splits
    the pore network by a watershed with that contrast on the distance map. ``details``: tables of
    slices, shells (``shell_nm`` thick, default an eighth of the radius), contacts (pore within
    ``delta_nm``, default two voxels), networks, neighbours, correlation and cube sizes;
    ``thickness``: local thickness, chords and tortuosity as well, which takes longer;
    ``diffusivity``: effective diffusivity of the pores.
    ``density_g_cm3`` of phases by name turns volumes into
    mass shares, which are compared with ``mass_percent``, those known from elsewhere. ``boxes``:
    whose fractions are counted too; one called ``centre`` or ``edge`` takes the place of that cube.
    """

    phases: list[str] | None = None
    pore_connectivity: Connectivity = 6
    object_connectivity: Connectivity = 26
    separate_nm: PositiveFloat | None = None
    convention: Literal["corners", "centers_plus_one"] = "corners"
    directions: Literal["exact"] | PositiveInt = "exact"
    min_voxels: PositiveInt = RESOLVED_VOXELS
    limit_nm: PositiveFloat = SHORT_BELOW_NM
    subvolume_nm: PositiveFloat | None = None
    details: bool = True
    shell_nm: PositiveFloat | None = None
    delta_nm: PositiveFloat | None = None
    thickness: bool = False
    diffusivity: bool = False
    density_g_cm3: dict[str, PositiveFloat] = {}
    mass_percent: dict[str, PositiveFloat] = {}
    boxes: list[MeasuredBox] = []

    @field_validator("boxes")
    @classmethod
    def _names_differ(cls, boxes: list[MeasuredBox]) -> list[MeasuredBox]:
        names = [one.name for one in boxes]
        for name in names:
            if name == "whole":
                raise ValueError(
                    "'whole' is the name of the whole volume; give the box another one"
                )
            if names.count(name) > 1:
                raise ValueError(f"two boxes have the name {name!r}")
        return boxes


class UncertaintySection(_Section):
    """Errors of the numbers. ``twins``: how many digital twins repeat the steps of the run, 0 for
    none; ``draws`` of thresholds, blur and envelope for the intervals; ``seed`` of both.
    """

    twins: Annotated[int, Field(ge=0, le=MOST_TWINS)] = 1
    draws: Annotated[int, Field(ge=3, le=MOST_DRAWS)] = 25
    seed: NonNegativeInt = 0


class DetectionSection(_Section):
    """Detection limit: spheres of the brightest phase planted into the tilt images, and what the same
    steps find of them. Off unless ``enabled``: each of ``runs`` repeats reconstruction and polishing.

    ``diameters_nm``: unset, 1.5 to 6 voxels; ``clusters`` of each diameter; ``seed`` of places and
    noise.
    """

    enabled: bool = False
    diameters_nm: Annotated[list[PositiveFloat], Field(min_length=1, max_length=50)] | None = None
    clusters: Annotated[int, Field(ge=1, le=10_000)] = CLUSTERS
    runs: Annotated[int, Field(ge=1, le=MOST_TWINS)] = RUNS
    seed: NonNegativeInt = 0


class BlocksSection(_Section):
    """Work block by block on a volume that does not fit into memory, with the same numbers.

    ``enabled``: ``"auto"`` where the steps in memory need more than may be used. ``shape``: voxels of
    a block (z, y, x), which is also one file of the results; unset: by the memory.
    """

    enabled: Literal["auto"] | bool = "auto"
    shape: tuple[_BlockEdge, _BlockEdge, _BlockEdge] | None = None


class OutputSection(_Section):
    """What is written and how."""

    volumes: Literal["tiff", "ome-zarr"] = "tiff"
    figures: list[Literal["png", "svg", "pdf"]] = ["png", "svg"]


class Recipe(_Section):
    """All parameters of one run.

    Examples
    --------
    >>> recipe = Recipe(input={"tilt_series": "needle.mrc"}, threshold={"phases": 2})
    >>> recipe.reconstruct.method
    'tv'
    """

    name: str = ""
    seed: int = 0
    input: InputSection
    prepare: PrepareSection = PrepareSection()
    align: AlignSection = AlignSection()
    reconstruct: ReconstructSection = ReconstructSection()
    threshold: ThresholdSection = ThresholdSection()
    cleanup: CleanupSection = CleanupSection()
    envelope: EnvelopeSection = EnvelopeSection()
    polish: PolishSection = PolishSection()
    measure: MeasureSection = MeasureSection()
    uncertainty: UncertaintySection = UncertaintySection()
    detection_limit: DetectionSection = DetectionSection()
    checks: ChecksSection = ChecksSection()
    blocks: BlocksSection = BlocksSection()
    output: OutputSection = OutputSection()

    def __init__(self, **sections: Any) -> None:
        try:
            super().__init__(**sections)
        except ValidationError as error:
            raise InputError(f"The recipe is wrong: {first_problem(error)}.") from error

    def relative_to(self, folder: str | Path) -> Recipe:
        """Return the recipe with its input paths relative to a folder, so that its file there can
        be run again.
        """
        return self.with_paths(lambda value: relative_path(value, Path(folder)))

    def with_paths(self, place: Callable[[str], str]) -> Recipe:
        """Return the recipe with ``place`` of each path that it reads in place of the path."""
        series, volume, xf = self.input.tilt_series, self.input.volume, self.align.xf
        update = {
            "tilt_series": [place(one) for one in series]
            if isinstance(series, list)
            else series and place(series),
            "volume": volume and place(volume),
        }
        source = self.input.model_copy(update=update)
        alignment = self.align.model_copy(update={"xf": xf and place(xf)})
        return self.model_copy(update={"input": source, "align": alignment})

    def to_toml(self) -> str:
        """Return the recipe as TOML, unset options left out."""
        return tomlkit.dumps(self.model_dump(mode="json", exclude_none=True))


def read_recipe(path: str | Path) -> Recipe:
    """Read a TOML recipe; relative input paths count from the recipe's folder.

    Raises
    ------
    FileFormatError
        No such file, one of more than 1 MB, not TOML, or an option that is unknown or out of range;
        the sentence names it.
    """
    path = Path(path)
    content = read_toml(path, what="a recipe", missing="There is no recipe {path}.")
    try:
        recipe = Recipe(**content)
    except InputError as error:
        raise FileFormatError(f"{path}: {str(error)[0].lower()}{str(error)[1:]}") from error
    with guarded(path):
        placed = recipe.with_paths(lambda value: _place(value, path.parent))
    return placed.model_copy(update={"name": recipe.name or path.stem})


def checked(section: type[Section], **options: Any) -> Section:
    """Make a section of a recipe from options, with pydantic's complaint as one sentence."""
    try:
        return section(**options)
    except ValidationError as error:
        raise InputError(f"An option is wrong: {first_problem(error)}.") from error


def first_problem(error: ValidationError) -> str:
    """Put pydantic's first complaint into words: which option, what is wrong, what it was."""
    problems = error.errors()
    first = problems[0]
    where = _option(first)
    message = first["msg"].removeprefix("Value error, ").rstrip(".")
    alternatives = [other for other in problems if _option(other) == where]
    if len(alternatives) > 1:  # one complaint per type that the option may have
        message = f"input should be {' or '.join(_needed(other['msg']) for other in alternatives)}"
    if first["type"] == "extra_forbidden":
        return f"{where} is not an option"
    if first["type"] == "missing":
        return f"the section [{where}] is missing" if "." not in where else f"{where} is missing"
    shown = (
        ""
        if first["type"] == "value_error"
        else f" (it is {one_line(repr(first['input']), _SHOWN)})"
    )
    return f"{where}: {message[0].lower()}{message[1:]}{shown}" if where else f"{message}{shown}"


def _option(problem: ErrorDetails) -> str:
    """Return the option that a complaint is about, without pydantic's names of types."""
    names = [str(part) for part in problem["loc"]]
    return ".".join(
        name
        for name in names
        if name not in _TYPES and "[" not in name and not name.startswith("function-")
    )


_TYPES = ("bool", "float", "int", "str")
_SHOWN = 80
"""Most characters of a refused value that are shown."""


def _needed(message: str) -> str:
    """Return what a complaint asks for.

    Examples
    --------
    >>> _needed("Input should be a valid number, unable to parse string as a number")
    'a valid number'
    """
    return message.removeprefix("Input should be ").partition(", unable to")[0]


def _place(value: str, folder: Path) -> str:
    return value if Path(value).expanduser().is_absolute() else str(folder / value)


def relative_path(value: str, folder: Path) -> str:
    """Return a path relative to a folder, with slashes; as it is where it lies on another drive."""
    path = Path(value).expanduser().absolute()
    try:
        return Path(os.path.relpath(path, folder.absolute())).as_posix()
    except ValueError:  # another drive
        return str(path)
