"""Compiles kernels in a child process as soon as the window uses the package, those of napari's
shapes as well.
"""

from __future__ import annotations

import atexit
import contextlib
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from qtpy.compat import isalive
from qtpy.QtCore import QCoreApplication

from napari_snpore import kernel_process
from napari_snpore.viewer.ahead.imports_ahead import ImportsAhead
from napari_snpore.viewer.shared.worker import run_alive

NAPARI_JOB = "napari_snpore.viewer.ahead.kernels_ahead:load_napari_kernels"
"""Warm-up of the child process, by its name there."""

_loading = Lock()
_loaded = False
_started = False
_imports: ImportsAhead | None = None


def compile_ahead() -> bool:
    """Start the child process and the imports, once; return whether that is turned on."""
    global _started, _imports
    application = QCoreApplication.instance()
    if _started or application is None:
        return _imports is not None
    _started = True
    process = kernel_process.start([NAPARI_JOB])
    if process is not None:
        atexit.register(process.stop)
        _imports = ImportsAhead(application)
    return process is not None


def is_importing() -> bool:
    """Return whether the imports go on."""
    return _imports is not None and isalive(_imports) and _imports.isActive()


def prepare_shapes() -> None:
    """Return when shapes can be shown at once: napari compiles a part of them in the GUI thread.

    To be called from a worker.
    """
    if not _loaded and kernel_process.wait_for(NAPARI_JOB):
        load_napari_kernels()


def shapes_prepared_alive() -> None:
    """Do the same in a worker; Qt's events are processed meanwhile. For the GUI thread."""
    if not _loaded:
        run_alive("First time on this machine: preparing", lambda *_: prepare_shapes())


def load_napari_kernels() -> None:
    """Compile what napari compiles at the first shape and the first labels, or load it."""
    global _loaded
    with _loading:
        if _loaded:
            return
        from napari.layers import Shapes
        from napari.utils.colormaps import label_colormap

        Shapes()
        corners = np.array([[0.0, 0.0], [0.0, 4.0], [3.0, 5.0], [1.0, 1.0]])
        for kind in ("polygon", "path", "rectangle", "line"):
            Shapes([corners[:2] if kind == "line" else corners], shape_type=kind)
        _triangulate_in_volume(corners)
        for dtype in (np.uint32, np.int32):
            label_colormap(49).map(np.zeros((2, 2), dtype))
        _loaded = True


def _triangulate_in_volume(corners: NDArray[np.float64]) -> None:
    """Compile what napari does at the first polygon in a window that shows 3D: its public ways to
    it need such a window.
    """
    with contextlib.suppress(ImportError, TypeError):
        from napari.layers.shapes._shapes_models import Polygon

        Polygon(np.column_stack([np.zeros(len(corners)), corners]), ndisplay=3)
