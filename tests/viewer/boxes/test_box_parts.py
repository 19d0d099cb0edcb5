"""What is cut out of layers: which of them, what is said of those that are not, and how the parts
are known as parts.
"""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore.viewer.boxes.widget import SubvolumeWidget
from napari_snpore.viewer.shared.layer_history import is_part
from napari_snpore.viewer.shared.layers import (
    add_layer,
    kind_of,
    objects_data,
    phases_data,
    volume_data,
)
from napari_snpore.viewer.shared.units import UNIT
from napari_snpore.volume import Volume
from tests.viewer.conftest import SPACING


@pytest.fixture
def widget(viewer, drawn_phases, qtbot):
    add_layer(
        viewer,
        volume_data(
            Volume(drawn_phases.data.astype(np.float32), SPACING, (1.0, 2.0, 3.0)), "needle"
        ),
    )
    add_layer(viewer, phases_data(drawn_phases, "needle · phases"))
    made = SubvolumeWidget(viewer)
    qtbot.addWidget(made)
    made.put("mine", center_nm=(3.0, 3.5, 4.5), size_nm=1.0)
    return made


def names(layers):
    return {layer.name for layer in layers}


def test_parts_are_no_sources_of_the_next_box(viewer, widget):
    assert names(widget.extract("mine")) == {"mine box · needle", "mine box · needle · phases"}
    widget.put("second", center_nm=(3.0, 3.5, 4.5), size_nm=0.5)
    assert names(widget.extract("second")) == {
        "second box · needle",
        "second box · needle · phases",
    }
    assert names(widget.cut_list.ticked) == {"needle", "needle · phases"}
    assert widget.layer.name == "needle · phases", (
        "parts do not take the place of the phases that are shown"
    )


def test_what_a_box_leaves_is_named_and_the_others_are_cut(viewer, widget):
    add_layer(
        viewer,
        volume_data(Volume(np.ones((4, 4, 4), np.float32), 0.5, (50.0, 0.0, 0.0)), "elsewhere"),
    )
    viewer.add_image(np.ones((4, 4, 4)), name="without size")
    assert names(widget.extract("mine")) == {"mine box · needle", "mine box · needle · phases"}
    said = widget.status.message.text()
    assert said.startswith("Cut 'mine' out of 2 layers, 2 × 4 × 4 voxels.")
    assert "'elsewhere': The box of 1 nm" in said
    assert "'without size'" in said
    for layer in widget.cut_list.ticked:
        widget.cut_list.tick(layer, layer.name == "elsewhere")
    assert widget.extract("mine") == []
    assert "could not be cut out of 'elsewhere'" in widget.status.message.text()


def test_every_kind_of_part_is_known_as_a_part(viewer, widget, drawn_phases):
    from napari_snpore.measurement.objects import label_objects, measure_objects

    labels = label_objects(drawn_phases.data == 3)
    objects = objects_data(
        Volume(labels, SPACING, (1.0, 2.0, 3.0)),
        measure_objects(labels, spacing=SPACING),
        "Sn",
        phase="Sn",
    )
    widget.cut_list.tick(add_layer(viewer, objects))
    place = {"scale": SPACING, "translate": (1.0, 2.0, 3.0), "units": (UNIT,) * 3}
    viewer.add_labels(np.arange(10 * 12 * 14).reshape(10, 12, 14), name="grains", **place)
    viewer.add_labels(drawn_phases.data.astype(np.int32), name="drawn", **place)
    parts = {layer.name: layer for layer in widget.extract("mine")}
    assert all(is_part(layer) for layer in parts.values())
    assert kind_of(parts["mine box · Sn"]) == "objects"
    assert kind_of(parts["mine box · drawn"]) == "phases"
    grains = viewer.layers["grains"].data
    assert set(np.unique(parts["mine box · grains"].data)) <= set(np.unique(grains)), (
        "labels as they were"
    )
