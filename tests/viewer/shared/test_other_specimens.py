"""Which labels give way when those of another specimen are shown: what lies on top of them, and
nothing else.
"""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore.viewer.measure.widget import MeasureWidget
from napari_snpore.viewer.shared.layers import add_layer, phases_data, volume_data
from napari_snpore.viewer.shared.other_specimens import hide_other_specimens
from napari_snpore.viewer.threshold.widget import ThresholdWidget
from napari_snpore.volume import Volume


def add_phases(viewer, name, *, shape=(10, 10, 10), origin=(0.0, 0.0, 0.0)):
    labels = np.ones(shape, np.uint8)
    labels[0] = 3
    return add_layer(viewer, phases_data(Volume(labels, 0.5, origin), name))


@pytest.mark.parametrize(
    ("name", "shape", "origin", "gives_way"),
    [
        ("sodiated · phases", (10, 10, 10), (0, 0, 0), True),
        ("sodiated · phases", (10, 12, 9), (0, 0, 0.5), True),  # not cut to the same size
        ("sodiated · phases", (10, 10, 10), (0, 0, 5), False),  # set beside it
        ("centre box · phases", (5, 5, 5), (1, 1, 1), False),  # cut from it
        ("pristine · SIRT 50 · phases", (10, 10, 10), (0, 0, 0), False),  # the same specimen
    ],
)
def test_labels_of_another_specimen_in_the_same_place_give_way(
    viewer, name, shape, origin, gives_way
):
    other = add_phases(viewer, name, shape=shape, origin=origin)
    shown = add_phases(viewer, "pristine · phases")
    words = hide_other_specimens(viewer, shown)
    assert other.visible is not gives_way
    assert words == (" Hid the phases of sodiated." if gives_way else "")
    assert shown.visible


def test_grey_volumes_and_foreign_labels_stay(viewer):
    gray = add_layer(viewer, volume_data(Volume(np.zeros((10, 10, 10), np.uint8), 0.5), "sodiated"))
    foreign = viewer.add_labels(np.ones((10, 10, 10), np.uint8), name="by hand", scale=(0.5,) * 3)
    assert hide_other_specimens(viewer, add_phases(viewer, "pristine · phases")) == ""
    assert gray.visible
    assert foreign.visible


def test_apply_and_envelope_and_measure_show_one_specimen(viewer, qtbot):
    z, _, x = np.indices((30, 12, 30)) - 14.5
    rod = np.where(np.hypot(z, x) < 9, 100, 10).astype(np.uint8)
    rod[14:16, 4:8, 14:16] = 220
    for name in ("pristine", "sodiated", "desodiated"):
        add_layer(viewer, volume_data(Volume(rod, 0.5), name))
    widget = ThresholdWidget(viewer)
    qtbot.addWidget(widget)
    for name in ("sodiated", "desodiated"):
        widget.layer = viewer.layers[name]
        widget.thresholds = (50, 150)
        widget.counting.wait()
        widget.apply()
    assert [
        name for name in ("sodiated", "desodiated") if viewer.layers[f"{name} · phases"].visible
    ] == ["desodiated"]
    widget.layer = viewer.layers["pristine"]
    widget.thresholds = (50, 150)
    widget.counting.wait()
    assert not viewer.layers["desodiated · phases"].visible, (
        "it would cover the preview of the pristine fibre"
    )
    assert widget.status.message.text() == "Hid the phases of desodiated."
    assert widget.tools.preview.isChecked()
    viewer.layers["desodiated · phases"].visible = viewer.layers["sodiated · phases"].visible = True
    widget.apply()
    assert "Hid the phases of sodiated, desodiated." in widget.status.message.text()
    widget.envelope.make_button.click()
    widget.status.wait()
    widget.layer = viewer.layers["sodiated"]
    widget.envelope.make_button.click()
    widget.status.wait()
    assert not viewer.layers["pristine · envelope"].visible
    assert viewer.layers["sodiated · envelope"].visible
    assert "the envelope of pristine" in widget.status.message.text()
    measure = MeasureWidget(viewer)
    qtbot.addWidget(measure)
    measure.layer = viewer.layers["sodiated · phases"]
    measure.measure()
    viewer.layers["pristine · phases"].visible = True
    measure.layer = viewer.layers["pristine · phases"]
    measure.measure()
    assert not viewer.layers["sodiated · envelope"].visible  # one thing is shown at a time
    assert "Hid the objects of sodiated" in measure.status.message.text()
    assert viewer.layers["pristine · Sn objects"].visible
    assert not viewer.layers["sodiated · Sn objects"].visible
