"""The table of the boxes: one row a box and state, against fractions counted by hand; and what it
shows where there is none.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import QSize
from qtpy.QtGui import QColor, QIcon

from napari_snpore.figures.intervals import FractionInterval
from napari_snpore.segmentation.phases import PhaseScheme
from napari_snpore.subvolume import NamedBox
from napari_snpore.viewer.boxes.fractions import (
    box_fractions,
    fraction_row,
    with_error_columns,
)
from napari_snpore.viewer.boxes.widget import SubvolumeWidget
from napari_snpore.viewer.shared.boxes import COLORS, color_of
from napari_snpore.viewer.shared.layers import add_layer, phases_data, volume_data
from napari_snpore.viewer.shared.units import UNIT
from napari_snpore.viewer.slices.planes import PLANES
from napari_snpore.volume import Volume
from tests.viewer.mouse import settle

SPACING = 0.5
BOX = {"center_nm": (2.0, 2.0, 2.0), "size_nm": 2.0}


def quarters(pore):
    """Phases of which ``pore`` quarters along z are pore in every box of whole quarters, the rest
    Sn.
    """
    labels = np.full((16, 16, 16), 3, np.uint8)
    for start in range(pore):
        labels[start::4] = 1
    return Volume(labels, SPACING)


def add_phases(viewer, name, labels, scheme=None):
    options = () if scheme is None else (scheme,)
    return add_layer(viewer, phases_data(labels, name, *options))


def add_labels(viewer, labels, name):
    return viewer.add_labels(labels, name=name, scale=(SPACING,) * 3, units=(UNIT,) * 3)


def shown(widget):
    """Return the words of the table, counted to the end."""
    widget.counting.result()
    table = widget.table
    return [
        [table.item(row, column).text() for column in range(table.columnCount())]
        for row in range(table.rowCount())
    ]


@pytest.fixture
def widget(viewer, qtbot):
    add_phases(viewer, "pristine · phases", quarters(1))
    made = SubvolumeWidget(viewer)
    qtbot.addWidget(made)
    made.put("b", **BOX)
    return made


def test_heads_and_shares_are_those_of_the_layer_that_is_chosen(viewer, widget):
    assert shown(widget) == [["b", "2³", "25.0", "0.0", "75.0"]]
    two = Volume(np.where(quarters(1).data == 1, 1, 2).astype(np.uint8), SPACING)
    other = add_phases(viewer, "other", two, PhaseScheme(("NMC", "binder"), ("#ff0000", "#00ff00")))
    widget.cut_list.tick(viewer.layers["pristine · phases"], False)
    widget.layer = other
    assert shown(widget) == [["b", "2³", "25.0", "75.0"]]
    assert widget.table.heads[2:] == ["NMC %", "binder %"]


def test_the_same_boxes_are_counted_in_every_state_that_is_ticked(viewer, widget):
    charged = add_phases(viewer, "charged · phases", quarters(2))
    add_phases(viewer, "discharged · phases", quarters(3))
    widget.layer = viewer.layers["pristine · phases"]
    assert [[row[1], row[3]] for row in shown(widget)] == [
        ["pristine · phases", "25.0"],
        ["charged · phases", "50.0"],
        ["discharged · phases", "75.0"],
    ]
    widget.cut_list.tick(charged, False)
    assert [row[1] for row in shown(widget)] == ["pristine · phases", "discharged · phases"]
    pore = widget.fractions[widget.fractions["name"] == "pore"].set_index("layer")[
        "fraction_percent"
    ]
    assert pore.to_dict() == pytest.approx({"pristine · phases": 25.0, "discharged · phases": 75.0})
    assert (
        widget.table.item(0, 3).toolTip()
        == "pore: 16 of 64 voxels in the envelope; no error estimated."
    )


def test_picking_a_row_of_any_state_picks_its_box(viewer, widget):
    add_phases(viewer, "charged · phases", quarters(2))
    widget.put("second", **BOX)
    assert widget.boxes.selected == 1
    widget.table.selectRow(1)
    assert widget.boxes.selected == 0
    widget.table.selectRow(3)
    assert widget.boxes.selected == 1
    assert widget.table.currentRow() == 3, "the row that was picked stays picked"


def test_where_there_is_no_number_none_is_shown(viewer, widget):
    shown(widget)
    widget.center_boxes[0].setValue(500.0)
    assert shown(widget)[0][2:] == ["–", "–", "–"]
    assert "leaves the volume" in widget.caveats.text()
    widget.undo()
    assert shown(widget)[0][2:] == ["25.0", "0.0", "75.0"]
    viewer.layers["pristine · phases"].units = ("pixel",) * 3
    assert "25.0" not in str(shown(widget)), "no voxel size, no box in nm"
    assert "voxel size" in widget.caveats.text()
    viewer.layers.remove("pristine · phases")
    assert "25.0" not in str(shown(widget))
    assert widget.fractions is None


def test_a_layer_may_be_renamed_while_the_widget_is_open(viewer, widget):
    viewer.layers["pristine · phases"].name = "fibre · phases"
    assert set(widget.fractions["layer"]) == {"fibre · phases"}
    assert [layer.name for layer in widget.extract("b")] == ["b box · fibre · phases"]


def test_labels_that_are_no_phases_are_refused_in_a_sentence(viewer, widget):
    many = np.arange(16**3).reshape((16,) * 3) % 3001
    add_labels(viewer, many, "grains")
    add_labels(viewer, many.astype(np.int32) % 4 - 1, "signed")
    assert widget.table.columnCount() < 10
    rows = {row[1]: row[3:] for row in shown(widget)}
    assert rows["pristine · phases"] == ["25.0", "0.0", "75.0"]
    assert rows["grains"] == rows["signed"] == ["–", "–", "–"]
    assert (
        "'grains' has labels from 0 to 3000; phases are numbered 1 to 20" in widget.caveats.text()
    )
    assert "'signed' has labels from -1 to 2" in widget.caveats.text()


def test_labels_of_unknown_origin_are_looked_through_again_after_painting(viewer, qtbot):
    layer = add_labels(viewer, np.ones((16,) * 3, np.uint8), "drawn")
    made = SubvolumeWidget(viewer)
    qtbot.addWidget(made)
    made.put("b", **BOX)
    shown(made)
    assert made.table.heads[2:] == ["pore %", "C %", "Sn %"]
    layer.data_setitem(tuple(np.array([[4], [4], [4]])), 5)
    settle(0.05)
    shown(made)
    assert made.table.heads[2:] == [f"phase {k} %" for k in range(1, 6)]


def test_boxes_follow_a_stroke_and_its_undo(widget, viewer):
    """A box of 4 × 4 × 4 voxels, a quarter of them pore: 16; four more are painted."""
    widget.put("b", **BOX)
    layer = viewer.layers["pristine · phases"]

    def pores():
        table = widget.fractions
        return table.loc[table["name"] == "pore", "fraction_percent"].item()

    assert pores() == pytest.approx(25.0)
    layer.data_setitem((np.full(4, 3), np.full(4, 3), np.arange(2, 6)), 1)
    settle(0.2)
    painted = pores()
    assert painted > 25.0
    layer.undo()
    settle(0.2)
    assert pores() == pytest.approx(25.0)


def test_a_share_of_the_box_is_never_rounded_up_to_what_would_be_enough():
    """94.97 % inside (of 10,000 voxels, 503 outside): said as 94 %, not as 95."""
    labels = np.ones((100, 10, 10), np.uint8)
    labels.reshape(-1)[:503] = 0
    table = box_fractions(
        Volume(labels, 1.0), "p", ("pore",), [NamedBox("b", (49.5, 4.5, 4.5), (100, 10, 10))]
    )
    _, note = fraction_row(table, "b", "p", ["pore"])
    assert note.startswith("only 94 % of the box")


def test_csv_holds_what_the_table_shows(viewer, widget, tmp_path):
    add_phases(viewer, "charged · phases", quarters(2))
    table = pd.read_csv(widget.save_csv(tmp_path / "boxes.csv"))
    assert table.set_index(["layer", "name"])["fraction_percent"].to_dict() == pytest.approx(
        {
            ("pristine · phases", "pore"): 25,
            ("pristine · phases", "C"): 0,
            ("pristine · phases", "Sn"): 75,
            ("charged · phases", "pore"): 50,
            ("charged · phases", "C"): 0,
            ("charged · phases", "Sn"): 50,
        }
    )


def test_what_is_ticked_comes_back_with_a_saved_window(viewer, widget, qtbot):
    gray = add_layer(viewer, volume_data(quarters(1), "grey"))
    widget.cut_list.tick(gray, False)
    again = SubvolumeWidget(viewer)
    qtbot.addWidget(again)
    again.set_state(widget.state(), {layer.name: layer for layer in viewer.layers})
    assert [layer.name for layer in again.cut_list.ticked] == ["pristine · phases"]


def test_a_row_has_the_colour_of_its_box_also_when_it_is_picked(widget):
    icon, wanted = widget.table.item(0, 0).icon(), QColor(color_of(0))
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
        middle = icon.pixmap(QSize(12, 12), mode).toImage().pixelColor(6, 6)
        apart = [abs(a - b) for a, b in zip(middle.getRgb(), wanted.getRgb(), strict=True)]
        assert max(apart) <= 8, "a screen of 16 bits rounds"


def test_no_box_has_the_colour_of_a_line_of_the_cross_hair():
    """CIEDE2000 above 20: told apart at a glance, not only side by side."""
    from skimage.color import deltaE_ciede2000, rgb2lab

    def lab(color):
        return rgb2lab(np.array([int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)])[None, None])[
            0, 0
        ]

    apart = [deltaE_ciede2000(lab(box), lab(plane.color)) for box in COLORS for plane in PLANES]
    assert min(apart) > 20


def test_saved_fractions_carry_the_errors_of_their_own_value(drawn_phases):
    boxes = [
        NamedBox("a", (4.0, 3.0, 4.0), (2.0, 1.5, 1.5)),
        NamedBox("far", (500.0, 0, 0), (1, 1, 1)),
    ]
    table = box_fractions(drawn_phases, "p", ["pore", "C", "Sn"], boxes)
    share = float(table.loc[table["name"] == "C", "fraction_percent"].iloc[0])
    known = {"a": {"C": FractionInterval(share, share - 1, share - 2, share + 1)}}
    saved = with_error_columns(table, {"p": known}).set_index(["box", "name"])
    row = saved.loc[("a", "C")]
    assert row["corrected_percent"] == share - 1
    assert (row["low_95_percent"], row["high_95_percent"]) == (share - 2, share + 1)
    assert row["calibrated"] == "no"
    assert np.isnan(saved.loc[("a", "Sn"), "low_95_percent"])
    other = {"a": {"C": FractionInterval(share + 3, share + 2, share, share + 4)}}
    unknown = with_error_columns(table, {"p": other})
    assert unknown["low_95_percent"].isna().all()
    assert list(unknown.columns)[-1] == "note"
