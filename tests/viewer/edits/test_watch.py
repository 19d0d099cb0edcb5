"""Corrections by hand of phases: counted, kept in the history, and gone when they are undone."""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore.history import EditByHandStep, SegmentStep
from napari_snpore.viewer.edits.watch import edits_of, hand_edits, watch_edits
from napari_snpore.viewer.shared.layers import add_layer, phases_data, put_layer, volume_from_layer
from napari_snpore.volume import Volume

MADE = SegmentStep((1.0, 5.0), ("pore", "C", "Sn")).step


@pytest.fixture
def layer(viewer, drawn_phases):
    watch_edits(viewer)
    phases = Volume(drawn_phases.data, drawn_phases.spacing, history=(MADE,))
    return add_layer(viewer, phases_data(phases, "fibre · phases"))


def steps(layer):
    return [step.name for step in volume_from_layer(layer).history]


def test_a_stroke_of_the_brush_is_a_step_of_the_history(layer):
    """A brush of one voxel on carbon: 2 → 3."""
    layer.brush_size = 1
    layer.paint((4, 4, 6), 3)
    assert hand_edits(layer) == (EditByHandStep(1, ((2, 3, 1),)),)
    assert steps(layer) == ["segment", "edit by hand"]


def test_what_is_painted_over_counts_once(layer):
    layer.brush_size = 1
    layer.paint((4, 4, 6), 3)
    layer.paint((4, 4, 6), 1)
    layer.paint((4, 4, 7), 1)
    assert hand_edits(layer) == (EditByHandStep(2, ((2, 1, 2),)),)
    layer.paint((4, 4, 6), 2)
    assert hand_edits(layer) == (EditByHandStep(1, ((2, 1, 1),)),)


def test_undo_of_napari_takes_the_step_back(layer, qtbot):
    layer.brush_size = 3
    layer.paint((4, 5, 6), 1)
    painted = hand_edits(layer)
    assert painted[0].voxels == np.count_nonzero(np.asarray(layer.data)[4] == 1)
    layer.undo()
    qtbot.waitUntil(lambda: hand_edits(layer) == ())
    assert steps(layer) == ["segment"]
    layer.redo()
    qtbot.waitUntil(lambda: hand_edits(layer) == painted)


def test_fill_and_polygon_count(layer):
    """The sealed pore of two voxels is filled with carbon; a polygon covers 3 × 3 voxels of
    carbon.
    """
    layer.n_edit_dimensions = 3
    layer.fill((7, 8, 7), 2)
    assert hand_edits(layer) == (EditByHandStep(2, ((1, 2, 2),)),)
    layer.n_edit_dimensions = 2
    layer.paint_polygon([(3, 4, 4), (3, 4, 6), (3, 6, 6), (3, 6, 4)], 3)
    assert hand_edits(layer) == (EditByHandStep(11, ((1, 2, 2), (2, 3, 9))),)


def test_voxels_set_by_a_script_count(layer):
    layer.data_setitem((np.array([4, 4]), np.array([4, 5]), np.array([6, 6])), 3)
    assert hand_edits(layer) == (EditByHandStep(2, ((2, 3, 2),)),)


def test_another_array_in_place_of_the_phases_is_compared(layer, qtbot):
    now = np.array(layer.data)
    now[3, 3, 3:7] = 1
    layer.data = now
    qtbot.waitUntil(lambda: hand_edits(layer) == (EditByHandStep(4, ((2, 1, 4),)),))


def test_phases_that_are_made_again_have_no_corrections(viewer, layer, drawn_phases, qtbot):
    layer.brush_size = 1
    layer.paint((4, 4, 6), 3)
    again = Volume(np.array(drawn_phases.data), drawn_phases.spacing, history=(MADE,))
    put_layer(viewer, phases_data(again, "fibre · phases"))
    qtbot.wait(150)
    assert steps(layer) == ["segment"]
    layer.paint((4, 4, 7), 3)
    assert hand_edits(layer) == (EditByHandStep(1, ((2, 3, 1),)),)


def test_corrections_of_phases_that_were_corrected_before_are_a_second_step(viewer, drawn_phases):
    watch_edits(viewer)
    before = EditByHandStep(7, ((1, 2, 7),))
    phases = Volume(np.array(drawn_phases.data), 0.5, history=(MADE, before.step))
    layer = add_layer(viewer, phases_data(phases, "opened · phases"))
    layer.brush_size = 1
    layer.paint((4, 4, 6), 3)
    assert hand_edits(layer) == (before, EditByHandStep(1, ((2, 3, 1),)))


def test_a_stroke_copies_only_what_it_touches(viewer, qtbot):
    """Two blocks of 32³ voxels of one byte, of a volume of 256 × 96 × 96."""
    watch_edits(viewer)
    phases = Volume(np.full((256, 96, 96), 2, np.uint8), 0.5, history=(MADE,))
    layer = add_layer(viewer, phases_data(phases, "large · phases"))
    layer.brush_size = 5
    layer.paint((100, 16, 32), 1)
    assert edits_of(layer)._edits.nbytes == 2 * 32**3
    assert hand_edits(layer)[0].voxels == np.count_nonzero(np.asarray(layer.data) == 1)
