"""States of the open widgets of this plugin: found by their class, reopened by their name in the
Plugins menu.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from napari.layers import Layer
from npe2 import PluginManager

from napari_snpore.viewer.shared.docking import (
    INSTRUMENT,
    PLUGIN,
    join_instrument,
    python_name,
)
from napari_snpore.viewer.shared.events import breathe
from napari_snpore.viewer.window.state import KeepsState, WidgetState


def widget_states(viewer: Any, notes: list[str]) -> tuple[WidgetState, ...]:
    """Return the states of the open widgets of this plugin that have one; none for a viewer without
    a window.
    """
    window = getattr(viewer, "window", None)
    if window is None:
        return ()
    names = _display_names()
    found = []
    for widget in window.dock_widgets.values():
        display_name = names.get(python_name(widget))
        if display_name is None or not isinstance(widget, KeepsState):
            continue
        try:
            found.append(WidgetState(display_name, dict(widget.state())))
        except Exception as error:  # one failing widget must not prevent saving
            notes.append(
                f"The widget {display_name} did not tell its state ({error}); it was left out."
            )
    return tuple(found)


def reopen_widgets(
    viewer: Any, widgets: Sequence[WidgetState], layers: Mapping[str, Layer], notes: list[str]
) -> None:
    """Open widgets and restore their states; nothing is done for a viewer without a window.

    Forms come into the instrument at once, also those that were saved in docks of their own; what
    the instrument itself showed is restored when they are there.
    """
    window = getattr(viewer, "window", None)
    if window is None:
        return
    last = [saved for saved in widgets if saved.display_name == INSTRUMENT]
    for saved in (*(one for one in widgets if one not in last), *last):
        try:
            _, widget = window.add_plugin_dock_widget(PLUGIN, saved.display_name)
            if getattr(widget, "is_step", False):
                join_instrument(widget, viewer)
            if isinstance(widget, KeepsState):
                widget.set_state(saved.state, layers)
            breathe(viewer)  # not before: a form begins to work as soon as it is open
        except Exception as error:  # the layers are restored; a widget that fails is noted
            notes.append(f"The widget {saved.display_name} could not be opened as it was: {error}.")


def _display_names() -> dict[str, str]:
    """Return the names in the Plugins menu by ``module:class``."""
    contributions = PluginManager.instance().get_manifest(PLUGIN).contributions
    classes = {command.id: command.python_name for command in contributions.commands or ()}
    return {str(classes[one.command]): one.display_name for one in contributions.widgets or ()}
