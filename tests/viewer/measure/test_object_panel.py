"""One thing coloured at a time, filter, table, and objects found by a click."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt

from napari_snpore.errors import InputError
from napari_snpore.viewer.measure.object_table import ObjectTable
from napari_snpore.viewer.measure.picking import object_at, voxel_of
from napari_snpore.viewer.measure.widget import MeasureWidget
from napari_snpore.viewer.shared.layer_colors import CHOSEN_COLOR
from napari_snpore.viewer.shared.layers import add_layer, phases_data, volume_data
from napari_snpore.volume import Volume


@pytest.fixture
def widget(qtbot, viewer, drawn_phases):
    gray = Volume(drawn_phases.data.astype(np.float32), drawn_phases.spacing, drawn_phases.origin)
    add_layer(viewer, volume_data(gray, "fibre"))
    add_layer(viewer, phases_data(drawn_phases, "fibre · phases"))
    made = MeasureWidget(viewer)
    qtbot.addWidget(made)
    made.phase = "Sn"
    made.measure()
    return made


def visible(viewer):
    return [layer.name for layer in viewer.layers if layer.visible]


def entries(box):
    return [box.itemText(k) for k in range(box.count())]


def show(widget, words):
    box = widget.objects.show_box
    box.setCurrentText(words)
    box.activated.emit(box.currentIndex())


def test_after_measure_the_objects_alone_colour_the_grey_volume(widget, viewer):
    assert visible(viewer) == ["fibre", "fibre · Sn objects"]
    assert widget.objects.show_box.currentText() == "Sn objects"


def test_one_thing_at_a_time_and_back(widget, viewer):
    widget.phase = "pore"
    widget.measure()
    assert visible(viewer) == ["fibre", "fibre · pore objects"]
    assert entries(widget.objects.show_box) == [
        "Sn objects",
        "pore objects",
        "phases",
        "grey values alone",
        "as it was",
    ]
    show(widget, "phases")
    assert visible(viewer) == ["fibre", "fibre · phases"]
    show(widget, "grey values alone")
    assert visible(viewer) == ["fibre"]
    show(widget, "as it was")
    assert visible(viewer) == ["fibre", "fibre · phases"], "as before the first Measure"


def test_objects_that_are_shown_again_bring_their_table(widget):
    widget.phase = "pore"
    widget.measure()
    assert len(widget.table) == 1
    show(widget, "Sn objects")
    assert len(widget.table) == 3
    widget.objects.open_table()
    assert widget.objects.table_view.model.rowCount() == 3


def test_a_filter_hides_counts_and_writes(widget, viewer, tmp_path):
    layer = viewer.layers["fibre · Sn objects"]
    widget.objects.open_table()
    widget.objects.filter_row.set_text("voxels > 1")
    assert widget.objects.filter_row.count.text() == "2 of 3 objects shown"
    single = int(widget.table.loc[widget.table["voxel_count"] == 1, "label"].iloc[0])
    colors = layer.colormap.map(np.arange(4))
    assert colors[single, 3] == 0
    assert (np.delete(colors[1:], single - 1, axis=0)[:, 3] == 1).all()
    assert widget.objects.table_view.model.rowCount() == 2
    rows = pd.read_csv(widget.objects.save_rows(tmp_path / "rows.csv"))
    assert rows["voxel_count"].tolist() == [8, 8]
    assert rows["filter"].tolist() == ["voxel_count > 1"] * 2
    widget.objects.filter_row.text.clear()
    assert widget.objects.kept.all()
    assert widget.objects.table_view.model.rowCount() == 3


def test_a_condition_that_cannot_be_read_changes_nothing(widget):
    widget.objects.filter_row.set_text("voxels > 1")
    widget.objects.filter_row.set_text("voxles > 1")
    assert "no column" in widget.objects.filter_row.count.text()
    assert widget.objects.kept.sum() == 2


def test_an_object_stands_out_and_the_sliders_go_to_it(widget, viewer):
    widget.objects.open_table()
    bar = int(widget.table["length_nm"].idxmax()) + 1
    row = widget.objects.table_view.model.row_of(bar)
    widget.objects.table_view.view.clicked.emit(widget.objects.table_view.model.index(row, 0))
    layer = viewer.layers["fibre · Sn objects"]
    assert layer.colormap.map(np.array([bar]))[0] == pytest.approx(CHOSEN_COLOR, abs=0.01)
    assert viewer.dims.point[0] == pytest.approx(1.0 + 2 * 0.5), "plane 2 of the drawing"
    assert layer.selected_label == bar
    assert f"Object {bar}: length" in widget.objects.about.text()


class Event:
    def __init__(self, position, direction=None, displayed=(1, 2)):
        self.position, self.view_direction, self.dims_displayed = position, direction, displayed


def test_the_object_under_the_mouse(widget, viewer):
    layer = viewer.layers["fibre · Sn objects"]
    kept = widget.objects.kept
    place = layer.data_to_world((2, 2, 5))
    label = object_at(layer, Event(place), kept)
    assert widget.table.iloc[label - 1]["voxel_count"] == 8
    assert object_at(layer, Event(layer.data_to_world((3, 3, 3))), kept) == 0
    widget.objects._on_clicked(Event(place))
    assert widget.objects.chosen_object == label
    hidden = kept.copy()
    hidden[label - 1] = False
    assert object_at(layer, Event(place), hidden) == 0


def test_in_3d_the_first_object_that_is_not_hidden_is_found(qtbot, viewer):
    labels = np.full((9, 9, 9), 2, np.uint8)
    labels[2, 4, 4] = labels[6, 4, 4] = 3
    add_layer(viewer, phases_data(Volume(labels, 1.0), "two · phases"))
    made = MeasureWidget(viewer)
    qtbot.addWidget(made)
    made.measure()
    layer = viewer.layers["two · Sn objects"]
    viewer.dims.ndisplay = 3
    ray = Event((0.0, 4.0, 4.0), np.array([1.0, 0.0, 0.0]), (0, 1, 2))
    assert object_at(layer, ray, np.array([True, True])) == 1
    assert object_at(layer, ray, np.array([False, True])) == 2


def test_the_voxel_of_an_object_is_one_of_its_own(widget, viewer):
    layer = viewer.layers["fibre · Sn objects"]
    for label in widget.table["label"]:
        voxel = voxel_of(layer, widget.table.iloc[label - 1], int(label))
        assert np.asarray(layer.data)[voxel] == label


def test_the_list_of_colours_has_words(widget):
    words = entries(widget.color_box)
    assert words[:4] == [
        "each its own",
        "length, nm",
        "width, nm",
        "aspect ratio",
    ]
    assert not [one for one in words if "_" in one]


def test_rows_are_sorted_with_unknown_values_last(qtbot):
    table = ObjectTable()
    qtbot.addWidget(table)
    rows = pd.DataFrame({"label": [1, 2, 3], "length_nm": [2.0, np.nan, 30.0]})
    table.show_table(rows, np.ones(3, bool))
    for order, labels in (
        (Qt.SortOrder.DescendingOrder, [3, 1, 2]),
        (Qt.SortOrder.AscendingOrder, [1, 3, 2]),
    ):
        table.view.sortByColumn(1, order)
        assert [table.model.label_of(row) for row in range(3)] == labels
    assert table.model.data(table.model.index(2, 1)) == ""
    assert table.model.headerData(1, Qt.Orientation.Horizontal) == "length, nm"
    table.show_table(rows, np.array([True, False, True]))
    assert [table.model.label_of(row) for row in range(2)] == [1, 3], "the order is kept"


def test_rows_without_a_measurement_are_refused(qtbot, viewer, tmp_path):
    made = MeasureWidget(viewer)
    qtbot.addWidget(made)
    with pytest.raises(InputError, match="press Measure first"):
        made.objects.save_rows(tmp_path / "rows.csv")


def test_a_saved_filter_holds_once_objects_are_measured_again(widget, viewer, qtbot):
    widget.objects.filter_row.set_text("voxels > 1")
    kept = widget.state()
    assert kept["filter"] == "voxels > 1"
    other = MeasureWidget(viewer)
    qtbot.addWidget(other)
    other.set_state(kept, {layer.name: layer for layer in viewer.layers})
    assert other.objects.filter_row.text.text() == "voxels > 1"
    other.measure()
    assert other.objects.kept.tolist().count(True) == 2
    assert other.objects.filter_row.count.text() == "2 of 3 objects shown"


def test_painting_on_objects_says_once_that_nothing_follows(widget, viewer):
    said = []
    notification_manager.notification_ready.connect(said.append)
    layer = viewer.layers["fibre · Sn objects"]
    layer.paint((4, 4, 6), 1)
    layer.paint((4, 5, 6), 1)
    notification_manager.notification_ready.disconnect(said.append)
    assert len(said) == 1
    assert "change neither phases nor numbers" in said[0].message
