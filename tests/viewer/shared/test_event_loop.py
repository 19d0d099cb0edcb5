"""The window stays responsive: no computation of the backend that can take long runs in the GUI
thread.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtTest import QTest

import napari_snpore
from napari_snpore.in_situ import ImageSeries
from napari_snpore.segmentation.histogram import gray_histogram
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.viewer.boxes.widget import SubvolumeWidget
from napari_snpore.viewer.figure.widget import FigureWidget
from napari_snpore.viewer.in_situ.layers import frames_data
from napari_snpore.viewer.in_situ.widget import InSituWidget
from napari_snpore.viewer.measure.widget import MeasureWidget
from napari_snpore.viewer.reconstruct.widget import ReconstructWidget
from napari_snpore.viewer.scene.widget import SceneWidget
from napari_snpore.viewer.shared.layers import add_layer, phases_data, series_data, volume_data
from napari_snpore.viewer.threshold.widget import ThresholdWidget
from napari_snpore.volume import Volume

PACKAGE = Path(napari_snpore.__file__).parent
SIDE = 64


def can_take_long(code):
    """Whether a function is of the backend and can be cancelled: all that can take longer than a
    second is.
    """
    path = Path(code.co_filename)
    if PACKAGE not in path.parents or PACKAGE / "viewer" in path.parents:
        return False
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return code.co_name == "run_blocks" or "should_stop" in names


@contextmanager
def long_calls():
    """Collect the names of the long functions that are called in this thread, which is the GUI
    thread.
    """
    assert threading.current_thread() is threading.main_thread()
    called, judged = [], {}

    def on_event(frame, event, argument):
        if event == "call":
            code = frame.f_code
            if code not in judged:
                judged[code] = can_take_long(code)
            if judged[code]:
                called.append(f"{Path(code.co_filename).stem}.{code.co_name}")

    earlier = sys.getprofile()
    sys.setprofile(on_event)
    try:
        yield called
    finally:
        sys.setprofile(earlier)


def fibre():
    rng = np.random.default_rng(0)
    z, y, x = np.indices((SIDE,) * 3)
    inside = np.hypot(z - SIDE / 2, x - SIDE / 2) < 0.4 * SIDE
    labels = np.where(inside, 2, 0).astype(np.uint8)
    for center in rng.integers(15, SIDE - 15, (20, 3)):
        ball = ((z - center[0]) ** 2 + (y - center[1]) ** 2 + (x - center[2]) ** 2) < rng.integers(
            9, 40
        )
        labels[ball & inside] = rng.choice((1, 3))
    gray = np.array([0, 0, 1, 12], np.float32)[labels] + rng.normal(0, 0.1, labels.shape).astype(
        np.float32
    )
    return Volume(gray, 0.25), Volume(labels, 0.25)


@pytest.fixture(scope="module")
def made():
    return fibre()


@pytest.fixture
def filled(viewer, made):
    add_layer(viewer, volume_data(made[0], "fibre"))
    add_layer(viewer, phases_data(made[1], "fibre · phases"))
    return viewer


def threshold(viewer):
    widget = ThresholdWidget(viewer)
    widget.counting.wait()
    widget.envelope.make_button.click()
    widget.status.wait()
    widget.apply()


def measure(viewer):
    MeasureWidget(viewer).measure()


def subvolumes(viewer):
    widget = SubvolumeWidget(viewer)
    widget.place_presets(3.0)
    assert widget.fractions is not None
    widget.extract("centre")


def surfaces(viewer):
    SceneWidget(viewer).make_surfaces()


def plate(viewer):
    widget = FigureWidget(viewer)
    widget.parts = ("grey", "phases")
    widget.preview()


def reconstruct(viewer):
    y, x = np.indices((48, SIDE)) - 30.0
    ball = np.sqrt(np.maximum(15.0**2 - y**2 - x**2, 0)).astype(
        np.float32
    )  # the same from every side
    # few images, but enough for the search of the blur
    images = ball + np.random.default_rng(0).normal(0, 1, (25, *ball.shape)).astype(np.float32)
    layer = add_layer(
        viewer, series_data(TiltSeries(images, np.linspace(-60, 60, 25), 0.5), "tilts")
    )
    widget = ReconstructWidget(viewer)
    widget.layer = layer
    widget.reconstruct()


def in_situ(viewer):
    across = np.arange(SIDE) - SIDE / 2
    chord = np.sqrt(np.maximum(20.0**2 - across**2, 0)) + 5
    images = chord + np.random.default_rng(0).normal(0, 1, (30, SIDE, SIDE))
    layer = add_layer(viewer, frames_data(ImageSeries(images, 0.5), "movie"))
    widget = InSituWidget(viewer)
    widget.layer = layer
    widget.measure()


def test_long_calls_of_this_thread_are_found(made):
    with long_calls() as called:
        gray_histogram(made[0])
    assert "histogram.gray_histogram" in called
    with long_calls() as called:
        worker = threading.Thread(target=gray_histogram, args=(made[0],))
        worker.start()
        worker.join()
    assert not called


@pytest.mark.parametrize(
    "work", [threshold, measure, subvolumes, surfaces, plate, reconstruct, in_situ]
)
def test_no_long_computation_in_the_gui_thread(filled, work):
    with long_calls() as called:
        work(filled)
        QTest.qWait(30)
    assert not called, f"{work.__name__} runs {sorted(set(called))} in the GUI thread"


def test_no_long_computation_while_the_cross_hair_moves(make_napari_viewer_proxy, made):
    window = make_napari_viewer_proxy(show=True)
    add_layer(window, volume_data(made[0], "fibre"))
    add_layer(window, phases_data(made[1], "fibre · phases"))
    with long_calls() as called:
        _, widget = window.window.add_plugin_dock_widget("napari-snpore", "Ortho slices")
        QTest.qWait(300)  # the canvases are made and painted for the first time
        for share in (0.3, 0.4, 0.5, 0.6, 0.7):
            widget.position = (share * SIDE * 0.25,) * 3
            QTest.qWait(50)
    assert not called, f"the cross-hair runs {sorted(set(called))} in the GUI thread"
