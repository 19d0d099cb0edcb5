"""Ties between napari's events and Qt's widgets that end with the widget."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from qtpy.QtCore import QObject


def connect_while_alive(owner: QObject, emitter: Any, callback: Callable[..., Any]) -> None:
    """Connect a napari event until Qt destroys ``owner``; a callback into a destroyed widget would fail."""
    emitter.connect(callback)
    owner.destroyed.connect(partial(_disconnect, emitter, callback))


def _disconnect(emitter: Any, callback: Callable[..., Any], *_: object) -> None:
    emitter.disconnect(callback)


def plain_viewer(viewer: Any) -> Any:
    """Return the viewer behind the proxy that napari hands to widgets.

    The proxy wraps every layer anew at each access, so that one layer is never the same object twice.
    """
    return getattr(viewer, "__wrapped__", viewer)
