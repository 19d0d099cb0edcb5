"""Paths into a real window: dropped with the mouse's event, several at once, and such that nobody
can read.
"""

from __future__ import annotations

import napari
import numpy as np
import pytest
import tifffile
from napari.qt import QtViewer
from qtpy.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QMainWindow

from napari_snpore.files import write_volume
from napari_snpore.viewer.open.missing_scale import MissingScale
from napari_snpore.viewer.open.recognize import are_read_here
from napari_snpore.viewer.shared.docking import ancestor
from napari_snpore.viewer.shared.events import calling_viewer
from napari_snpore.volume import Volume


@pytest.fixture
def window(make_napari_viewer_proxy):
    return make_napari_viewer_proxy(show=True)


@pytest.fixture
def workbench(window):
    _, widget = window.window.add_plugin_dock_widget("napari-snpore", "Workbench")
    QTest.qWait(50)
    return widget


def drop(widget, paths):
    """Let go of files over the picture of the window that a widget of ours stands in."""
    picture = ancestor(widget, QMainWindow).centralWidget().findChild(QtViewer)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    how = (
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(
        picture, QDragEnterEvent(QPoint(40, 40), *how)
    )  # without it Qt lets nothing be dropped
    QApplication.sendEvent(picture, QDropEvent(QPointF(40, 40), *how, QEvent.Type.Drop))


def frames(folder, names, size_nm=None):
    """Write one image a file."""
    for k, name in enumerate(names):
        meta = (
            {}
            if size_nm is None
            else {"imagej": True, "resolution": (1 / size_nm,) * 2, "metadata": {"unit": "nm"}}
        )
        tifffile.imwrite(folder / name, np.full((12, 16), k, np.uint8), **meta)
    return [folder / name for name in names]


def test_a_scaled_tiff_and_an_ome_zarr_are_dropped_without_a_question(
    window, workbench, qtbot, tmp_path
):
    volume = Volume(np.zeros((4, 5, 6), np.float32), 0.5)
    paths = [
        write_volume(tmp_path / "tip.tif", volume),
        write_volume(tmp_path / "foot.ome.zarr", volume),
    ]
    drop(workbench, paths)
    qtbot.waitUntil(lambda: len(window.layers) == 2, timeout=10_000)
    assert [layer.name for layer in window.layers] == ["tip", "foot"]
    assert all(layer.scale == pytest.approx((0.5,) * 3) for layer in window.layers)


def test_a_tiff_without_a_voxel_size_opens_the_question(window, workbench, qtbot, tmp_path):
    tifffile.imwrite(
        tmp_path / "plain.tif", np.zeros((7, 8, 9), np.uint8), photometric="minisblack"
    )
    drop(workbench, [tmp_path / "plain.tif"])
    qtbot.waitUntil(
        lambda: any(isinstance(w, MissingScale) for w in window.window.dock_widgets.values()),
        timeout=10_000,
    )
    question = next(w for w in window.window.dock_widgets.values() if isinstance(w, MissingScale))
    question.voxel_size.setValue(2.0)
    question.main_button.click()
    qtbot.waitUntil(lambda: len(window.layers) == 1, timeout=10_000)
    assert window.layers[0].scale == pytest.approx((2.0,) * 3)
    qtbot.waitUntil(
        lambda: not any(isinstance(w, MissingScale) for w in window.window.dock_widgets.values())
    )


def test_several_images_dropped_together_are_one_series(window, workbench, qtbot, tmp_path):
    drop(workbench, frames(tmp_path, ["b2.tif", "b10.tif", "b1.tif"], 0.5))
    qtbot.waitUntil(
        lambda: any(isinstance(w, MissingScale) for w in window.window.dock_widgets.values()),
        timeout=10_000,
    )
    question = next(w for w in window.window.dock_widgets.values() if isinstance(w, MissingScale))
    assert question.kind_box.currentText() == "tilt series"
    question.first.setValue(-10)
    question.step.setValue(10)
    question.main_button.click()
    qtbot.waitUntil(lambda: len(window.layers) == 1, timeout=10_000)
    assert window.layers[0].metadata["napari_snpore"]["angles_deg"] == [-10, 0, 10]


def test_what_nobody_can_read_is_one_sentence_each(window, workbench, tmp_path):
    (tmp_path / "half.mrc").write_bytes(b"no volume")
    (tmp_path / "notes.qqq").write_text("nothing")
    (tmp_path / "cut.tif").write_bytes(b"II*\0" + b"\xff" * 20)
    said = []
    workbench.status.refuse, before = (
        (lambda error: said.append(str(error))),
        workbench.status.refuse,
    )
    workbench.open_files(
        [str(tmp_path / name) for name in ("half.mrc", "notes.qqq", "cut.tif", "gone.tif")]
    )
    workbench.status.refuse = before
    assert [
        next(n for n in ("half.mrc", "notes.qqq", "cut.tif", "gone.tif") if n in words)
        for words in sorted(said)
    ]
    assert len(said) == 4
    assert all("\n" not in words for words in said)
    assert not window.layers


def test_a_picture_goes_to_napari(window, workbench, tmp_path):
    tifffile.imwrite(tmp_path / "photo.tif", np.zeros((6, 7, 3), np.uint8), photometric="rgb")
    workbench.open_files([str(tmp_path / "photo.tif")])
    assert window.layers["photo"].data.shape == (6, 7, 3)
    assert "napari_snpore" not in window.layers["photo"].metadata


def test_single_tiff_images_are_read_here_only_where_they_are_enough_for_a_series(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.mkdir()
    b.mkdir()
    images = frames(a, ["1.tif", "2.tif", "3.tif"])
    other = frames(b, ["1.tif", "2.tif"])
    assert are_read_here([*images, *other]) == [True, True, True, False, False]
    assert are_read_here([a, b]) == [True, False]


def test_the_question_opens_in_the_window_that_opens_the_file(make_napari_viewer, qtbot, tmp_path):
    """napari's current viewer is the window that was made last."""
    tifffile.imwrite(
        tmp_path / "plain.tif", np.zeros((8, 16, 16), np.uint16), photometric="minisblack"
    )
    first, last = make_napari_viewer(), make_napari_viewer()
    assert napari.current_viewer() is last
    first.open(str(tmp_path / "plain.tif"), plugin="napari-snpore")
    assert "What is it?" in first.window.dock_widgets
    assert "What is it?" not in last.window.dock_widgets
    assert calling_viewer() is last, "outside of an opening, the current one"
