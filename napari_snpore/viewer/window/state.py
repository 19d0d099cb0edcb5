"""What a window is, as plain values: no layer, no widget, no file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from napari.layers import Layer


@dataclass(frozen=True, eq=False)
class LayerState:
    """One layer.

    Parameters
    ----------
    data : array, or list or tuple of arrays
        As napari's ``Layer.create`` takes it; full resolution only.
    settings : mapping
        Keywords of ``Layer.create``: name, scale, units, colormap, features, metadata and so on.
    type_name : str
        ``image``, ``labels``, ``shapes``, ``points``, ``surface``, ``tracks`` or ``vectors``.
    later : mapping
        Attributes that can be set only once the layer is there.
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
    """One open widget of ours: the name that the Plugins menu gives it, and what its ``state()`` said."""

    display_name: str
    state: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class WindowState:
    """Everything that a window shows.

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
        What is not as in the window, one sentence each.
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
    """A widget that can be saved with the window: one of our manifest, with these two methods.

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
        """Return what the user set, as JSON values and arrays; layers by name. Quick: it is called in the GUI thread."""

    def set_state(self, state: Mapping[str, Any], layers: Mapping[str, Layer]) -> None:
        """Take what ``state()`` returned once.

        ``layers`` are the layers that came back, by the names that they had when they were saved: in a window that had layers
        already, napari may have given them other names. One that was left out is missing.
        """
