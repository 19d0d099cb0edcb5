"""Spec of a plate: volumes, tables, positions and colors of a figure of many panels, as plain
values.

The window and ``snpore figure`` fill it; :mod:`napari_snpore.figures.plate_drawing` draws it.
matplotlib is not imported here, because forms read the spec when they open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.figures.intervals import Intervals
from napari_snpore.figures.plate_recipe import (
    BoxEntry,
    ObjectsEntry,
    ObliqueEntry,
    PhaseEntry,
    PlateRecipe,
    StyleEntry,
)
from napari_snpore.figures.style import FigureStyle
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme
from napari_snpore.subvolume import NamedBox, Projection
from napari_snpore.uncertainty.size_limit import SizeLimit
from napari_snpore.volume import Triple, Volume

if TYPE_CHECKING:
    from napari_snpore.comparison.compare import Comparison

PARTS: Mapping[str, str] = {
    "scene": "3D scene",
    "grey": "slice, grey",
    "phases": "slice, phases",
    "oblique": "oblique slice",
    "boxes": "subvolumes",
    "fractions": "fractions of the subvolumes",
    "pair": "subvolume pair with fractions",
    "gray_values": "grey values and thresholds",
    "histograms": "length, width, aspect ratio",
    "table": "table of specimens or states",
    "states": "states: bars, sizes, differences",
}
"""Parts of a plate that can be chosen, and their names for people."""

DEFAULT_PARTS = ("scene", "grey", "phases", "oblique", "boxes", "fractions", "histograms")
"""Parts of the plate in the paper, and the oblique slice where one is open."""

Painter = Callable[[NDArray[Any]], NDArray[np.uint8]]
"""Turns values (row, column) into colors, uint8 (row, column, 3 or 4)."""


@dataclass(frozen=True, eq=False)
class ColorScale:
    """What the colors of a picture mean.

    Parameters
    ----------
    title : str
        Quantity with its unit, such as ``"length (nm)"``.
    low, high : float
        Values at the ends.
    colors : array, uint8, shape (256, 3)
        From the low to the high end.
    """

    title: str
    low: float
    high: float
    colors: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class ScenePicture:
    """Picture of a 3D scene.

    Parameters
    ----------
    rgb : array, uint8, shape (height, width, 3)
        Pixels, without a scale bar.
    nm_per_pixel : float, optional
        Scale of a parallel projection; None for a perspective one.
    scheme : PhaseScheme, optional
        Phases whose surfaces or labels are visible.
    camera : mapping
        Angles, center and zoom of the camera, for the recipe.
    color_scale : ColorScale, optional
        Draws a color bar beside the picture.
    """

    rgb: NDArray[np.uint8]
    nm_per_pixel: float | None = None
    scheme: PhaseScheme | None = None
    camera: Mapping[str, Any] = field(default_factory=dict)
    color_scale: ColorScale | None = None


@dataclass(frozen=True, eq=False)
class ObliqueSpec:
    """An oblique slice through the position of the plate.

    Parameters
    ----------
    volume : Volume
        Volume that is cut.
    tilt_deg, turn_deg : float
        Angles of the plane, see :func:`~napari_snpore.oblique.oblique_slice`.
    paint : callable, optional
        Colors of its values. Default: the colors of the plate, of the grey values or of the phases.
    labels : bool
        Whether the volume holds labels.
    scheme : PhaseScheme, optional
        Names and colors, where the labels are phases.
    name : str
        Name of the volume, where it is not one of those that the plate shows.
    words : str
        Meaning of its colors, where no legend says it.
    """

    volume: Volume
    tilt_deg: float
    turn_deg: float
    paint: Painter | None = None
    labels: bool = False
    scheme: PhaseScheme | None = None
    name: str = ""
    words: str = ""


@dataclass(frozen=True, eq=False)
class SpecimenColumn:
    """Phases and objects of one specimen: one column of the table.

    Parameters
    ----------
    name : str
        Heading of the column.
    phases : Volume, optional
        Labels of the phases.
    scheme : PhaseScheme
        Names of the phases.
    objects : mapping of str to DataFrame
        Tables of objects by what the objects are, such as ``"Sn clusters"``.
    dead : Volume, optional
        Mask of the dead pores, in the voxels of ``phases``.
    dead_share_of_pore : float, optional
        Share (0 to 1) of the pore volume that is dead for connectivity 6, where it was counted
        already.
    intervals : mapping
        Errors of the fractions.
    """

    name: str
    phases: Volume | None = None
    scheme: PhaseScheme = field(default_factory=PhaseScheme)
    objects: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    dead: Volume | None = None
    dead_share_of_pore: float | None = None
    intervals: Intervals = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class PlateSpec:
    """Contents and style of one plate.

    Parameters
    ----------
    parts : sequence of str
        Keys of :data:`PARTS`.
    plane : {"XZ", "XY", "YZ"}
        Plane of the slices.
    position_nm : (float, float, float), optional
        World position ``(z, y, x)`` of the slices; None is the middle of the volume.
    field_nm : float
        Side of the square field of view around the position; 0 shows everything.
    volume, phases : Volume, optional
        Grey values and phase labels.
    projection : {"mean", "max"}, optional
        Projection of thick slices of grey values; None: single slices.
    thickness_nm : float
        Thickness of thick slices.
    limits : (float, float), optional
        Grey values at the ends of the color map; None takes the 0.1 and 99.9 percentiles of the
        slice.
    colors : array, uint8, shape (256, 3), optional
        Color map from the low to the high end; None makes it from ``colormap`` and ``gamma``.
    colormap : str
        Name of the color map, for the recipe.
    gamma : float
        Exponent between the place within the limits and the place within the color map.
    scheme : PhaseScheme
        Names and colors of the phases, for bars and numbers.
    shown_scheme : PhaseScheme, optional
        Colors of the phases on slices, where a phase may be transparent; None: those of ``scheme``.
    thresholds : sequence of float
        Grey values between the phases.
    oblique : ObliqueSpec, optional
        An oblique slice.
    boxes : sequence of NamedBox
        Subvolumes.
    objects : DataFrame, optional
        Table of the objects of the histograms.
    noun : str
        What the objects are, in the plural.
    voxel_nm : float
        Voxel size that the histograms mark.
    crowther_nm : float, optional
        Resolution limit D·Δθ that the histograms mark.
    size_limit : SizeLimit, optional
        Detection limit of the objects, below which their histogram of lengths is shaded.
    scene : ScenePicture, optional
        Picture of the 3D scene.
    specimens : sequence of SpecimenColumn
        Columns of the table, where nothing was compared.
    comparison : Comparison, optional
        States beside each other: the table shows them with intervals and differences.
    left_out : sequence of str
        One sentence for everything that could not be read.
    remark : str
        A sentence where volume, phases and objects belong to different specimens.
    style : FigureStyle
        Width, type size, dots per inch and letters.
    layers : sequence of mapping
        Names and histories of the volumes, for the recipe.
    """

    parts: tuple[str, ...]
    plane: str = "XZ"
    position_nm: Triple | None = None
    field_nm: float = 0.0
    volume: Volume | None = None
    phases: Volume | None = None
    projection: Projection | None = None
    thickness_nm: float = 0.0
    limits: tuple[float, float] | None = None
    colors: NDArray[np.uint8] | None = None
    colormap: str = "gray"
    gamma: float = 1.0
    scheme: PhaseScheme = PORE_C_SN
    shown_scheme: PhaseScheme | None = None
    thresholds: tuple[float, ...] = ()
    oblique: ObliqueSpec | None = None
    boxes: tuple[NamedBox, ...] = ()
    objects: pd.DataFrame | None = None
    noun: str = "objects"
    voxel_nm: float = 1.0
    crowther_nm: float | None = None
    size_limit: SizeLimit | None = None
    scene: ScenePicture | None = None
    specimens: tuple[SpecimenColumn, ...] = ()
    comparison: Comparison | None = None
    left_out: tuple[str, ...] = ()
    remark: str = ""
    style: FigureStyle = field(default_factory=lambda: FigureStyle(letters=True))
    layers: tuple[Mapping[str, Any], ...] = ()
    intervals: Intervals = field(default_factory=dict)

    def recipe(self) -> dict[str, Any]:
        """Return the settings of the plate as JSON values, which :class:`PlateRecipe` reads
        back.
        """
        from napari_snpore import __version__

        shown = self.shown_scheme or self.scheme
        phases = [
            PhaseEntry(name=name, color=color)
            for name, color in zip(shown.names, shown.colors, strict=True)
        ]
        return PlateRecipe(
            napari_snpore=__version__,
            parts=list(self.parts),
            plane=self.plane,
            position_nm=self.position_nm,
            field_nm=self.field_nm,
            projection=self.projection,
            thickness_nm=self.thickness_nm if self.projection else None,
            contrast_limits=self.limits,
            colormap=self.colormap,
            gamma=self.gamma,
            phases=[] if self.phases is None else phases,
            thresholds=list(self.thresholds),
            oblique=self.oblique
            and ObliqueEntry(
                tilt_deg=self.oblique.tilt_deg,
                turn_deg=self.oblique.turn_deg,
                of_phases=self.oblique.scheme is not None,
            ),
            camera=None if self.scene is None else dict(self.scene.camera),
            objects=None
            if self.objects is None
            else ObjectsEntry(what=self.noun, n=len(self.objects)),
            specimens=[specimen.name for specimen in self.specimens],
            style=StyleEntry(**asdict(self.style)),
            boxes=[
                BoxEntry(name=box.name, center_nm=box.center_nm, size_nm=box.size_nm)
                for box in self.boxes
            ],
            layers=[dict(layer) for layer in self.layers],
        ).model_dump(mode="json")
