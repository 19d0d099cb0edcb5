"""Views that every window has: along which axis of the volume each looks."""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore.history import EnvelopeStep, SegmentStep
from napari_snpore.viewer.scene.cameras import VIEW_NAMES, fibre_axis, look_along
from napari_snpore.viewer.shared.layers import add_layer, phases_data
from napari_snpore.volume import Volume

AXES = {"from the front": 0, "from the top": 1, "from the side": 2}


@pytest.mark.parametrize(("name", "axis"), AXES.items())
def test_front_top_and_side_look_along_z_y_and_x(viewer, name, axis):
    viewer.add_image(np.zeros((6, 8, 10)))
    look_along(viewer, name)
    direction = np.abs(viewer.scene.camera.view_direction)
    np.testing.assert_allclose(direction, np.eye(3)[axis], atol=1e-6)
    look_along(viewer, f"along {'zyx'[axis]}")
    np.testing.assert_allclose(np.abs(viewer.scene.camera.view_direction), direction, atol=1e-6)


def test_along_the_fibre_is_the_axis_that_the_phases_were_cut_along(viewer):
    assert "along the fibre" in VIEW_NAMES
    viewer.add_image(np.zeros((6, 8, 10)))
    assert fibre_axis(viewer) == 1, "y, where nothing says otherwise"
    look_along(viewer, "along the fibre")
    np.testing.assert_allclose(np.abs(viewer.scene.camera.view_direction), (0, 1, 0), atol=1e-6)
    phases = Volume(
        np.ones((6, 8, 10), np.uint8),
        1.0,
        history=(SegmentStep((0.5, 5.0), envelope=EnvelopeStep(cut_axes=(2,))).step,),
    )
    add_layer(viewer, phases_data(phases, "fibre · phases"))
    assert fibre_axis(viewer) == 2
    look_along(viewer, "along the fibre")
    np.testing.assert_allclose(np.abs(viewer.scene.camera.view_direction), (0, 0, 1), atol=1e-6)
