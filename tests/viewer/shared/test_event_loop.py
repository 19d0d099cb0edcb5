"""The window stays alive while a widget works: no more than 200 ms between two turns of Qt's event loop."""

from __future__ import annotations

import time
from contextlib import contextmanager

import numpy as np
import pytest
from qtpy.QtCore import QTimer
from qtpy.QtTest import QTest

from napari_snpore.in_situ import ImageSeries
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

LONGEST_S = 0.2
SIDE = 128


class Pulse:
    """Ticks as often as it can, and remembers the longest pause."""

    def __init__(self):
        self.longest, self._last = 0.0, time.perf_counter()
        self.timer = QTimer()
        self.timer.timeout.connect(self.tick)
        self.timer.start(5)

    def tick(self):
        now = time.perf_counter()
        self.longest, self._last = max(self.longest, now - self._last), now


@contextmanager
def watched():
    pulse = Pulse()
    QTest.qWait(30)
    pulse.longest = 0.0
    yield pulse
    QTest.qWait(30)
    pulse.timer.stop()


def fibre():
    rng = np.random.default_rng(0)
    z, y, x = np.indices((SIDE,) * 3)
    inside = np.hypot(z - SIDE / 2, x - SIDE / 2) < 0.4 * SIDE
    labels = np.where(inside, 2, 0).astype(np.uint8)
    for center in rng.integers(30, SIDE - 30, (60, 3)):
        ball = ((z - center[0]) ** 2 + (y - center[1]) ** 2 + (x - center[2]) ** 2) < rng.integers(9, 60)
        labels[ball & inside] = rng.choice((1, 3))
    gray = np.array([0, 0, 1, 12], np.float32)[labels] + rng.normal(0, 0.1, labels.shape).astype(np.float32)
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
    widget.place_presets(6.0)
    assert widget.fractions is not None
    widget.extract("centre")


def surfaces(viewer):
    SceneWidget(viewer).make_surfaces()


def plate(viewer):
    widget = FigureWidget(viewer)
    widget.parts = ("grey", "phases")
    widget.preview()


def reconstruct(viewer):
    y, x = np.indices((96, SIDE)) - 60.0
    ball = np.sqrt(np.maximum(30.0**2 - y**2 - x**2, 0)).astype(np.float32)  # the same from every side
    images = ball + np.random.default_rng(0).normal(0, 1, (61, *ball.shape)).astype(np.float32)
    layer = add_layer(viewer, series_data(TiltSeries(images, np.linspace(-60, 60, 61), 0.5), "tilts"))
    widget = ReconstructWidget(viewer)
    widget.layer = layer
    widget.reconstruct()


def in_situ(viewer):
    across = np.arange(SIDE) - SIDE / 2
    chord = np.sqrt(np.maximum(40.0**2 - across**2, 0)) + 5
    images = chord + np.random.default_rng(0).normal(0, 1, (60, SIDE, SIDE))
    layer = add_layer(viewer, frames_data(ImageSeries(images, 0.5), "movie"))
    widget = InSituWidget(viewer)
    widget.layer = layer
    widget.measure()


@pytest.mark.parametrize("work", [threshold, measure, subvolumes, surfaces, plate, reconstruct, in_situ])
def test_no_gap_while_a_widget_works(filled, work):
    work(filled)  # kernels are compiled and modules imported once; that is not the work
    gaps = []
    while len(gaps) < 3 and (not gaps or min(gaps) >= LONGEST_S):  # what holds it up itself does so every time
        with watched() as pulse:
            work(filled)
        gaps.append(pulse.longest)
    assert min(gaps) < LONGEST_S, f"{work.__name__} held the window for {1000 * min(gaps):.0f} ms"


def test_no_gap_while_the_cross_hair_moves(make_napari_viewer_proxy, made):
    window = make_napari_viewer_proxy(show=True)
    add_layer(window, volume_data(made[0], "fibre"))
    add_layer(window, phases_data(made[1], "fibre · phases"))
    _, widget = window.window.add_plugin_dock_widget("napari-snpore", "Ortho slices")
    QTest.qWait(1500)  # the canvases are made and painted for the first time
    gaps = []
    while len(gaps) < 3 and (not gaps or min(gaps) >= LONGEST_S):
        with watched() as pulse:
            for share in (0.3, 0.4, 0.5, 0.6, 0.7):
                widget.position = (share * SIDE * 0.25,) * 3
                QTest.qWait(50)
        gaps.append(pulse.longest)
    assert min(gaps) < LONGEST_S, f"the cross-hair held the window for {1000 * min(gaps):.0f} ms"
