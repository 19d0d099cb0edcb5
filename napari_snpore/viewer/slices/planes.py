"""Planes XY, ZY and XZ of the ortho slices: normal axis, shown axes, and color of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OrthoPlane:
    """One of the three planes.

    Parameters
    ----------
    name : str
        As in the field: the axis to the right first.
    normal : int
        The axis that it cuts: 0 z, 1 y, 2 x.
    rows, columns : int
        The axes that run down and to the right.
    color : str
        Of its frame and of the line that marks it in the other two views.
    """

    name: str
    normal: int
    rows: int
    columns: int
    color: str

    @property
    def order(self) -> tuple[int, int, int]:
        """The order of axes in which napari shows it."""
        return self.normal, self.rows, self.columns


XY = OrthoPlane("XY", 0, 1, 2, "#4dabf7")
XZ = OrthoPlane("XZ", 1, 0, 2, "#51cf66")
YZ = OrthoPlane("ZY", 2, 1, 0, "#ff8787")

PLANES = (XY, YZ, XZ)
"""Arrangement: XY above left, ZY to its right with the same y, XZ below it with the same x."""


def across(plane: OrthoPlane) -> dict[int, OrthoPlane]:
    """Return for each axis that a plane shows the plane that cuts it there."""
    return {other.normal: other for other in PLANES if other is not plane}
