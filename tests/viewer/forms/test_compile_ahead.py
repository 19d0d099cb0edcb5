"""Kernels are compiled beside the GUI thread, once per process."""

from __future__ import annotations

import threading

from napari_snpore.errors import InputError
from napari_snpore.viewer.forms.compile_ahead import compile_ahead


def test_runs_once_and_in_another_thread(qapp):
    ran = []

    def warm_up(should_stop):
        ran.append((threading.current_thread(), should_stop()))

    thread = compile_ahead(warm_up)
    assert compile_ahead(warm_up) is thread
    thread.join()
    assert ran == [(thread, False)]
    assert thread is not threading.main_thread()


def test_a_failure_is_left_to_the_step_that_needs_the_kernel(qapp, monkeypatch):
    failed = []
    monkeypatch.setattr(threading, "excepthook", failed.append)

    def warm_up(should_stop):
        raise InputError("SNPORE_THREADS is 'many'.")

    compile_ahead(warm_up).join()
    assert failed == []
