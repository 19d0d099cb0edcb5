"""The whole window in one folder, and back: layers with their data, thresholds, boxes, positions, camera, open widgets.

A folder depends on nothing outside it: data are copied, never referred to. ``window.json`` says everything in words and numbers
and lists the other files with their checksums; ``layers/`` holds the arrays, volumes as OME-TIFF that other programs open, and
the rest in ``values.npz``. Nothing in a folder is ever executed.

A widget of ours is kept as well if it has ``state()`` and ``set_state()``, see :class:`KeepsState`.
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
