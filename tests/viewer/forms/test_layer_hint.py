"""A layer without a voxel size: the row below the choice asks for it, and all layers on its grid
get it.
"""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore.viewer.measure.widget import MeasureWidget
from napari_snpore.viewer.shared.layers import volume_from_layer
from napari_snpore.viewer.shared.units import has_scale
from napari_snpore.viewer.threshold.widget import ThresholdWidget


def test_says_what_to_do_while_there_is_no_layer(viewer, qtbot):
    widget = ThresholdWidget(viewer)
    qtbot.addWidget(widget)
    hint = widget._layer_choice.hint()
    assert not hint.isHidden()
    assert "Drop" in hint.sentence.text() or "Open" in hint.sentence.text()
    assert hint._question.isHidden()


def test_a_volume_without_a_voxel_size_is_asked_about(viewer, qtbot):
    image = viewer.add_image(
        np.random.default_rng(0).random((6, 7, 8), np.float32), scale=(2, 1, 1), translate=(4, 0, 0)
    )
    labels = viewer.add_labels(np.ones((6, 7, 8), np.uint8), scale=(2, 1, 1), translate=(4, 0, 0))
    other = viewer.add_labels(np.ones((3, 7, 8), np.uint8))
    widget = ThresholdWidget(viewer)
    qtbot.addWidget(widget)
    widget.counting.wait()
    hint = widget._layer_choice.hint()
    assert not hint.isHidden()
    assert not widget.envelope.available

    hint.set_button.click()
    assert "positive number" in hint.sentence.text()
    assert not has_scale(image)

    hint.voxel_size.setValue(0.3)
    hint.set_button.click()
    assert hint.isHidden()
    assert widget.envelope.available
    for layer in (image, labels):
        volume = volume_from_layer(layer)
        assert volume.spacing == pytest.approx((0.6, 0.3, 0.3))
        assert volume.origin == pytest.approx((1.2, 0, 0))
        assert volume.history[-1].parameters["spacing_nm"] == pytest.approx([0.6, 0.3, 0.3])
    assert not has_scale(other), "it lies on another grid"


def test_a_scale_that_is_set_elsewhere_ends_the_question(viewer, qtbot):
    labels = viewer.add_labels(np.ones((6, 7, 8), np.uint8))
    widget = MeasureWidget(viewer)
    qtbot.addWidget(widget)
    assert not widget._layer_choice.hint().isHidden()
    labels.units = ("nm",) * 3
    assert widget._layer_choice.hint().isHidden()
