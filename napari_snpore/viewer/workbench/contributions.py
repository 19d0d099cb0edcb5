"""What the manifest of the plugin offers: its widgets by their classes, and its samples."""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files
from typing import Any


def display_names() -> dict[str, str]:
    """Return the names of our widgets in the Plugins menu, by their classes."""
    found = _contributions()
    classes = {one.id: str(one.python_name) for one in found.commands or ()}
    return {classes[one.command]: one.display_name for one in found.widgets or ()}


def samples() -> list[tuple[str, str]]:
    """Return key and title of our entries in File > Open Sample."""
    return [(one.key, one.display_name) for one in _contributions().sample_data or ()]


@cache
def _contributions() -> Any:
    """Return what our manifest offers; read from the file, for a viewer without a window has no
    plugins yet.
    """
    from npe2 import PluginManifest

    with as_file(files("napari_snpore") / "napari.yaml") as path:
        return PluginManifest.from_file(path).contributions
