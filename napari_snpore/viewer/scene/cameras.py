"""Named positions of the 3D camera, one list per window."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from napari.components import ViewerModel

from napari_snpore.errors import InputError
from napari_snpore.history import DEFAULT_CUT_AXES, SegmentStep, last_step
from napari_snpore.viewer.canvas.fitted import fit_shown
from napari_snpore.viewer.shared.boxes import free_name
from napari_snpore.viewer.shared.layers import kind_of, record_of, steps_of
from napari_snpore.volume import Triple

AXIS_VIEWS: Mapping[str, tuple[Triple, Triple]] = {
    "from the front": ((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0)),
    "from the top": ((0.0, 1.0, 0.0), (-1.0, 0.0, 0.0)),
    "from the side": ((0.0, 0.0, 1.0), (0.0, -1.0, 0.0)),
    "oblique": ((-0.62, 0.48, 0.62), (0.0, -1.0, 0.0)),
}
"""Where the camera looks, and what is up, both (z, y, x): as the slices XY, XZ and ZY lie, and so
that three faces are seen.
"""


ALONG_FIBRE = "along the fibre"
VIEW_NAMES = (*AXIS_VIEWS, ALONG_FIBRE)
"""Views that every window has."""

_OF_AXES = ("from the front", "from the top", "from the side")
_BY_AXIS = {f"along {axis}": name for axis, name in zip("zyx", _OF_AXES, strict=True)}
"""Other names of the same views."""


def look_along(viewer: ViewerModel, name: str) -> None:
    """Look along an axis, along the fibre or obliquely, and fit what is shown into the window.

    Parameters
    ----------
    viewer : ViewerModel
        The window; it shows 3D afterwards.
    name : str
        One of :data:`VIEW_NAMES`, or ``"along z"``, ``"along y"``, ``"along x"``.
    """
    name = _OF_AXES[fibre_axis(viewer)] if name == ALONG_FIBRE else _BY_AXIS.get(name, name)
    viewer.dims.ndisplay = 3
    direction, up = (_as_displayed(viewer, vector) for vector in AXIS_VIEWS[name])
    viewer.scene.camera.set_view_direction(direction, up)
    fit_shown(viewer)


def fibre_axis(viewer: ViewerModel) -> int:
    """Return the axis (0 z, 1 y, 2 x) along which the fibre goes on beyond the box, as the phases
    that lie on top were made; y without such phases.
    """
    phases = [layer for layer in reversed(viewer.layers) if kind_of(layer) == "phases"]
    made = (last_step(steps_of(record_of(layer)), SegmentStep) for layer in phases)
    axes = next((step.cut_axes for step in made if step is not None), DEFAULT_CUT_AXES)
    return int(axes[0]) if axes else DEFAULT_CUT_AXES[0]


def _as_displayed(viewer: ViewerModel, vector: Triple) -> Triple:
    """Return a direction (z, y, x) along the axes as the window has them in order, rolled or
    transposed.
    """
    first = viewer.dims.ndim - 3
    shown = viewer.dims.displayed
    return _triple([vector[axis - first] for axis in shown]) if min(shown) >= first >= 0 else vector


@dataclass(frozen=True)
class CameraView:
    """Where the 3D camera is.

    Parameters
    ----------
    angles : (float, float, float)
        napari's Euler angles in degrees.
    center : (float, float, float)
        The point looked at, (z, y, x) in nm.
    zoom : float
        Pixels a nm.
    perspective : float
        Opening angle in degrees; 0 is a parallel projection, whose scale bar holds at every depth.
    """

    angles: Triple
    center: Triple
    zoom: float
    perspective: float

    def values(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def of(cls, viewer: ViewerModel) -> CameraView:
        """Return that of a window now."""
        camera = viewer.scene.camera
        return cls(
            _triple(camera.angles),
            _triple(camera.center),
            float(camera.zoom),
            float(camera.perspective),
        )

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> CameraView:
        """Return one from JSON values."""
        return cls(
            _triple(values["angles"]),
            _triple(values["center"]),
            float(values["zoom"]),
            float(values["perspective"]),
        )

    def show(self, viewer: ViewerModel) -> None:
        """Move the camera of a window there, in 3D."""
        viewer.dims.ndisplay = 3
        camera = viewer.scene.camera
        camera.perspective, camera.angles, camera.center, camera.zoom = (
            self.perspective,
            self.angles,
            self.center,
            self.zoom,
        )


class Cameras:
    """The kept views of a window by name, in the order in which they were kept."""

    def __init__(self) -> None:
        self.views: dict[str, CameraView] = {}

    def keep(self, viewer: ViewerModel, name: str = "") -> str:
        """Keep the present view; an empty name, or that of an axis, is numbered, a known one is
        replaced.

        Returns
        -------
        str
            The name.

        Raises
        ------
        InputError
            The window does not show 3D.
        """
        if viewer.dims.ndisplay != 3:
            raise InputError("The window shows 2D; switch to 3D to keep a view of the scene.")
        name = name.strip()
        if not name or name in _taken():
            name = free_name(list(self.views), "view")
        self.views[name] = CameraView.of(viewer)
        return name

    def rename(self, name: str, new: str) -> None:
        """Give a kept view another name; it keeps its place in the list.

        Raises
        ------
        InputError
            There is none of this name, or the new one is empty or taken.
        """
        new = new.strip()
        self._check(name)
        if not new or (new != name and (new in self.views or new in _taken())):
            raise InputError(
                f"'{new}' is no free name for the view '{name}'; type one that is not in the list."
            )
        views = [(new if known == name else known, view) for known, view in self.views.items()]
        self.views.clear()
        self.views.update(views)

    def remove(self, name: str) -> None:
        """Forget a kept view.

        Raises
        ------
        InputError
            There is none of this name.
        """
        self._check(name)
        del self.views[name]

    def _check(self, name: str) -> None:
        if name not in self.views:
            raise InputError(
                f"No view is kept as '{name}'; kept are {', '.join(self.views) or 'none'}."
            )

    def show(self, viewer: ViewerModel, name: str) -> None:
        """Go to a kept view, or along an axis.

        Raises
        ------
        InputError
            There is none of this name.
        """
        if name in self.views:
            self.views[name].show(viewer)
        elif name in _taken():
            look_along(viewer, name)
        else:
            raise InputError(
                f"There is no view '{name}'; there are {', '.join([*self.views, *VIEW_NAMES])}."
            )


def _taken() -> frozenset[str]:
    return frozenset((*VIEW_NAMES, *_BY_AXIS))


_OF: weakref.WeakKeyDictionary[Any, Cameras] = weakref.WeakKeyDictionary()


def cameras_of(viewer: ViewerModel) -> Cameras:
    """Return the one list of views of a window."""
    found = next((cameras for known, cameras in _OF.items() if known is viewer), None)
    if found is None:
        found = _OF[viewer] = Cameras()
    return found


def _triple(values: Any) -> Triple:
    a, b, c = (float(value) for value in values)
    return a, b, c
