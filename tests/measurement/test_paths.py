"""Shortest paths, against closed forms and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.graph import MCP_Geometric

from napari_snpore.errors import Stopped
from napari_snpore.measurement.paths import path_lengths


def test_a_path_goes_around_a_wall():
    """Up 3 voxels of 2 nm, through the gap, down again: corners are cut, 1 nm aside and 2 up each."""
    open_to = np.ones((1, 4, 3), bool)
    open_to[0, :3, 1] = False
    start = np.zeros_like(open_to)
    start[0, 0, 0] = True
    found = path_lengths(open_to, start, (1.0, 2.0, 1.0))
    assert found[0, 2, 0] == pytest.approx(4)
    assert found[0, 3, 1] == pytest.approx(4 + np.sqrt(5))
    assert found[0, 0, 2] == pytest.approx(2 * (4 + np.sqrt(5)))
    assert np.isinf(found[0, :3, 1]).all()


@pytest.mark.parametrize("share", [0.2, 0.5, 1.0])
def test_it_is_that_of_scikit_image(share):
    rng = np.random.default_rng(1)
    open_to = rng.random((12, 14, 9)) < share
    starts = open_to & (rng.random(open_to.shape) < 0.03)
    peer, _ = MCP_Geometric(np.where(open_to, 1.0, -1.0), sampling=(1.0, 0.7, 2.0)).find_costs(
        np.argwhere(starts)
    )
    found = path_lengths(open_to, starts, (1.0, 0.7, 2.0))
    reached = np.isfinite(peer) & open_to
    np.testing.assert_array_equal(np.isfinite(found), reached)
    np.testing.assert_allclose(found[reached], peer[reached], rtol=1e-12)


def test_no_start_no_path():
    nothing = np.zeros((3, 3, 3), bool)
    assert np.isinf(path_lengths(~nothing, nothing, (1.0, 1.0, 1.0))).all()
    assert np.isinf(path_lengths(nothing, ~nothing, (1.0, 1.0, 1.0))).all()


def test_it_asks_after_each_piece_and_ends_there(monkeypatch):
    """1000 voxels in pieces of 100: asked ten times; a stop at the fourth ends it."""
    monkeypatch.setattr("napari_snpore.measurement.paths._PIECE", 100)
    box = np.ones((10, 10, 10), bool)
    start = np.zeros_like(box)
    start[0, 0, 0] = True
    looks = []
    path_lengths(box, start, (1.0, 1.0, 1.0), should_stop=lambda: looks.append(1) or False)
    assert len(looks) == 10
    with pytest.raises(Stopped):
        path_lengths(
            box, start, (1.0, 1.0, 1.0), should_stop=lambda: looks.append(1) or len(looks) == 14
        )
    assert len(looks) == 14
