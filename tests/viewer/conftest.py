"""A viewer without a window, and phases drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_snpore.volume import Volume

SPACING = (0.5, 0.25, 0.25)


@pytest.fixture
def viewer(qapp):
    return ViewerModel()


@pytest.fixture
def drawn_phases():
    """A block of carbon (8, 10, 12) in an exterior, one voxel wide, with two Sn bars, one Sn voxel
    and one sealed pore.
    """
    labels = np.zeros((10, 12, 14), np.uint8)
    labels[1:-1, 1:-1, 1:-1] = 2
    labels[2, 2, 2:10] = 3  # 8 voxels in a row along x: length √(0.5² + 0.25² + 2²) nm
    labels[5:7, 5:7, 4:6] = 3  # 2 × 2 × 2 voxels
    labels[4, 9, 11] = 3  # one voxel
    labels[7, 8, 7:9] = 1  # a sealed pore of 2 voxels
    return Volume(labels, SPACING, (1.0, 2.0, 3.0))
