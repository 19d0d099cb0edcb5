"""Time of cross-hair, box and first widget at 512³ relative to napari's own slider and start, and
the longest pause of the window while a widget computes.

Needs a screen, such as that of Xvfb: ``xvfb-run -a -s "-screen 0 1600x1000x24" python -m
benchmarks.viewer`` prints the ratios.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

SIDE = 512
STEPS = 20

_START = """
import time
begin = time.perf_counter()
import napari
from qtpy.QtWidgets import QApplication
viewer = napari.Viewer(show=True)
QApplication.processEvents()
opened = time.perf_counter()
viewer.window.add_plugin_dock_widget("napari-snpore", {name!r})
QApplication.processEvents()
print(opened - begin, time.perf_counter() - opened)
viewer.close()
"""


def fibre_in_vacuum(side: int) -> np.ndarray:
    """Return grey values (uint8) of a fibre with bright and dark balls, some 15 voxels wide."""
    z, y, x = np.indices((side,) * 3, sparse=True)
    inside = np.hypot(z - side / 2, x - side / 2) < 0.4 * side
    gray = np.where(inside, 120, 20) + np.zeros((side,) * 3, np.int16)
    waves = np.sin(z / 5) * np.sin(y / 5) * np.sin(x / 5)
    gray[inside & (waves > 0.8)] = 230
    gray[inside & (waves < -0.8)] = 20
    return (gray + np.random.default_rng(0).integers(-8, 9, gray.shape)).astype(np.uint8)


def window_with_layers(side: int = SIDE, gray: np.ndarray | None = None) -> Any:
    """Return a window with a grey volume (uint8, noise by default) and its phases."""
    import napari

    from napari_snpore.viewer.shared.layers import add_layer, phases_data, volume_data
    from napari_snpore.volume import Volume

    if gray is None:
        gray = np.random.default_rng(0).integers(0, 256, (side, side, side), dtype=np.uint8)
    phases = np.digitize(gray, (80, 200)).astype(np.uint8) + np.uint8(1)
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1500, 950)
    add_layer(viewer, volume_data(Volume(gray, 0.15), "fibre"))
    add_layer(viewer, phases_data(Volume(phases, 0.15), "fibre · phases"))
    settle(1.0)
    return viewer


def settle(seconds: float) -> None:
    """Process events for some seconds, so that the window is painted."""
    from qtpy.QtTest import QTest

    QTest.qWait(round(1000 * seconds))


def median_step(move: Callable[[int], None], steps: Sequence[int]) -> float:
    """Return the median time of a move, painting included (s)."""
    from qtpy.QtWidgets import QApplication

    spent = []
    for step in steps:
        begin = time.perf_counter()
        move(step)
        QApplication.processEvents()
        spent.append(time.perf_counter() - begin)
        settle(0.02)
    return statistics.median(spent[2:])


class LinkedSlices:
    """Time of three linked slices and a box on them relative to napari's slider with one slice,
    with two layers."""

    timeout = 300

    def setup(self) -> None:
        self.viewer = window_with_layers()
        steps = range(SIDE // 4, SIDE // 4 + STEPS)
        self.slider = median_step(lambda k: self.viewer.dims.set_current_step(0, k), steps)
        _, self.slices = self.viewer.window.add_plugin_dock_widget("napari-snpore", "Ortho slices")
        settle(2.0)
        self.steps = steps

    def teardown(self) -> None:
        self.viewer.close()

    def track_cross_hair_over_slider(self) -> float:
        def move(k: int) -> None:
            self.slices.position = (0.15 * k, 0.15 * (k + 40), 0.15 * (k + 80))

        return median_step(move, self.steps) / self.slider

    def track_box_over_slider(self) -> float:
        from napari_snpore.subvolume import NamedBox
        from napari_snpore.viewer.shared.boxes import boxes_of

        boxes = boxes_of(self.viewer)

        def move(k: int) -> None:
            boxes.put(NamedBox("centre", (0.15 * k, 0.15 * k, 0.15 * k), (20.0, 20.0, 20.0)))

        return median_step(move, self.steps) / self.slider


class LongestPause:
    """Longest time between two turns of Qt's event loop while a widget computes, relative to a step
    of napari's slider in the same window (256³, two layers).
    """

    side = 256
    params = ("Threshold", "Measure", "3D scene")
    param_names = ("widget",)
    timeout = 600

    def setup(self, widget: str) -> None:
        self.viewer = window_with_layers(self.side, fibre_in_vacuum(self.side))
        settle(1.0)
        steps = range(self.side // 4, self.side // 4 + STEPS)
        self.slider = median_step(lambda k: self.viewer.dims.set_current_step(0, k), steps)
        _, self.widget = self.viewer.window.add_plugin_dock_widget("napari-snpore", widget)
        self.compute(widget)  # kernels are compiled and modules imported once
        settle(1.0)

    def teardown(self, widget: str) -> None:
        self.viewer.close()

    def compute(self, widget: str) -> None:
        if widget == "Threshold":
            self.widget.counting.wait()
            self.widget.envelope.make_button.click()
            self.widget.status.wait()
            self.widget.apply()
        elif widget == "Measure":
            self.widget.measure()
        else:
            self.widget.make_surfaces()

    def track_pause_over_slider(self, widget: str) -> float:
        return longest_pause(lambda: self.compute(widget)) / self.slider


def longest_pause(work: Callable[[], None]) -> float:
    """Return the longest time between two turns of Qt's event loop while something runs (s)."""
    from qtpy.QtCore import QTimer

    ticks = [time.perf_counter()]
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    timer.start(5)
    work()
    settle(0.05)
    timer.stop()
    return float(np.diff(ticks).max())


class FirstWidget:
    """Time of the first widget of a new window relative to the opening of that window."""

    params = (
        "Workbench",
        "Reconstruct",
        "Threshold",
        "Ortho slices",
        "Subvolumes",
        "3D scene",
        "Measure",
        "Figure",
        "Compare",
        "In situ",
    )
    param_names = ("widget",)
    timeout = 300

    def track_widget_over_window(self, widget: str) -> float:
        window, ours = opening_times(widget)
        return ours / window


def opening_times(widget: str) -> tuple[float, float]:
    """Return the times (s) that napari and then the widget take to open, in a new process."""
    done = subprocess.run(
        [sys.executable, "-c", _START.format(name=widget)],
        capture_output=True,
        text=True,
        check=True,
    )
    window, ours = (float(word) for word in done.stdout.split()[-2:])
    return window, ours


def main() -> None:
    """Print every ratio; below 1 the package is faster."""
    bench = LinkedSlices()
    bench.setup()
    sys.stdout.write(
        f"{SIDE}³, two layers, time of cross-hair over napari's slider: {bench.track_cross_hair_over_slider():.2f}\n"
    )
    sys.stdout.write(
        f"{SIDE}³, two layers, time of box over napari's slider: {bench.track_box_over_slider():.2f}\n"
    )
    bench.teardown()
    for widget in LongestPause.params:
        pauses = LongestPause()
        pauses.setup(widget)
        ratio = pauses.track_pause_over_slider(widget)
        sys.stdout.write(
            f"{pauses.side}³, {widget} computes: longest pause {ratio:.1f} steps of napari's slider\n"
        )
        pauses.teardown(widget)
    for widget in FirstWidget.params:
        window, ours = opening_times(widget)
        sys.stdout.write(f"{widget}: {ours:.2f} s, {ours / window:.2f} of napari's own start\n")


if __name__ == "__main__":
    main()
