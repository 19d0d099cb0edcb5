"""Imports, while the window has nothing else to do, what the first clicks of its forms would.

An import holds the interpreter lock in turns with the window, and every callback of Qt then waits
for the lock. The imports are therefore cut into small pieces, and a piece begins only where the window
was idle for a moment: a click meets at most one of them.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from importlib import import_module
from threading import Thread

from qtpy.QtCore import QCoreApplication, QTimer

from napari_snpore.viewer.ahead.loading import no_collection

_AHEAD = (
    "napari_snpore.viewer.reconstruct.widget",
    "napari_snpore.viewer.threshold.widget",
    "matplotlib",
    "matplotlib.text",
    "matplotlib.backend_bases",
    "matplotlib.axes",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "napari_snpore.study.structure",
    "napari_snpore.study.measuring",
    "napari_snpore.viewer.measure.widget",
    "napari_snpore.viewer.slices.widget",
    "napari_snpore.viewer.boxes.widget",
    "napari_snpore.viewer.scene.widget",
    "napari_snpore.viewer.figure.widget",
    "napari_snpore.in_situ",
    "napari_snpore.viewer.in_situ.widget",
    "xarray",
    "dask.array.core",
    "dask.array",
    "zarr.core.buffer",
    "zarr.codecs",
    "zarr",
)
"""Modules in the order of the work; of the large ones first some parts, each some 50 ms."""

_TICK_MS = 100
_LATE_S = 0.15  # a tick later than this: something was done meanwhile

_log = logging.getLogger("napari_snpore")


class ImportsAhead(QTimer):
    """Works through a list of imports, one at a time, at ticks of an idle window.

    Parameters
    ----------
    parent : QObject
        The application.
    works : sequence of callable, optional
        By default all that the forms import.
    """

    def __init__(
        self, parent: QCoreApplication, works: tuple[Callable[[], object], ...] | None = None
    ) -> None:
        super().__init__(parent)
        self._works = deque(_works() if works is None else works)
        self._thread: Thread | None = None
        self._last = time.monotonic()
        self.timeout.connect(self._on_tick)
        self.start(_TICK_MS)

    def _on_tick(self) -> None:
        now = time.monotonic()
        was_idle, self._last = now - self._last < _LATE_S, now
        if self._thread is not None and self._thread.is_alive():
            return
        if not self._works:
            self.stop()
        elif was_idle:
            work = self._works.popleft()
            self._thread = Thread(target=_do, args=(work,), name="snpore-imports", daemon=True)
            self._thread.start()


def _do(work: Callable[[], object]) -> None:
    try:
        with no_collection():
            work()
    except Exception as error:  # the form that needs it says so
        _log.debug("%s failed ahead: %s", work, error)


def _works() -> list[Callable[[], object]]:
    parts = [_load_units, _load_images, _load_labels, _load_dashes, _load_preferences]
    return [*parts, *(partial(import_module, name) for name in _AHEAD), _load_numba]


def _load_units() -> None:
    import pint

    pint.get_application_registry().Unit("nm")  # its definitions are parsed at the first use


def _load_images() -> None:
    import numpy as np
    from napari.layers import Image

    Image(np.zeros((2, 2)))


def _load_labels() -> None:
    import numpy as np
    from napari.layers import Labels

    Labels(np.zeros((2, 2), np.uint8))


def _load_dashes() -> None:
    from vispy.visuals.line.dash_atlas import DashAtlas

    DashAtlas()


def _load_preferences() -> None:
    from napari_snpore.viewer.preferences import preferences

    preferences()


def _load_numba() -> None:
    from numba.core.registry import cpu_target

    cpu_target.target_context.refresh()  # half of the time of the first kernel that is loaded
