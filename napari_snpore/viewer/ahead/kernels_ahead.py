"""Compiles kernels in a child process as soon as the window uses the package, those of napari's
shapes as well; and imports, while nobody waits, what the first click of a form would.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from threading import Lock, Thread, main_thread

import numpy as np
from numpy.typing import NDArray

from napari_snpore import kernel_process
from napari_snpore.viewer.preferences import preferences
from napari_snpore.viewer.shared.worker import run_alive

NAPARI_JOB = "napari_snpore.viewer.ahead.kernels_ahead:load_napari_kernels"
"""Warm-up of the child process, by its name there."""

_AHEAD = (
    "napari_snpore.viewer.reconstruct.widget",
    "napari_snpore.viewer.threshold.widget",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "napari_snpore.study.measuring",
    "napari_snpore.viewer.measure.widget",
    "napari_snpore.viewer.slices.widget",
    "napari_snpore.viewer.boxes.widget",
    "napari_snpore.viewer.scene.widget",
    "napari_snpore.viewer.figure.widget",
    "napari_snpore.viewer.in_situ.widget",
    "dask.array",
    "zarr",
)
"""Modules in the order of the work."""

_PAUSE_S = 0.2  # between modules: the window answers

_log = logging.getLogger("napari_snpore")

_loading = Lock()
_loaded = False
_started = False
_imports: Thread | None = None


def compile_ahead() -> bool:
    """Start the child process and the imports, once; return whether that is turned on."""
    global _started, _imports
    if _started:
        return _imports is not None
    _started = True
    process = kernel_process.start([NAPARI_JOB])
    if process is not None:
        atexit.register(process.stop)
        _imports = Thread(target=_import_ahead, name="snpore-imports", daemon=True)
        _imports.start()
    return process is not None


def is_importing() -> bool:
    """Return whether the imports go on."""
    return _imports is not None and _imports.is_alive()


def _import_ahead() -> None:
    works: list[Callable[[], object]] = [_load_parts]
    works += [partial(import_module, name) for name in _AHEAD]
    for work in [*works, _load_numba]:
        time.sleep(_PAUSE_S)
        if not main_thread().is_alive():
            return  # the program ends: Python starts no threads any more
        try:
            work()
        except Exception as error:  # the form that needs it says so
            _log.debug("%s failed ahead: %s", work, error)


def _load_parts() -> None:
    """Load what napari and vispy load when the first layer of a kind, or line, is made."""
    import pint
    from napari.layers import Image, Labels
    from vispy.visuals.line.dash_atlas import DashAtlas

    pint.get_application_registry().Unit("nm")  # its definitions are parsed at the first use
    Image(np.zeros((2, 2)))
    Labels(np.zeros((2, 2), np.uint8))
    DashAtlas()
    preferences()


def _load_numba() -> None:
    from numba.core.registry import cpu_target

    cpu_target.target_context.refresh()  # half of the time of the first kernel that is loaded


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
