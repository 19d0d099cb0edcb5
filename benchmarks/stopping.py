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
        _kill_children()
        _kill_children()  # one that was being started meanwhile
        shutil.rmtree(folder, ignore_errors=True)
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


def _kill_children() -> None:
    with contextlib.suppress(psutil.Error):
        children = psutil.Process().children(recursive=True)
        for child in children:
            with contextlib.suppress(psutil.Error):
                child.kill()
        psutil.wait_procs(children, timeout=1)
