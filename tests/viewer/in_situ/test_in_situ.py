from __future__ import annotations

import math
import re
import threading

import numpy as np
import pandas as pd
import pytest
import tifffile
from napari.layers import Shapes
from qtpy.QtCore import QPoint
from qtpy.QtWidgets import QMainWindow, QWidget
from scipy import ndimage

from napari_snpore.errors import InputError
from napari_snpore.in_situ import ImageSeries
from napari_snpore.viewer.in_situ import result_text as in_situ_words
from napari_snpore.viewer.in_situ.layers import frames_data, rectangles_in
from napari_snpore.viewer.in_situ.widget import InSituWidget
from napari_snpore.viewer.shared.docking import ancestor
from napari_snpore.viewer.shared.layers import KEY, add_layer
from tests.viewer.mouse import drag, settle

PIXEL = 0.9
TIMES = np.arange(0, 501, 50.0)
TRUTH = np.where(TIMES < 400, 64.8 + 15.5 / 400 * TIMES, 80.3 + 0.008 * (TIMES - 400))


def movie(diameters=TRUTH, shape=(48, 120), moves=0.2):
    """Upright fibres of these diameters (nm) that drift to the right by ``moves`` px a frame and
    get 12 % brighter.
    """
    rng = np.random.default_rng(0)
    lumps = ndimage.gaussian_filter(rng.standard_normal(shape), 2)
    frames = []
    for k, diameter in enumerate(diameters):
        x = (np.arange(4 * shape[1]) + 0.5) / 4 - 0.5 - (shape[1] - 1) / 2 - moves * k
        chord = np.sqrt(np.maximum(1 - (2 * x * PIXEL / diameter) ** 2, 0))
        chord = ndimage.gaussian_filter1d(chord, 4.0).reshape(-1, 4).mean(axis=1)
        texture = 1 + 0.05 * ndimage.shift(
            lumps / lumps.std(), (0, moves * k), order=1, mode="nearest"
        )
        frames.append(20 + 100 * (1 + 0.012 * k) * chord * texture + rng.normal(0, 3, shape))
    return np.array(frames, np.float32)


@pytest.fixture(scope="module")
def images():
    return movie()


@pytest.fixture
def widget(qtbot, viewer, images):
    add_layer(viewer, frames_data(ImageSeries(images, PIXEL, TIMES), "movie"))
    made = InSituWidget(viewer)
    qtbot.addWidget(made)
    return made


def rectangle(top, left, bottom, right):
    """Corners in px of the images, as napari draws them."""
    return np.array([[top, left], [top, right], [bottom, right], [bottom, left]], float)


def draw(widget, panel, *boxes):
    panel.draw()
    panel.layer.add_rectangles(list(boxes))
    panel.layer.mode = "pan_zoom"
    return panel.layer


def test_diameters_of_a_planted_fibre_and_their_break(widget):
    table = widget.measure()
    assert table["diameter_nm"].to_numpy() == pytest.approx(TRUTH, rel=0.01)
    assert table["time_s"].tolist() == TIMES.tolist()
    assert widget.break_point.better_than_line
    assert widget.break_point.time_s == pytest.approx(400, abs=25)
    words = widget.result.text()
    assert "diameter <b>64." in words
    assert "→ <b>81." in words
    assert "(500 s)" in words
    assert "change <b>+25." in words
    assert "break at" in words
    x, (y,) = widget.plot.values
    assert x.tolist() == TIMES.tolist()
    assert y == pytest.approx(table["diameter_nm"].to_numpy())
    assert widget.table is table


def test_outline_lies_on_the_edges_in_every_frame(widget, viewer, images):
    widget.measure()
    layer = viewer.layers["movie · fibre outline"]
    assert isinstance(layer, Shapes)
    assert len(layer.data) == len(TIMES)
    assert layer.scale == pytest.approx([PIXEL] * 3)
    for frame in (0, 10):
        corners = layer.data[frame]
        assert set(corners[:, 0]) == {frame}
        middle = (images.shape[2] - 1) / 2 + 0.2 * frame
        edges = sorted(corners[:, 2])
        half = TRUTH[frame] / PIXEL / 2
        assert np.mean(edges[:2]) == pytest.approx(middle - half, abs=0.5)
        assert np.mean(edges[2:]) == pytest.approx(middle + half, abs=0.5)
        assert (corners[:, 1].min(), corners[:, 1].max()) == pytest.approx((-0.5, 47.5), abs=0.01)
    assert layer.features["diameter_nm"].tolist() == widget.table["diameter_nm"].tolist()
    assert viewer.layers.selection.active is viewer.layers["movie"]
    widget.measure()
    assert [one.name for one in viewer.layers].count("movie · fibre outline") == 1


def test_the_change_of_the_cross_section_has_its_error(widget):
    """By the spread of (r ± e)², r the ratio of both diameters and e its error; loosely, for the
    words have one digit.
    """
    table = widget.measure()
    first, last = (table.iloc[k] for k in (0, -1))
    ratio = last["diameter_nm"] / first["diameter_nm"]
    share = math.hypot(*(row["diameter_error_nm"] / row["diameter_nm"] for row in (first, last)))
    low, high = ((ratio * (1 + sign * share)) ** 2 for sign in (-1, 1))
    said = re.search(r"cross-section \+([\d.]+) ± ([\d.]+) %", widget.result.text())
    assert float(said[1]) == pytest.approx(100 * (ratio**2 - 1), abs=0.1)
    assert float(said[2]) == pytest.approx(50 * (high - low), rel=0.4)


def test_seconds_a_frame_make_times_where_the_layer_has_none(qtbot, viewer, images):
    add_layer(viewer, frames_data(ImageSeries(images[:4], PIXEL), "bare"))
    made = InSituWidget(viewer)
    qtbot.addWidget(made)
    assert made.seconds.isEnabled()
    assert made.measure()["time_s"].isna().all()
    assert "frame 3" in made.result.text()
    made.seconds.setValue(2.5)
    assert made.measure()["time_s"].tolist() == [0, 2.5, 5, 7.5]
    assert "too few frames" in made.result.text()
    assert made.break_point is None


def test_times_of_the_file_are_not_asked_for(widget):
    assert not widget.seconds.isEnabled()
    assert widget.seconds.value() == 50


def test_a_drawn_rectangle_is_the_region(qtbot, viewer):
    both = np.concatenate([movie([30] * 2, (48, 80), 0), movie([44] * 2, (48, 80), 0)], axis=2)
    layer = add_layer(
        viewer,
        frames_data(
            ImageSeries(both, PIXEL),
            "pair",
        ),
    )
    layer.translate = (0, 10, 20)
    made = InSituWidget(viewer)
    qtbot.addWidget(made)
    drawn = draw(made, made.region, rectangle(2, 84, 45, 156))
    assert drawn.name == "fibre region"
    assert made.measure()["diameter_nm"].to_numpy() == pytest.approx([44] * 2, rel=0.01)
    corners = viewer.layers["pair · fibre outline"].data[0]
    assert corners[:, 1].min() == pytest.approx(2, abs=0.1)
    (found,) = rectangles_in(drawn, layer, PIXEL)
    assert found.center_nm == pytest.approx((23.5 * PIXEL, 120 * PIXEL))
    made.region.layer = None
    drawn.data = [rectangle(2, 4, 45, 76)]
    made.region.layer = drawn
    assert made.measure()["diameter_nm"].to_numpy() == pytest.approx([30] * 2, rel=0.01)
    drawn.data = [rectangle(2, 84, 45, 300)]
    with pytest.raises(InputError, match="reaches beyond the image"):
        made.measure()
    drawn.data = []
    with pytest.raises(InputError, match="holds no rectangle yet"):
        made.measure()
    drawn.add_ellipses(rectangle(2, 4, 45, 76))
    with pytest.raises(InputError, match="holds an ellipse"):
        made.measure()


def test_settings_reach_the_measurement(widget):
    widget.settings.average.setValue(4)
    widget.settings.half_height.setChecked(True)
    widget.settings.fixed.setChecked(True)
    widget.settings.angle.setValue(0.5)
    table = widget.measure()
    assert table["frames_averaged"].tolist() == [4, 4, 3]
    assert table["angle_deg"].tolist() == [0.5] * 3
    assert (table["half_height_width_nm"] / table["diameter_nm"]).to_numpy() == pytest.approx(
        [0.866] * 3, abs=0.02
    )
    assert len(widget._viewer.layers["movie · fibre outline"].data) == len(TIMES), (
        "one outline a frame, averaged or not"
    )


def test_intensity_in_boxes_that_follow_the_fibre(widget, viewer):
    draw(widget, widget.boxes.drawn, rectangle(10, 45, 40, 65), rectangle(5, 2, 42, 12))
    widget.boxes.vacuum.setCurrentIndex(2)
    table = widget.measure_intensities()
    assert table["box"].unique().tolist() == ["1"]
    assert table["intensity_percent"].iloc[-1] == pytest.approx(112, abs=2)
    assert table["vacuum"].mean() == pytest.approx(20, abs=0.5)
    assert "box 1: <b>+1" in widget.boxes.result.text()
    outline = viewer.layers["movie · boxes"]
    assert len(outline.data) == len(TIMES)
    moved = outline.data[-1][:, 2].mean() - outline.data[0][:, 2].mean()
    assert moved == pytest.approx(
        table["drift_x_nm"].iloc[-1] / PIXEL, abs=1e-4
    )  # napari keeps corners as float32
    widget.boxes.vacuum.setCurrentIndex(0)
    widget.measure_intensities()
    assert "No vacuum is subtracted" in widget.boxes.result.text()


def test_error_of_a_change_holds_that_of_both_frames():
    rows = [
        {
            "box": "1",
            "frame": k,
            "intensity": 1.0,
            "intensity_percent": percent,
            "intensity_percent_error": error,
        }
        | {"pixel_count": 9.0, "vacuum": 1.0, "reason": ""}
        for k, percent, error in ((0, 100.0, 0.2), (1, 200.0, 0.3))
    ]
    # twice as bright, and the first frame's 0.2 % count twice: hypot(0.3, 2 · 0.2) = 0.5
    (line,) = in_situ_words.intensity_lines(pd.DataFrame(rows))
    assert "+100.0 ± 0.5 %" in line


def test_boxes_carry_their_number_and_the_vacuum_is_grey(widget, viewer):
    drawn = draw(widget, widget.boxes.drawn, rectangle(5, 2, 42, 12), rectangle(10, 45, 40, 65))
    widget.boxes.vacuum.setCurrentText("1")
    assert drawn.text.values.tolist() == ["1", "2"]
    gray, green = drawn.edge_color[:, :3]
    assert np.ptp(gray) < 0.1
    assert green.argmax() == 1
    widget.measure_intensities()
    follows = viewer.layers["movie · boxes"]
    assert set(follows.text.values) == {"2"}
    np.testing.assert_allclose(follows.edge_color[0, :3], green)
    drawn.add_rectangles([rectangle(20, 50, 30, 60)])
    drawn.selected_data = {0}
    drawn.remove_selected()
    assert drawn.text.values.tolist() == ["1", "2"], "numbered as they are measured"


def test_images_that_are_removed_meanwhile(widget, viewer, qtbot):
    draw(widget, widget.boxes.drawn, rectangle(10, 45, 40, 65))
    images = viewer.layers["movie"]
    for start in (widget.main_button, widget.boxes.button):
        start.click()
        viewer.layers.remove(images)
        widget.status.wait()
        assert "'movie' was removed meanwhile; nothing was measured" in widget.status.message.text()
        viewer.layers.insert(0, images)
        widget.layer = images
    assert widget.table is None
    assert widget.intensities is None
    assert [layer.name for layer in viewer.layers] == ["movie", "intensity boxes"]


def test_images_that_are_renamed_meanwhile(widget, viewer):
    widget.main_button.click()
    viewer.layers["movie"].name = "swelling"
    widget.status.wait()
    assert "swelling · fibre outline" in viewer.layers
    assert widget.status.message.text().startswith("Made 'swelling · fibre outline'")


def test_boxes_have_to_be_drawn_first(widget):
    with pytest.raises(InputError, match="press Draw"):
        widget.measure_intensities()
    draw(widget, widget.boxes.drawn, rectangle(5, 2, 42, 12))
    widget.boxes.vacuum.setCurrentIndex(1)
    with pytest.raises(InputError, match="only box is the vacuum"):
        widget.measure_intensities()


def test_slider_and_plot_go_together(widget, viewer):
    widget.measure()
    viewer.dims.set_point(0, 4 * PIXEL)
    assert widget.plot._now == 200
    widget.plot.asked.emit(310.0)
    assert viewer.dims.current_step[0] == 6
    assert widget.plot._now == 300


def test_tables_and_figures_are_written(widget, tmp_path):
    with pytest.raises(InputError, match="no table yet"):
        widget.save_csv(tmp_path / "a.csv")
    with pytest.raises(InputError, match="nothing to draw"):
        widget.save_figure(tmp_path / "a.svg")
    widget.measure()
    draw(widget, widget.boxes.drawn, rectangle(10, 45, 40, 65))
    widget.measure_intensities()
    written = widget.save_csv(tmp_path / "a.csv")
    assert [path.name for path in written] == ["a.csv", "a_profile.csv", "a_intensity.csv"]
    assert pd.read_csv(written[0])["diameter_nm"].to_numpy() == pytest.approx(
        widget.table["diameter_nm"].to_numpy()
    )
    assert [path.name for path in widget.save_figure(tmp_path / "a.svg")] == [
        "a.svg",
        "a_profile.svg",
        "a_intensity.svg",
    ]
    with pytest.raises(InputError, match="png, svg, pdf"):
        widget.save_figure(tmp_path / "a.jpg")


def test_a_file_is_opened_with_its_pixel_size_and_times(qtbot, viewer, tmp_path, images):
    made = InSituWidget(viewer)
    qtbot.addWidget(made)
    assert not made.main_button.isEnabled()
    with pytest.raises(InputError, match="Open a stack"):
        made.measure()
    size = {"unit": "nm", "axes": "TYX", "finterval": 50.0}
    tifffile.imwrite(
        tmp_path / "swelling.tif",
        images,
        imagej=True,
        resolution=(1 / PIXEL, 1 / PIXEL),
        metadata=size,
    )
    layer = made.open(tmp_path / "swelling.tif")
    assert layer.name == "swelling"
    assert layer.metadata[KEY]["times_s"] == TIMES.tolist()
    assert layer.scale == pytest.approx([PIXEL] * 3)
    assert made.measure()["fitted"].all()
    tifffile.imwrite(tmp_path / "bare.tif", images)
    with pytest.raises(InputError, match="holds no pixel size"):
        made.open(tmp_path / "bare.tif")
    made.settings.pixel.setValue(0.5)
    assert made.open(tmp_path / "bare.tif").scale == pytest.approx([0.5] * 3)


NM = {"units": ("nm",) * 3, "scale": (PIXEL,) * 3}


@pytest.mark.parametrize(
    ("data", "options", "words"),
    [
        (np.zeros((40, 40)), {"units": ("nm",) * 2}, "is one image"),
        (np.zeros((4, 40, 40, 3), np.uint8), {"rgb": True}, "in colour"),
        (np.zeros((4, 40, 40)), {}, "has no pixel size"),
        (np.zeros((4, 40, 40)), {"units": ("nm",) * 3, "scale": (1, 1, 2)}, "square ones"),
        (np.zeros((4, 40, 40)), NM, "No fibre was found in any frame: all grey values are equal"),
        (np.full((4, 40, 40), np.nan), {**NM, "contrast_limits": (0, 1)}, "NaN or infinite"),
        (np.random.default_rng(0).normal(0, 1, (4, 40, 40)), NM, "No fibre was found"),
        (np.zeros((2, 4, 40, 40)), {}, "has shape"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(qtbot, viewer, data, options, words):
    viewer.add_image(data, name="bad", **options)
    made = InSituWidget(viewer)
    qtbot.addWidget(made)
    with pytest.raises(InputError, match=words):
        made.measure()
    assert made.table is None


def test_images_that_changed_make_the_numbers_stale(widget, viewer, images):
    widget.measure()
    viewer.layers["movie"].data = images[:5]
    assert "stale" in widget.result.text()


def test_numbers_of_other_settings_are_marked_stale(widget):
    widget.measure()
    fresh = widget.result.text()
    average = widget.settings.average.value()
    widget.settings.average.setValue(average + 1)
    assert "stale" in widget.result.text()
    widget.settings.average.setValue(average)
    assert widget.result.text() == fresh


def test_the_gui_thread_never_computes_and_a_cancel_keeps_nothing(widget, qtbot, monkeypatch):
    seen = []
    whole = in_situ_words.fibre_diameter

    def measured(*args, **options):
        seen.append(threading.get_ident())
        return whole(*args, **options)

    monkeypatch.setattr(in_situ_words, "fibre_diameter", measured)
    widget.measure()
    assert seen
    assert threading.get_ident() not in seen
    before = widget.table
    widget.main_button.click()
    widget.status.cancel()
    widget.status.wait()
    assert widget.table is before
    assert "cancelled" in widget.status.message.text()


def test_a_box_drawn_with_the_mouse_is_numbered_and_a_closed_dock_stops(
    make_napari_viewer_proxy, qtbot, images
):
    viewer = make_napari_viewer_proxy(show=True)
    add_layer(viewer, frames_data(ImageSeries(images, PIXEL, TIMES), "movie"))
    dock, widget = viewer.window.add_plugin_dock_widget("napari-snpore", "In situ")
    widget.boxes.drawn.draw()
    settle()
    inside = ancestor(widget, QMainWindow).centralWidget().findChildren(QWidget)
    canvas = next(
        one for one in inside if type(one).__name__ == "CanvasBackendDesktop"
    )  # vispy's, made when it starts
    for share in (0.4, 0.6):
        place = QPoint(int(share * canvas.width()), int(0.5 * canvas.height()))
        drag(qtbot, canvas, place, place + QPoint(20, 30))
    assert widget.boxes.drawn.layer.text.values.tolist() == ["1", "2"]
    assert widget.boxes.vacuum.count() == 3
    widget.main_button.click()
    viewer.window.remove_dock_widget(dock)
    qtbot.wait(300)
    assert [layer.name for layer in viewer.layers] == ["movie", "intensity boxes"]
