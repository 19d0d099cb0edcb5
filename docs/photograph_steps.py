"""Pictures of every step in windows of three sizes, dark and light, to be looked at; none of them
is part of the documentation.

Beside each step lie its settings in full height with every fold open, ``…_settings_dark.png``.
Needs a screen of at least 1600 × 1000, or Xvfb: ``xvfb-run -a -s "-screen 0 1600x1000x24" python
docs/photograph_steps.py build/steps``. A second word takes the steps whose names it begins.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from napari_snpore.phantom import make_phantom, simulate_measured_series
from napari_snpore.viewer.forms.form import Fold, FormScroll
from napari_snpore.viewer.open.samples import phantom_layers
from napari_snpore.viewer.shared.layers import add_layer, series_data
from napari_snpore.viewer.workbench.keys import KeySheet

SIZES = ((1600, 1000), (1366, 768), (1024, 700))
THEMES = ("dark", "light")
SHAPE = (112, 40, 112)
FIBRE = (112, 96, 112)
_WITH_SETTINGS = (
    "reconstruct",
    "threshold",
    "measure",
    "slices",
    "subvolumes",
    "scene",
    "figure",
    "in_situ",
    "compare",
)


def main(folder: Path, only: str = "") -> None:
    """Write pictures of every step into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    viewer = napari.Viewer(title="napari", show=True)
    viewer.window.resize(*SIZES[0])
    for name in steps(viewer, only):
        if not name.startswith(only):
            continue
        for size in SIZES:
            for theme in THEMES:
                viewer.window.resize(*size)
                viewer.theme = theme
                settle(1.0)
                path = folder / f"{name}_{size[0]}_{theme}.png"
                viewer.window.screenshot(str(path), canvas_only=False, flash=False)
        if name.endswith(_WITH_SETTINGS):
            settings(viewer, folder, name)
    keys(viewer, folder)
    viewer.close()


def keys(viewer: napari.Viewer, folder: Path) -> None:
    """Write pictures of the sheet of keys."""
    sheet = KeySheet(opened(viewer))
    sheet.show()
    for theme in THEMES:
        viewer.theme = theme
        settle(0.5)
        sheet.grab().save(str(folder / f"keys_{theme}.png"))
    sheet.close()


def settings(viewer: napari.Viewer, folder: Path, name: str) -> None:
    """Write pictures of all settings of the form that is open."""
    scroll = opened(viewer).form.findChild(FormScroll)
    folds = [fold for fold in scroll.findChildren(Fold) if not fold.isExpanded()]
    for fold in folds:
        fold.expand(animate=False)
    for theme in THEMES:
        viewer.theme = theme
        settle(1.0)
        inside = scroll.widget()
        inside.grab().save(str(folder / f"{name}_settings_{theme}.png"))
    for fold in folds:
        fold.collapse(animate=False)


def steps(viewer: napari.Viewer, only: str = "") -> Iterator[str]:
    """Go through the steps; yield the name of each once its form shows a result. The longest is
    left out where only others are wanted.
    """
    opened(viewer)
    yield "empty"
    if only in "reconstruct_before":
        yield from reconstruct(viewer)
    viewer.layers.clear()
    for data in phantom_layers("pristine", shape=FIBRE):
        add_layer(viewer, data)
    viewer.dims.order = (1, 0, 2)
    viewer.dims.current_step = tuple(n // 2 for n in viewer.layers["pristine"].data.shape)
    yield from threshold(viewer)
    yield from measure(viewer)
    yield from slices(viewer)
    yield from scene(viewer)
    form = opened(viewer, "Figure").form
    form.preview()
    yield "figure"
    viewer.layers.clear()
    viewer.dims.ndisplay = 2
    viewer.dims.order = (0, 1, 2)
    viewer.open_sample("napari-snpore", "swelling")
    form = opened(viewer, "In situ").form
    yield "in_situ_before"
    form.measure()
    viewer.dims.set_current_step(0, 42)
    yield "in_situ"
    viewer.layers.clear()
    if only in "compare":
        yield from compare(viewer)
    yield from tour(viewer)


def compare(viewer: napari.Viewer) -> Iterator[str]:
    """Three states, tab by tab."""
    viewer.open_sample("napari-snpore", "three_states")
    form = opened(viewer, "Compare").form
    while form.comparison is None or form.status.busy:
        settle(0.1)
    yield "compare"
    for k in range(1, form.tabs.count()):
        form.tabs.setCurrentIndex(k)
        yield f"compare_{form.tabs.tabText(k).split()[0].lower()}"
    form.tabs.setCurrentIndex(1)
    form.tabs.numbers.open_table()
    yield "compare_table"


def tour(viewer: napari.Viewer) -> Iterator[str]:
    """The first station of the guided tour."""
    viewer.window.remove_dock_widget("all")
    viewer.layers.clear()
    bench = opened(viewer)
    bench.tour.start()
    while bench.tour.state in ("starting", "working"):
        settle(0.1)
    yield "tour"
    bench.tour.leave()


def reconstruct(viewer: napari.Viewer) -> Iterator[str]:
    """Align and reconstruct a simulated series."""
    phantom = make_phantom("pristine", shape=SHAPE, seed=7)
    series = simulate_measured_series(
        phantom, angles_deg=np.arange(-68.0, 69.0, 4.0), dose=1000.0, seed=7
    )
    add_layer(viewer, series_data(series, "fibre"))
    form = opened(viewer, "Reconstruct").form
    settle(3)
    yield "reconstruct_before"
    form.reconstruct()
    yield "reconstruct"
    opened(viewer).fold(False)
    yield "reconstruct_list"
    opened(viewer).fold(True)  # as in windows of these heights


def threshold(viewer: napari.Viewer) -> Iterator[str]:
    """Thresholds, an envelope, phases."""
    form = opened(viewer, "Threshold").form
    form.layer = viewer.layers["pristine"]
    form.counting.wait()
    yield "threshold_before"
    form.envelope.make_button.click()
    form.status.wait()
    yield "threshold_envelope"
    form.apply()
    yield "threshold"


def measure(viewer: napari.Viewer) -> Iterator[str]:
    """Sn clusters."""
    form = opened(viewer, "Measure").form
    form.layer = viewer.layers["pristine · phases"]
    yield "measure_before"
    form.measure()
    yield "measure"
    viewer.dims.ndisplay = 3
    yield "measure_3d"
    viewer.dims.ndisplay = 2


def slices(viewer: napari.Viewer) -> Iterator[str]:
    """Linked slices, and two cubes on them."""
    bench = opened(viewer, "Slices")
    settle(1)
    yield "slices"
    bench.open_step("Subvolumes")
    yield "subvolumes_before"
    bench.form.layer = viewer.layers["pristine · phases"]
    bench.form.place_presets(6.0)
    yield "subvolumes"


def scene(viewer: napari.Viewer) -> Iterator[str]:
    """The scene of the paper, and surfaces."""
    bench = opened(viewer, "3D scene")
    form = bench.form
    form.show_scene()
    yield "scene"
    form.phases = viewer.layers["pristine · phases"]
    form.make_surfaces()
    yield "scene_surfaces"
    for layer in [one for one in viewer.layers if one.name.endswith("surface")]:
        viewer.layers.remove(layer)
    form.show_before()
    _, slices_form = viewer.window.add_plugin_dock_widget("napari-snpore", "Ortho slices")
    slices_form.arrangement = "hidden"


def opened(viewer: napari.Viewer, step: str = "") -> Any:
    """Return the Workbench, with the form of a step open."""
    _, bench = viewer.window.add_plugin_dock_widget("napari-snpore", "Workbench")
    if step:
        bench.open_step(step)
    return bench


def settle(seconds: float) -> None:
    """Let the window paint."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.02)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/steps"), *sys.argv[2:3])
