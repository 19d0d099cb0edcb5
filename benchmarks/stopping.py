"""Ctrl-C and SIGTERM for what takes minutes or hours: one sentence, exit status 1, and no process or
temporary file left."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from napari_snpore.cli.stop_signals import answer_stop_signals

_WAIT_S = 0.1
_ATTEMPTS = 5
KEPT = "finished cases are kept, and the same command goes on from there."


@contextmanager
def stopped_in_a_sentence(kept: str) -> Iterator[None]:
    """Answer signals within the block; its temporary files lie in a folder of their own.

    Parameters
    ----------
    kept : str
        What the work so far is good for, such as ``"finished cases are kept"``.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier, variable = tempfile.tempdir, os.environ.get("TMPDIR")
    folder = tempfile.mkdtemp(prefix="snpore-")
    tempfile.tempdir = os.environ["TMPDIR"] = folder  # children look at the variable

    def end() -> str:
        if hasattr(os, "fork"):
            os.fork = _wait_for_ever  # the main thread would start another child for a killed one
        tracker = _kill_children()
        _kill_children()  # one that was being started meanwhile
        for _ in range(_ATTEMPTS):  # a child that is just dying can still add a file
            shutil.rmtree(folder, ignore_errors=True)
            if not os.path.exists(folder):
                break
        for child in tracker:  # last: it complains of what the others have left open
            with contextlib.suppress(psutil.Error):
                child.kill()
        return kept

    try:
        with answer_stop_signals(before_end=end):
            yield
    finally:
        tempfile.tempdir = earlier
        os.environ.pop("TMPDIR", None)
        if variable is not None:
            os.environ["TMPDIR"] = variable
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def children_without_ctrl_c() -> Iterator[None]:
    """Start processes that a Ctrl-C in the terminal does not reach: the first one ends them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _wait_for_ever() -> int:
    threading.Event().wait()
    return 0


def _kill_children() -> list[psutil.Process]:
    """Kill all child processes but multiprocessing's tracker of resources, which is returned."""
    tracker, children = [], []
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if any("resource_tracker" in word for word in child.cmdline()):
                    tracker.append(child)
                else:
                    child.kill()
                    children.append(child)
    psutil.wait_procs(children, timeout=_WAIT_S)
    return tracker
