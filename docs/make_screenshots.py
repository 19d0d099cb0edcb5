"""Screenshots of the documentation: every form in a real window, on shipped and simulated data.

Needs a screen, or Xvfb: ``xvfb-run -a -s "-screen 0 1600x1000x24" python
docs/make_screenshots.py``. Two words more make some pictures alone: ``docs/images by_the_images``
those that take minutes, ``docs/images compare`` that of the Compare form.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import napari
import numpy as np
from qtpy.QtWidgets import QApplication, QScrollArea

from napari_snpore.phantom import make_phantom, simulate_measured_series
from napari_snpore.viewer.open.samples import phantom_layers
from napari_snpore.viewer.shared.layers import add_layer, series_data

IMAGES = Path(__file__).parent / "images"
SIZE = (1480, 920)


def main(folder: Path = IMAGES, only: str = "") -> None:
    """Write every picture into a folder, or only those that are named."""
    folder.mkdir(parents=True, exist_ok=True)
    viewer = napari.Viewer(title="napari", show=True)
    viewer.window.resize(*SIZE)
    if only == "by_the_images":
        by_the_images(viewer, folder / "blur.png", folder / "residual_map.png")
        viewer.close()
        return
    if only == "compare":
        compare(viewer, folder / "compare.png")
        viewer.close()
        return
    reconstruct(viewer, folder / "reconstruct.png")
    viewer.layers.clear()
    by_the_images(viewer, folder / "blur.png", folder / "residual_map.png")
    viewer.layers.clear()
    for data in phantom_layers("pristine"):
        add_layer(viewer, data)
    show_cross_section(viewer)
    threshold(viewer, folder / "window.png")
    measure(viewer, folder / "measure.png")
    slices_and_subvolumes(viewer, folder / "slices.png")
    scene(viewer, folder / "scene.png")
    figure(viewer, folder / "figure.png", folder / "plate.png")
    in_situ(viewer, folder / "in_situ.png")
    compare(viewer, folder / "compare.png")
    viewer.close()


def show_cross_section(viewer: napari.Viewer) -> None:
    """Show the XZ plane, the cross-section of the fibre."""
    viewer.dims.order = (1, 0, 2)
    viewer.dims.current_step = tuple(n // 2 for n in viewer.layers["pristine"].data.shape)
    viewer.reset_view()


def reconstruct(viewer: napari.Viewer, path: Path) -> None:
    """Align and reconstruct the needle of the sample menu."""
    viewer.open_sample("napari-snpore", "needle")
    widget = opened(viewer, "Reconstruct")
    widget.reconstruct()
    viewer.reset_view()
    photograph(viewer, path)


def by_the_images(viewer: napari.Viewer, blur: Path, residual_map: Path) -> None:
    """Find the blur of a simulated series, reconstruct with it, and let the images choose
    thresholds and polish the phases."""
    phantom = make_phantom("pristine", shape=(176, 48, 176), seed=7)
    series = simulate_measured_series(
        phantom, angles_deg=np.arange(-69.0, 70.0, 2.0), dose=1000.0, seed=7
    )
    add_layer(viewer, series_data(series, "fibre"))
    widget = opened(viewer, "Reconstruct")
    widget.align()
    widget.find_blur()
    volume = widget.reconstruct()
    viewer.layers["fibre"].visible = False
    viewer.dims.order = (1, 0, 2)
    viewer.reset_view()
    photograph(viewer, blur)
    form = opened(viewer, "Threshold")
    form.layer = volume
    form.counting.wait()
    form.counting.wait()  # the images are asked after the count
    form.envelope.make_button.click()
    form.status.wait()
    form.apply()
    form.polish_phases()
    form.sensitivity.expand(animate=False)
    form.sensitivity.images.wait()
    QApplication.processEvents()
    form.findChild(QScrollArea).ensureWidgetVisible(form.sensitivity.images.picture)
    viewer.layers.selection.active = volume
    photograph(viewer, residual_map)
    viewer.dims.order = (0, 1, 2)


def threshold(viewer: napari.Viewer, path: Path) -> None:
    """Threshold the phantom with the suggested thresholds and an envelope."""
    widget = opened(viewer, "Threshold")
    widget.layer = viewer.layers["pristine"]
    widget.counting.wait()
    widget.envelope.make_button.click()
    widget.status.wait()
    viewer.layers.selection.active = viewer.layers["pristine"]
    photograph(viewer, path)
    widget.apply()


def measure(viewer: napari.Viewer, path: Path) -> None:
    """Measure the Sn clusters and colour them by their length."""
    widget = opened(viewer, "Measure")
    widget.layer = viewer.layers["pristine · phases"]
    widget.measure()
    widget.color_box.setCurrentIndex(1)
    for layer in viewer.layers:
        layer.visible = layer.name in ("pristine", "pristine · Sn objects")
    photograph(viewer, path)


def slices_and_subvolumes(viewer: napari.Viewer, path: Path) -> None:
    """Place the centre and the edge cube and show them on the three linked slices."""
    close_all(viewer)
    slices = opened(viewer, "Slices")
    boxes = opened(viewer, "Subvolumes")
    for layer in viewer.layers:
        layer.visible = layer.name == "pristine"
    boxes.layer, slices.layer = viewer.layers["pristine · phases"], viewer.layers["pristine"]
    boxes.place_presets(7.0)
    slices.position = boxes.boxes.named("edge").center_nm
    viewer.dims.ndisplay = 3
    slices.in_scene.setChecked(True)
    viewer.scene.camera.set_view_direction((-0.62, 0.48, 0.62), (0, -1, 0))
    viewer.reset_view(reset_camera_angle=False)
    photograph(viewer, path)
    slices.in_scene.setChecked(False)


def scene(viewer: napari.Viewer, path: Path) -> None:
    """Draw the phases as lit surfaces, cut open."""
    close_all(viewer)
    widget = opened(viewer, "3D scene")
    for layer in viewer.layers:
        layer.visible = False
    widget.phases = viewer.layers["pristine · phases"]
    widget.show_scene()
    widget.make_surfaces()
    viewer.layers["pristine"].visible = False
    widget.clip.by.setCurrentText("plane across y")
    z, y, x = viewer.scene.camera.center
    viewer.scene.camera.center = (z, y + 0.25 * 175 * 0.15, x)  # the middle of the remaining half
    viewer.scene.camera.zoom *= 1.3
    photograph(viewer, path)
    widget.clip.by.setCurrentText("nothing")
    widget.show_before()
    for layer in [one for one in viewer.layers if one.name.endswith("surface")]:
        viewer.layers.remove(layer)


def figure(viewer: napari.Viewer, path: Path, plate: Path) -> None:
    """Preview the plate, and save it."""
    close_all(viewer)
    viewer.dims.ndisplay = 2
    show_cross_section(viewer)
    viewer.layers["pristine"].visible = viewer.layers["pristine · phases"].visible = True
    widget = opened(viewer, "Figure")
    widget.dpi_box.setValue(150)
    widget.preview()
    photograph(viewer, path)
    widget.save(plate)


def in_situ(viewer: napari.Viewer, path: Path) -> None:
    """Measure the diameter of a fibre in simulated images in time, and the grey value in a box on
    it."""
    close_all(viewer)
    viewer.layers.clear()
    viewer.dims.order = (0, 1, 2)
    viewer.open_sample("napari-snpore", "swelling")
    widget = opened(viewer, "In situ")
    widget.measure()
    viewer.dims.set_current_step(0, 42)
    viewer.reset_view()
    photograph(viewer, path)


def compare(viewer: napari.Viewer, path: Path) -> None:
    """Compare the three states of the sample menu, with the table of all differences below."""
    close_all(viewer)
    viewer.layers.clear()
    viewer.open_sample("napari-snpore", "three_states")
    widget = opened(viewer, "Compare")
    while widget.comparison is None or widget.status.busy:
        QApplication.processEvents()
        time.sleep(0.02)
    widget.tabs.setCurrentIndex(1)
    widget.tabs.numbers.open_table()
    viewer.reset_view()
    photograph(viewer, path)


def opened(viewer: napari.Viewer, step: str) -> Any:
    """Open the form of a step in the Workbench, and return it."""
    _, workbench = viewer.window.add_plugin_dock_widget("napari-snpore", "Workbench")
    workbench.open_step(step)
    return workbench.form


def close_all(viewer: napari.Viewer) -> None:
    """Close every form."""
    viewer.window.remove_dock_widget("all")


def photograph(viewer: napari.Viewer, path: Path) -> None:
    """Write a picture of the whole window once it is painted."""
    viewer.status = "Ready"
    end = time.monotonic() + 2
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.02)
    viewer.window.screenshot(str(path), canvas_only=False, flash=False)


if __name__ == "__main__":
    main(*(Path(word) for word in sys.argv[1:2]), *sys.argv[2:3])
