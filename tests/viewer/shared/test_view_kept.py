"""Layers come in turns, so that the window is drawn between them."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from napari_snpore.viewer.shared import view_kept
from napari_snpore.viewer.shared.view_kept import add_in_two_turns


@pytest.mark.parametrize("visible", [True, False])
def test_a_layer_is_shown_after_the_window_was_drawn(viewer, monkeypatch, visible):
    chosen = viewer.add_image(np.zeros((3, 4, 5)))
    layer, seen = Image(np.zeros((3, 4, 5)), visible=visible), []
    monkeypatch.setattr(
        view_kept, "breathe", lambda viewer: seen.append((layer in viewer.layers, layer.visible))
    )
    add_in_two_turns(viewer, layer)
    assert seen == [(True, False)]
    assert layer.visible is visible
    assert viewer.layers.selection.active is chosen
