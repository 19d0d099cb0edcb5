"""What goes onto the plate, as plain values: taken from the window at once, drawn in a thread later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme
from napari_snpore.viewer.figure.scene_picture import ScenePicture
from napari_snpore.viewer.figure.state_table import StateTableSpec
from napari_snpore.viewer.shared.boxes import NamedBox
from napari_snpore.volume import Triple, Volume

PARTS: Mapping[str, str] = {
    "scene": "3D scene",
    "grey": "slice, grey",
    "phases": "slice, phases",
    "oblique": "oblique slice",
    "boxes": "subvolumes",
    "fractions": "fractions of the subvolumes",
    "pair": "subvolume pair with its fractions",
    "gray_values": "grey values and thresholds",
    "histograms": "length, width, aspect ratio",
    "table": "table of specimens",
}
"""Parts of the plate that can be chosen, and their names."""

DEFAULT_PARTS = ("scene", "grey", "phases", "oblique", "boxes", "fractions", "histograms")
"""Those of the plate as in the paper, and the oblique slice where one is open."""


@dataclass(frozen=True, eq=False)
class ObliqueSpec:
    """An oblique slice.

    Parameters
    ----------
    volume : Volume
        What is cut.
    tilt_deg, turn_deg : float
        Of the plane through the position.
    paint : callable
        Its values to colours, uint8 (row, column, 3 or 4).
    labels : bool
        Whether it holds labels.
    scheme : PhaseScheme, optional
        Of phases.
    name : str
        Of the layer, where it is another one than those of the plate.
    words : str
        What its colours mean, where no legend says it.
    """

    volume: Volume
    tilt_deg: float
    turn_deg: float
    paint: Callable[[NDArray[Any]], NDArray[np.uint8]]
    labels: bool = False
    scheme: PhaseScheme | None = None
    name: str = ""
    words: str = ""


@dataclass(frozen=True, eq=False)
class PlateSpec:
    """One plate.

    Parameters
    ----------
    parts : sequence of str
        Keys of :data:`PARTS`.
    plane : {"XZ", "XY", "YZ"}
        Of the slices.
    position_nm : (float, float, float)
        Where the slices lie (z, y, x).
    field_nm : float
        Side of the field of view around the position; 0 shows all.
    projection : {"mean", "max"}, optional
        Of thick slices of grey values; None takes single ones.
    thickness_nm : float
        Of thick slices.
    volume, phases : Volume, optional
        What is sliced.
    limits, colours
        Contrast limits, and the colour map from the low to the high end, uint8 (256, 3).
    scheme : PhaseScheme
        Of the phases.
    seen : PhaseScheme, optional
        Their colours on slices as in the window, where a phase may be hidden.
    thresholds : sequence of float
        That made the phases.
    oblique : ObliqueSpec, optional
        Another slice.
    boxes : sequence of NamedBox
        Subvolumes.
    objects : DataFrame, optional
        Table of the objects.
    noun : str
        What the objects are.
    voxel_nm, crowther_nm : float
        Marks of the histograms.
    scene : ScenePicture, optional
        The 3D scene.
    states : sequence of StateTableSpec
        Columns of the table.
    left_out : sequence of str
        A sentence for everything that could not be read from the window.
    mixed : str
        A sentence where volume, phases and objects are those of different specimens.
    look : mapping
        Width, type, dots per inch and letters: arguments of :class:`~napari_snpore.figures.style.FigureStyle`.
    painted : mapping
        Name of the colour map and gamma, for the recipe.
    layers : list of mapping
        Names and histories, for the recipe.
    """

    parts: tuple[str, ...]
    plane: str = "XZ"
    position_nm: Triple = (0.0, 0.0, 0.0)
    field_nm: float = 0.0
    volume: Volume | None = None
    phases: Volume | None = None
    projection: str | None = None
    thickness_nm: float = 0.0
    limits: tuple[float, float] = (0.0, 1.0)
    colors: NDArray[np.uint8] | None = None
    scheme: PhaseScheme = PORE_C_SN
    seen: PhaseScheme | None = None
    thresholds: tuple[float, ...] = ()
    oblique: ObliqueSpec | None = None
    boxes: tuple[NamedBox, ...] = ()
    objects: pd.DataFrame | None = None
    noun: str = "objects"
    voxel_nm: float = 1.0
    crowther_nm: float | None = None
    scene: ScenePicture | None = None
    states: tuple[StateTableSpec, ...] = ()
    left_out: tuple[str, ...] = ()
    mixed: str = ""
    look: Mapping[str, Any] = field(default_factory=dict)
    painted: Mapping[str, Any] = field(default_factory=dict)
    layers: tuple[Mapping[str, Any], ...] = field(default_factory=tuple)

    def recipe(self) -> dict[str, Any]:
        """Return how the plate is made, as JSON values: all that is needed to make it again from the same layers."""
        from napari_snpore import __version__

        seen = self.seen or self.scheme
        oblique = self.oblique
        return {
            "figure": "plate",
            "napari_snpore": __version__,
            "parts": list(self.parts),
            "plane": self.plane,
            "position_nm": list(self.position_nm),
            "field_nm": self.field_nm,
            "projection": self.projection,
            "thickness_nm": self.thickness_nm if self.projection else None,
            "contrast_limits": list(self.limits),
            **self.painted,
            "phases": dict(zip(seen.names, seen.colors, strict=True)) if self.phases is not None else {},
            "thresholds": list(self.thresholds),
            "oblique": None if oblique is None else {"tilt_deg": oblique.tilt_deg, "turn_deg": oblique.turn_deg},
            "camera": None if self.scene is None else dict(self.scene.camera),
            "objects": None if self.objects is None else {"what": self.noun, "n": len(self.objects)},
            "specimens": [state.name for state in self.states],
            "look": dict(self.look),
            "boxes": [
                {"name": box.name, "center_nm": list(box.center_nm), "size_nm": list(box.size_nm)} for box in self.boxes
            ],
            "layers": [dict(layer) for layer in self.layers],
        }
