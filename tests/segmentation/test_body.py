"""The greatest piece of a solid, drawn by hand."""

from __future__ import annotations

import numpy as np

from napari_snpore.segmentation.body import largest_body


def test_only_the_greatest_piece_stays():
    solid = np.zeros((6, 6, 6), bool)
    solid[1:3, 1:3, 1:3] = True  # 8 voxels
    solid[3, 3, 3] = True  # touches it by a corner only
    solid[5, 0:3, 5] = True  # 3 voxels apart
    body = largest_body(solid)
    assert body.sum() == 8
    assert body[1:3, 1:3, 1:3].all()
    assert solid.sum() == 12, "the input was changed"


def test_empty_and_whole_solids_stay_as_they_are():
    assert not largest_body(np.zeros((3, 4, 5), bool)).any()
    assert largest_body(np.ones((3, 4, 5), bool)).all()
