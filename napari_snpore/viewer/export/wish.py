"""What goes onto the plate, as plain values: taken from the window at once, drawn in a thread later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme
from napari_snpore.viewer.boxes import NamedBox
from napari_snpore.volume import Triple, Volume

PARTS: Mapping[str, str] = {
    "scene": "3D scene",
    "grey": "slice, grey",
    "phases": "slice, phases",
    "boxes": "subvolumes",
    "fractions": "fractions of the subvolumes",
    "histograms": "length, width, aspect ratio",
}
"""Parts of the plate that can be chosen, and their names."""


@dataclass(frozen=True, eq=False)
class PlateWish:
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
    volume, phases : Volume, optional
        What is sliced.
    limits, colours
        Contrast limits, and the colour map from the low to the high end, uint8 (256, 3).
    scheme : PhaseScheme
        Of the phases.
    boxes : sequence of NamedBox
        Subvolumes.
    objects : DataFrame, optional
        Table of the objects.
    noun : str
        What the objects are.
    voxel_nm, crowther_nm : float
        Marks of the histograms.
    scene : array, uint8, optional
        Picture of the 3D scene.
    scene_nm_per_pixel : float, optional
        Its scale, for a parallel projection.
    layers : list of mapping
        Names and histories, for the recipe.
    """

    parts: tuple[str, ...]
    plane: str = "XZ"
    position_nm: Triple = (0.0, 0.0, 0.0)
    field_nm: float = 0.0
    volume: Volume | None = None
    phases: Volume | None = None
    limits: tuple[float, float] = (0.0, 1.0)
    colours: NDArray[np.uint8] | None = None
    scheme: PhaseScheme = PORE_C_SN
    boxes: tuple[NamedBox, ...] = ()
    objects: pd.DataFrame | None = None
    noun: str = "objects"
    voxel_nm: float = 1.0
    crowther_nm: float | None = None
    scene: NDArray[np.uint8] | None = None
    scene_nm_per_pixel: float | None = None
    layers: tuple[Mapping[str, Any], ...] = field(default_factory=tuple)

    def recipe(self) -> dict[str, Any]:
        """Return how the plate is made, as JSON values."""
        from napari_snpore import __version__

        return {
            "figure": "plate",
            "napari_snpore": __version__,
            "parts": list(self.parts),
            "plane": self.plane,
            "position_nm": list(self.position_nm),
            "field_nm": self.field_nm,
            "contrast_limits": list(self.limits),
            "boxes": [
                {"name": box.name, "center_nm": list(box.center_nm), "size_nm": list(box.size_nm)} for box in self.boxes
            ],
            "layers": [dict(layer) for layer in self.layers],
        }
