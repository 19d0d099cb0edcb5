"""Compiles the kernels of a form in a thread of its own as soon as the form opens.

Not a :class:`~napari_snpore.viewer.shared.worker.Worker`: those share a pool of as many threads as
there are processors, and a step of the user would wait for the compilation.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock, Thread

from qtpy.QtCore import QCoreApplication

from napari_snpore.compute import ShouldStop
from napari_snpore.errors import InputError, Stopped

_quits = Event()
_one_at_a_time = Lock()
_started: dict[Callable[[ShouldStop], None], Thread] = {}


def compile_ahead(warm_up: Callable[[ShouldStop], None]) -> Thread:
    """Run ``warm_up(should_stop)`` in a thread, once per process, and return that thread.

    It stops after the present kernel when the application quits. A failure is left to the step that
    needs the kernel: that step reports it.

    Parameters
    ----------
    warm_up : callable
        A function of a module, such as :func:`~napari_snpore.study.warm_up.warm_up_images`.
    """
    if warm_up in _started:
        return _started[warm_up]
    application = QCoreApplication.instance()
    if application is not None:
        application.aboutToQuit.connect(_quits.set)

    def run() -> None:
        try:
            with _one_at_a_time:
                warm_up(_quits.is_set)
        except (Stopped, InputError):
            pass

    thread = _started[warm_up] = Thread(target=run, name="snpore-compile-ahead")
    thread.start()
    return thread
