"""Window state as plain values, without layers, widgets or files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from napari.layers import Layer


@dataclass(frozen=True, eq=False)
class LayerState:
    """State of one layer.

    Parameters
    ----------
    data : array, or list or tuple of arrays
        Data for napari's ``Layer.create``, in full resolution.
    settings : mapping
        Keywords of ``Layer.create``: name, scale, units, colormap, features, metadata and so on.
    type_name : str
        ``image``, ``labels``, ``shapes``, ``points``, ``surface``, ``tracks`` or ``vectors``.
    later : mapping
        Attributes that can only be set after the layer was made.
    overlays : mapping
        Values of the layer's own overlays, such as its bounding box.
    """

    data: Any
    settings: Mapping[str, Any]
    type_name: str
    later: Mapping[str, Any] = field(default_factory=dict)
    overlays: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the layer when it was saved."""
        return str(self.settings.get("name", "layer"))


@dataclass(frozen=True, eq=False)
class WidgetState:
    """State of one open widget: its name in the Plugins menu, and what its ``state()`` returned."""

    display_name: str
    state: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class WindowState:
    """State of a whole window.

    Parameters
    ----------
    layers : sequence of LayerState
        From the bottom to the top.
    view : mapping
        Position, camera, grid and overlays, see :mod:`~napari_snpore.viewer.window.view`.
    selected : sequence of int
        Numbers of the selected layers.
    active : int, optional
        Number of the active layer.
    widgets : sequence of WidgetState
        The open widgets.
    layout : mapping
        Size and docks, see :mod:`~napari_snpore.viewer.window.layout`; empty without open widgets.
    notes : sequence of str
        One sentence for each difference from the window.
    """

    layers: tuple[LayerState, ...]
    view: Mapping[str, Any] = field(default_factory=dict)
    selected: tuple[int, ...] = ()
    active: int | None = None
    widgets: tuple[WidgetState, ...] = ()
    layout: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@runtime_checkable
class KeepsState(Protocol):
    """A widget whose state is saved with the window: one of the plugin's manifest, with these two
    methods.

    Examples
    --------
    >>> class Ruler:
    ...     layer, step_nm = None, 1.0
    ...
    ...     def state(self):
    ...         return {"layer": self.layer.name if self.layer else None, "step_nm": self.step_nm}
    ...
    ...     def set_state(self, state, layers):
    ...         self.layer = layers.get(state["layer"])
    ...         self.step_nm = state["step_nm"]
    >>> isinstance(Ruler(), KeepsState)
    True
    """

    def state(self) -> Mapping[str, Any]:
        """Return the user's settings as JSON values and arrays, layers by name; called in the GUI
        thread, so quick.
        """

    def set_state(self, state: Mapping[str, Any], layers: Mapping[str, Layer]) -> None:
        """Restore settings that ``state()`` returned.

        ``layers`` maps the names that the layers had when they were saved to the restored layers:
        napari may have renamed them in a window that had layers already. Layers that could not be
        restored are missing.
        """
