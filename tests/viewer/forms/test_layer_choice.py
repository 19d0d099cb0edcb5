"""Which layer a form works on: the last one that the user chose, in the list of the form or in
napari's.
"""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore.segmentation.phases import PORE_C_SN
from napari_snpore.viewer.forms.layer_choice import LayerChoice
from napari_snpore.viewer.reconstruct.growing_volume import GrowingVolume
from napari_snpore.viewer.shared.layers import add_layer, is_volume, phases_data, volume_data
from napari_snpore.viewer.shared.view_kept import keeping_choice
from napari_snpore.viewer.threshold.preview import PhasePreview
from napari_snpore.volume import Volume


@pytest.fixture
def choice(viewer, qtbot):
    """Two specimens, of which 'sodiated' is selected in napari, and its phases."""
    gray = np.arange(27, dtype=np.float32).reshape(3, 3, 3)
    for name in ("pristine", "sodiated"):
        add_layer(viewer, volume_data(Volume(gray, 0.5), name))
    add_layer(viewer, phases_data(Volume(np.ones((3, 3, 3), np.uint8), 0.5), "sodiated · phases"))
    viewer.layers.selection.active = viewer.layers["sodiated"]
    choice = LayerChoice(viewer, is_volume, empty="", what="volume")
    qtbot.addWidget(choice)
    return choice


def choose_in_list(choice, viewer, name):
    choice.setCurrentIndex(choice.findText(name))


def choose_by_program(choice, viewer, name):
    choice.layer = viewer.layers[name]


@pytest.mark.parametrize("choose", [choose_in_list, choose_by_program])
def test_follows_napari_back_to_the_layer_it_showed_before(choice, viewer, choose):
    choose(choice, viewer, "pristine")
    viewer.layers.selection.active = viewer.layers["sodiated · phases"]
    assert choice.layer.name == "pristine"  # phases are no volume
    viewer.layers.selection.active = viewer.layers["sodiated"]
    assert choice.layer.name == "sodiated"


@pytest.mark.parametrize("choose", [choose_in_list, choose_by_program])
def test_a_preview_does_not_undo_a_choice(choice, viewer, choose, qtbot):
    choose(choice, viewer, "pristine")
    preview = PhasePreview(viewer, choice)
    preview.show(viewer.layers["pristine"], (5.0, 20.0), PORE_C_SN)
    assert choice.layer.name == "pristine"
    preview.hide()
    assert choice.layer.name == "pristine"
    assert viewer.layers.selection.active.name == "sodiated"


def test_a_growing_volume_does_not_undo_a_choice(choice, viewer):
    choice.setCurrentIndex(choice.findText("pristine"))
    growing = GrowingVolume(viewer)
    growing.show(np.ones((3, 3, 3), np.float32), 0.5, "pristine", 1)
    assert choice.layer.name == "pristine"
    growing.hide()
    assert choice.layer.name == "pristine"
    assert viewer.layers.selection.active.name == "sodiated"


def test_what_the_program_adds_is_no_choice_and_what_comes_after_is(choice, viewer):
    choice.setCurrentIndex(choice.findText("pristine"))
    with keeping_choice(viewer):
        add_layer(
            viewer, volume_data(Volume(np.ones((3, 3, 3), np.float32), 0.5), "by the program")
        )
    assert choice.layer.name == "pristine"
    assert {layer.name for layer in viewer.layers.selection} == {"sodiated"}
    viewer.layers.selection.active = viewer.layers["by the program"]
    assert choice.layer.name == "by the program"
