"""Settings of a plate as a recipe: read from TOML or out of a saved figure, written into every
saved plate.

Lengths are in nm, angles in degrees, the width of the page in mm. Positions are world coordinates
``(z, y, x)``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    ValidationError,
)

from napari_snpore.errors import InputError

Part = Literal[
    "scene",
    "grey",
    "phases",
    "oblique",
    "boxes",
    "fractions",
    "pair",
    "gray_values",
    "histograms",
    "table",
    "states",
]
Position = tuple[float, float, float]
Color = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?$")]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PlateInput(_Entry):
    """Files of a plate: the folder of a finished ``snpore run``, or volume, phases and tables one
    by one.

    ``objects``: CSV tables of objects by what they are, such as ``{"Sn clusters" =
    "objects_Sn.csv"}``. Single files win over those of the run.
    """

    run: str | None = None
    volume: str | None = None
    phases: str | None = None
    objects: dict[str, str] = {}
    spacing_nm: PositiveFloat | None = None


class PhaseEntry(_Entry):
    """Name and color of a phase."""

    name: str
    color: Color


class BoxEntry(_Entry):
    """A subvolume: name, center and edge lengths."""

    name: str
    center_nm: Position
    size_nm: tuple[PositiveFloat, PositiveFloat, PositiveFloat]


class ObliqueEntry(_Entry):
    """An oblique slice through the position: angles as in
    :func:`~napari_snpore.oblique.oblique_slice`.
    """

    tilt_deg: float
    turn_deg: float = 0.0
    of_phases: bool = False


class ObjectsEntry(_Entry):
    """Objects of the histograms: what they are, and how many there were when the figure was
    made.
    """

    what: str
    n: int | None = None


class StyleEntry(_Entry):
    """Arguments of a :class:`~napari_snpore.figures.style.FigureStyle`."""

    width_mm: Annotated[float, Field(ge=40)] | None = 180.0
    font_pt: PositiveFloat = 7.0
    dpi: PositiveInt = 300
    letters: bool = True


class PlateRecipe(_Entry):
    """All settings of one plate; unset ones are taken from the data.

    ``input``: files, see :class:`PlateInput`. ``parts`` unset: those of the paper's plate for which
    there is data. ``subvolume_nm``: edge of a center and an edge cube, where ``boxes`` names none;
    both unset: the boxes that the run measured. ``phases``: names and colors in the order of the
    labels (a list, because JSON in a figure sorts the keys of a mapping). ``camera``,
    ``specimens``, ``layers``, ``panel`` and ``napari_snpore`` say how a figure of the window was
    made; they change nothing when it is drawn again.

    Examples
    --------
    >>> PlateRecipe(parts=["grey", "phases"], plane="XY").contrast_limits is None
    True
    """

    figure: Literal["plate"] = "plate"
    napari_snpore: str | None = None
    input: PlateInput = PlateInput()
    parts: list[Part] | None = None
    plane: Literal["XZ", "XY", "YZ"] = "XZ"
    position_nm: Position | None = None
    field_nm: NonNegativeFloat = 0.0
    projection: Literal["mean", "max"] | None = None
    thickness_nm: PositiveFloat | None = None
    contrast_limits: tuple[float, float] | None = None
    colormap: str = "gray"
    gamma: PositiveFloat = 1.0
    phases: list[PhaseEntry] = []
    thresholds: list[float] = []
    oblique: ObliqueEntry | None = None
    camera: dict[str, Any] | None = None
    objects: ObjectsEntry | None = None
    specimens: list[str] = []
    style: StyleEntry = StyleEntry()
    subvolume_nm: PositiveFloat | None = None
    boxes: list[BoxEntry] = []
    layers: list[dict[str, Any]] = []
    formats: list[Literal["png", "svg", "pdf"]] = ["png", "svg"]
    panel: int | None = None

    def __init__(self, **settings: Any) -> None:
        try:
            super().__init__(**settings)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            message = (
                "is not a setting"
                if first["type"] == "extra_forbidden"
                else f"is {first['input']!r}: {first['msg']}"
            )
            raise InputError(f"The recipe of the plate is wrong: {where} {message}.") from error
