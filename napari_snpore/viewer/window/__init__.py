"""Saving and restoring of a whole window: layers with their data, thresholds, boxes, positions,
camera, open widgets.

A saved window is one folder that depends on no file outside it. ``window.json`` contains all
settings and lists the other files with their checksums; ``layers/`` holds the arrays: volumes as
OME-TIFF, which other programs open, others as NPY, and small ones in ``values.npz``. Nothing in the
folder is executed.

The state of an open widget of this plugin is saved if it has ``state()`` and ``set_state()``, see
:class:`KeepsState`.
"""

from napari_snpore.viewer.window.gather import window_state
from napari_snpore.viewer.window.manifest import find_window, is_window_folder
from napari_snpore.viewer.window.opening import open_window_from, read_layers
from napari_snpore.viewer.window.restore import Restored, read_window, restore_window
from napari_snpore.viewer.window.save import Saved, save_window, write_window
from napari_snpore.viewer.window.saving import save_window_as
from napari_snpore.viewer.window.state import KeepsState, LayerState, WidgetState, WindowState

__all__ = [
    "KeepsState",
    "LayerState",
    "Restored",
    "Saved",
    "WidgetState",
    "WindowState",
    "find_window",
    "is_window_folder",
    "open_window_from",
    "read_layers",
    "read_window",
    "restore_window",
    "save_window",
    "save_window_as",
    "window_state",
    "write_window",
]
