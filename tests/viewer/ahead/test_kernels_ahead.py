"""The child process that compiles, and what a form says while it waits for it."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_snpore import kernel_process
from napari_snpore.errors import InputError
from napari_snpore.kernels import KernelRequest, waiting
from napari_snpore.viewer.ahead import kernels_ahead
from napari_snpore.viewer.shared.worker import StepStatus

REQUEST = KernelRequest("napari_snpore.segmentation._kernels", "count_nan", "")


@pytest.fixture
def status(qtbot):
    made = StepStatus()
    qtbot.addWidget(made)
    made.show()
    return made


def test_no_child_is_started_where_it_is_turned_off(monkeypatch):
    monkeypatch.setenv(kernel_process.SWITCH, "0")
    monkeypatch.setattr(kernels_ahead, "_started", False)
    before = threading.active_count()
    kernels_ahead.compile_ahead()
    assert threading.active_count() == before


def test_a_step_that_waits_for_kernels_says_so_and_its_bar_moves(status, qtbot):
    ready, answered = threading.Event(), threading.Event()

    def work(progress, should_stop):
        while not ready.is_set():
            waiting().preparing(True)
            ready.wait(0.05)
        waiting().preparing(False)
        answered.wait(60)
        progress(1, 2)
        answered.clear()
        answered.wait(60)
        return "made"

    made = []
    status.run("Measure", work, made.append)
    said = "First time on this machine: preparing, about 10 s."
    qtbot.waitUntil(lambda: status.message.text() == said, timeout=60_000)
    first = status.bar.value()
    qtbot.waitUntil(lambda: status.bar.value() > first, timeout=60_000)
    assert status.bar.format() == "Measure: preparing"
    ready.set()
    answered.set()
    qtbot.waitUntil(lambda: status.bar.format() == "Measure: 50 %", timeout=60_000)
    assert status.message.text() == ""
    answered.set()
    status.wait()
    assert made == ["made"]


def test_cancel_ends_a_step_that_waits_for_kernels(status, qtbot, monkeypatch):
    process = kernel_process.KernelProcess()
    monkeypatch.setattr(process, "start", lambda: True)

    def work(progress, should_stop):
        process._wait(lambda: False)

    status.run("Measure", work, lambda result: None)
    qtbot.waitUntil(lambda: "First time" in status.message.text(), timeout=60_000)
    status.cancel()
    status.wait()
    assert status.message.text() == "Measure was cancelled; nothing was kept."


def test_threads_of_a_step_wait_in_its_name(status):
    from napari_snpore.compute import run_blocks

    found = []

    def work(progress, should_stop):
        found.extend(run_blocks(lambda _: waiting(), range(3), threads=3))
        return waiting()

    status.run("Measure", work, found.append)
    status.wait()
    assert found[0] is not None
    assert all(one is found[0] for one in found)


def test_a_failed_step_says_so_after_a_preparation(status):
    def work(progress, should_stop):
        waiting().preparing(True)
        waiting().preparing(False)
        raise InputError("The volume holds NaN.")

    status.run("Measure", work, lambda result: None)
    status.wait()
    assert "The volume holds NaN." in status.message.text()


def test_a_polygon_in_3d_finds_everything_of_napari_compiled():
    """In a window that shows 3D the outline of a fibre froze for a second when it came first."""
    kernels = pytest.importorskip("napari.layers.shapes._accelerated_triangulate_numba")
    from napari.layers import Shapes

    def compiled():
        return {name: len(one.signatures) for name, one in vars(kernels).items() if is_kernel(one)}

    def is_kernel(one):
        return hasattr(one, "signatures")

    kernels_ahead.load_napari_kernels()
    before = compiled()
    assert before
    viewer = ViewerModel(ndisplay=3)
    viewer.add_image(np.zeros((3, 20, 20)))
    square = [[2.0, 3.0], [2.0, 9.0], [8.0, 9.0], [8.0, 3.0]]
    for kind in ("polygon", "rectangle"):
        frames = [np.column_stack([np.full(4, frame), square]) for frame in range(3)]
        viewer.add_layer(Shapes(frames, shape_type=kind, ndim=3, edge_width=0.5))
    assert compiled() == before
