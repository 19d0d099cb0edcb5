"""Words, units and meaning of the columns of all tables of objects: one list for tables in the
window, lists of colours, figures and filters.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """How a column of a table of objects is called.

    Parameters
    ----------
    words : str
        In plain English, such as "length".
    unit : str
        "nm", "nm²", "nm³", "voxels"; empty for shares, numbers and words.
    meaning : str
        One sentence for tooltips.
    """

    words: str
    unit: str = ""
    meaning: str = ""

    @property
    def title(self) -> str:
        """Words and unit: "length, nm"."""
        return f"{self.words}, {self.unit}" if self.unit else self.words

    @property
    def axis(self) -> str:
        """Words and unit as at the axis of a figure: "Length (nm)"."""
        words = f"{self.words[0].upper()}{self.words[1:]}"
        return f"{words} ({self.unit})" if self.unit else words


_PLACE = "Place of the centroid, in the coordinates of the window."
_BOX = "Voxel index of the box around the object, counted from 0, the last one included."
_DIRECTION = "Unit vector along the greatest spread; empty where no axis is longest."

COLUMNS: dict[str, Column] = {
    "label": Column("object", "", "Number of the object in the layer and in the table."),
    "voxel_count": Column("voxels", "", "Number of voxels."),
    "volume_nm3": Column("volume", "nm³", "Number of voxels times the volume of one."),
    "length_nm": Column("length", "nm", "Largest Feret diameter over all directions."),
    "width_nm": Column("width", "nm", "Smallest Feret diameter over all directions."),
    "breadth_nm": Column("breadth", "nm", "Largest extent at right angles to the length."),
    "aspect_ratio": Column(
        "aspect ratio", "", "Width over length: 1 for a ball, near 0 for a rod."
    ),
    "equivalent_diameter_nm": Column(
        "equivalent diameter", "nm", "Diameter of the ball of equal volume."
    ),
    "surface_area_nm2": Column("surface area", "nm²", "By Crofton's formula."),
    "sphericity": Column(
        "sphericity", "", "Surface of the ball of equal volume over the object's surface."
    ),
    "hull_volume_nm3": Column("volume of the hull", "nm³", "Of the convex hull of its voxels."),
    "solidity": Column("solidity", "", "Volume over that of the convex hull: 1 without hollows."),
    "centroid_z_nm": Column("centroid z", "nm", _PLACE),
    "centroid_y_nm": Column("centroid y", "nm", _PLACE),
    "centroid_x_nm": Column("centroid x", "nm", _PLACE),
    "z_min": Column("first z", "voxel", _BOX),
    "z_max": Column("last z", "voxel", _BOX),
    "y_min": Column("first y", "voxel", _BOX),
    "y_max": Column("last y", "voxel", _BOX),
    "x_min": Column("first x", "voxel", _BOX),
    "x_max": Column("last x", "voxel", _BOX),
    "orientation_z": Column("direction z", "", _DIRECTION),
    "orientation_y": Column("direction y", "", _DIRECTION),
    "orientation_x": Column("direction x", "", _DIRECTION),
    "depth_nm": Column(
        "depth", "nm", "Distance of the centroid from the nearest voxel outside the envelope."
    ),
    "intensity_mean": Column("mean grey value", "", "Of the grey volume, over the object."),
    "intensity_sum": Column("sum of grey values", "", "Of the grey volume, over the object."),
    "touches_border": Column(
        "cut by the box", "", "It reaches a face of the box, so that its size is not known."
    ),
    "resolved": Column(
        "resolved", "", "It holds enough voxels that its shape can be trusted (see Resolved from)."
    ),
    "convention": Column("convention", "", "Of the Feret diameters: corners or centres of voxels."),
    "objects_from": Column("objects from", "", "How the objects were found."),
    "given_label": Column("label as given", "", "Of the labels that were measured."),
    "filter": Column("filter", "", "Which objects were kept."),
}
"""In the order of ``measure_objects``; further tables have columns of their own."""

_UNITS = (("_nm3", "nm³"), ("_nm2", "nm²"), ("_nm", "nm"), ("_deg", "°"), ("_percent", "%"))


def column_of(name: str) -> Column:
    """Return how a column is called; a name that is not known is taken apart.

    Examples
    --------
    >>> column_of("length_nm").title, column_of("length_nm").axis
    ('length, nm', 'Length (nm)')
    >>> column_of("local_width_nm").title
    'local width, nm'
    """
    if name in COLUMNS:
        return COLUMNS[name]
    for suffix, unit in _UNITS:
        if name.endswith(suffix):
            return Column(name.removesuffix(suffix).replace("_", " "), unit)
    return Column(name.replace("_", " "))
