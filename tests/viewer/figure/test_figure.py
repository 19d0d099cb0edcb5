"""The Figure widget: what the window shows is what is saved, what is missing is named, and a plate
out of a real window.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QFileDialog

from napari_snpore.errors import InputError
from napari_snpore.figures import recipe_of
from napari_snpore.figures.plate_drawing import panel_rows
from napari_snpore.subvolume import NamedBox
from napari_snpore.viewer.figure.gather import gather
from napari_snpore.viewer.figure.scene_picture import take_picture
from napari_snpore.viewer.figure.widget import FigureWidget
from napari_snpore.viewer.shared.boxes import boxes_of
from napari_snpore.viewer.shared.events import plain_viewer
from napari_snpore.viewer.shared.layers import (
    KEY,
    add_layer,
    objects_data,
    phases_data,
    volume_data,
)
from napari_snpore.volume import Volume

SPACING, ORIGIN = (0.5, 0.25, 0.2), (1.0, 2.0, 3.0)


def fill(viewer):
    z, y, x = np.indices((20, 30, 40))
    gray = add_layer(
        viewer,
        volume_data(Volume((100 * z + 10 * y + x).astype(np.float32), SPACING, ORIGIN), "fibre"),
    )
    labels = np.full((20, 30, 40), 2, np.uint8)
    labels[:10] = 1
    labels[12:14, 5:9, 5:9] = 3
    add_layer(viewer, phases_data(Volume(labels, SPACING, ORIGIN), "fibre · phases"))
    table = pd.DataFrame(
        {"label": [1], "voxel_count": [32], "volume_nm3": [0.8], "length_nm": [1.5]}
    )
    table = table.assign(width_nm=1.0, aspect_ratio=0.67, touches_border=False)
    objects = Volume((labels == 3).astype(np.int32), SPACING, ORIGIN)
    add_layer(viewer, objects_data(objects, table, "fibre · Sn objects", phase="Sn"))
    boxes_of(viewer).put(NamedBox("centre", (5.75, 5.6, 6.9), (4.0, 3.0, 3.0)))
    return gray


def spec_of(viewer, widget, parts=("grey", "phases", "boxes", "fractions", "histograms"), **more):
    layers = {name: viewer.layers[label] for name, label in
              (("volume", "fibre"), ("phases", "fibre · phases"), ("objects", "fibre · Sn objects"))}  # fmt: skip
    return gather(viewer, parts, plane="XZ", field_nm=0.0, **layers, **more)


def test_position_contrast_gamma_and_colours_are_those_of_the_window(viewer):
    gray = fill(viewer)
    gray.contrast_limits, gray.gamma, gray.colormap = (50, 900), 0.5, "inferno"
    viewer.dims.set_point(
        range(3), (ORIGIN[0] + 6 * 0.5, ORIGIN[1] + 11 * 0.25, ORIGIN[2] + 5 * 0.2)
    )
    rows = panel_rows(spec_of(viewer, None))
    panel = rows[0][0]
    np.testing.assert_array_equal(panel.cut.values, gray.data[:, 11])
    assert panel.limits == (50, 900)
    share = (gray.data[3, 11, 7] - 50) / 850
    expected = np.asarray(gray.colormap.map(np.array([np.clip(share, 0, 1) ** 0.5])))[0, :3] * 255
    np.testing.assert_allclose(panel.image()[3, 7], expected, atol=3)


def test_fractions_of_the_boxes_are_counted_in_the_box(viewer):
    fill(viewer)
    rows = panel_rows(spec_of(viewer, None))
    shares = next(panel for row in rows for panel in row if hasattr(panel, "shares")).shares[
        "centre"
    ]
    box = viewer.layers["fibre · phases"].data[6:14, 8:20, 12:27]
    assert sum(shares.values()) == pytest.approx(100.0)
    assert shares["pore"] == pytest.approx(100 * (box == 1).mean(), abs=5)


def test_histograms_are_marked_as_those_of_the_measurement(viewer):
    fill(viewer)
    layer = viewer.layers["fibre · Sn objects"]
    layer.metadata[KEY]["crowther_nm"] = 2.8
    layer.metadata[KEY]["size_limit_nm"] = (0.4, 0.75)
    panels = panel_rows(spec_of(viewer, None, parts=("histograms",)))[-1]
    assert [panel.crowther_nm for panel in panels] == [2.8] * 3
    assert "D·Δθ 2.8" in panels[0].note()
    assert panels[0].voxel_nm == 0.5
    assert "fewer than half are found, < 0.75 nm" in panels[0].note()
    assert "fewer than half" not in panels[1].note()


def test_missing_parts_say_what_they_need(viewer, tmp_path):
    widget = FigureWidget(viewer)
    assert not widget.main_button.isEnabled()
    assert "needs phases" in widget.ticks["phases"].text()
    assert "needs boxes" in widget.ticks["boxes"].text()
    with pytest.raises(InputError, match="Nothing is ticked"):
        widget.save(tmp_path / "a.png")
    fill(viewer)
    assert widget.ticks["histograms"].text() == "length, width, aspect ratio"
    assert "needs a window" in widget.ticks["scene"].text()
    with pytest.raises(InputError, match="no ending of a figure"):
        widget.save(tmp_path / "a.jpg")


@pytest.mark.parametrize("what", ["pictures", "movie"])
def test_the_window_stays_alive_while_a_place_for_the_slices_is_chosen(
    viewer, qtbot, tmp_path, what
):
    fill(viewer)
    widget = FigureWidget(viewer)
    qtbot.addWidget(widget)
    QTimer.singleShot(
        2000, lambda: [one.close() for one in [QApplication.activeModalWidget()] if one is not None]
    )
    getattr(widget.stack, f"{what}_button").click()
    dialog = widget.stack.findChild(QFileDialog)
    assert dialog is not None
    assert not dialog.isModal()
    dialog.fileSelected.emit(str(tmp_path / ("slices" if what == "pictures" else "slices.gif")))
    dialog.close()
    widget.status.wait()
    assert widget.status.message.text().startswith("Saved ")
    assert list(tmp_path.iterdir())


def test_state_comes_back(viewer):
    widget = FigureWidget(viewer)
    widget.width_box.setValue(88)
    widget.plane.setCurrentText("XY")
    other = FigureWidget(viewer)
    other.set_state(widget.state(), {})
    assert other.width_box.value() == 88
    assert other.plane.currentText() == "XY"


def test_panels_and_slices_are_saved(viewer, tmp_path):
    fill(viewer)
    widget = FigureWidget(viewer)
    widget.save_panels(tmp_path / "panel.svg")
    assert len(list(tmp_path.glob("panel_*.svg"))) == 8
    widget.stack.plane.setCurrentText("XY")
    widget.stack.save_pictures(tmp_path / "slices")
    widget.status.wait()
    assert len(list((tmp_path / "slices").glob("*.png"))) == 20
    widget.stack.of.setCurrentText("phases")
    widget.stack.save_movie(tmp_path / "stack.gif")
    widget.status.wait()
    with Image.open(tmp_path / "stack.gif") as movie:
        assert movie.n_frames <= 30
        assert movie.n_frames > 1


def test_a_preview_of_other_settings_says_so(viewer, qtbot):
    fill(viewer)
    widget = FigureWidget(viewer)
    qtbot.addWidget(widget)
    widget.parts = ("histograms",)
    widget.preview()
    assert "stale" not in widget.age.text()
    assert widget.age.text()
    widget.width_box.setValue(120)
    assert "Preview draws it again" in widget.age.text()
    widget.width_box.setValue(180)
    assert "stale" not in widget.age.text()
    widget.ticks["table"].setChecked(True)
    assert "stale" in widget.age.text()


def test_a_plate_of_the_real_window_with_its_scene(make_napari_viewer_proxy, tmp_path):
    window = make_napari_viewer_proxy(show=True)
    fill(window)
    window.window.add_plugin_dock_widget("napari-snpore", "Figure")
    widget = next(one for one in window.window.dock_widgets.values() if hasattr(one, "preview"))
    widget.dpi_box.setValue(100)
    before = [(layer.visible, layer.bounding_box.visible) for layer in window.layers]
    widget.preview()
    assert widget.picture.pixmap().width() > 100
    path = widget.save(tmp_path / "plate.png")
    with Image.open(path) as image:
        assert image.width == pytest.approx(180 / 25.4 * 100, abs=1)
        assert len(np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0)) > 100, (
            "the scene is not black"
        )
    recipe = recipe_of(path)
    assert recipe["parts"][0] == "scene"
    assert recipe["boxes"][0]["name"] == "centre"
    assert window.dims.ndisplay == 2
    assert [(layer.visible, layer.bounding_box.visible) for layer in window.layers] == before


def test_the_scene_of_a_canvas_without_height_has_the_size_of_the_canvas(make_napari_viewer_proxy):
    """While one slice fills the window, the widget of napari's own canvas can be without height."""
    window = make_napari_viewer_proxy(show=True)
    fill(window)
    volume = window.layers[0]
    window.dims.ndisplay = 3
    before = take_picture(window, volume)
    canvas = plain_viewer(window).window._qt_viewer.canvas.native
    canvas.parentWidget().setVisible(False)
    canvas.resize(canvas.width() + 50, 0)
    hidden = take_picture(window, volume)
    assert hidden.nm_per_pixel == before.nm_per_pixel
    np.testing.assert_array_equal(hidden.rgb, before.rgb)
