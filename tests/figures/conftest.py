"""Small volumes and tables to draw."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))


def fibre(shape=(24, 30, 26)):
    """Labels of a fibre along y: exterior 0 around, pore 1, C 2 and Sn 3 inside."""
    z, _, x = np.indices(shape)
    radius = np.hypot(z - (shape[0] - 1) / 2, x - (shape[2] - 1) / 2)
    labels = np.where(radius < 0.45 * min(shape[0], shape[2]), 2, 0)
    rng = np.random.default_rng(0)
    noise = rng.random(shape)
    labels = np.where((labels == 2) & (noise < 0.3), 1, labels)
    return np.where((labels == 2) & (noise > 0.9), 3, labels).astype(np.uint8)


@pytest.fixture(scope="session")
def labels():
    return fibre()


@pytest.fixture
def clusters():
    """Ten objects whose histograms can be counted by hand; the last one is cut by the box."""
    length = [0.5, 0.7, 1.1, 1.3, 1.7, 1.9, 2.1, 2.5, 3.9, 3.0]
    aspect = [0.52, 0.57, 0.72, 0.73, 0.74, 0.77, 0.82, 0.97, 1.0, 0.5]
    return pd.DataFrame(
        {
            "label": range(1, 11),
            "voxel_count": [8, 60, 64, 100, 200, 300, 400, 500, 900, 1000],
            "volume_nm3": [0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 1.0, 2.0, 5.0, 9.0],
            "length_nm": length,
            "width_nm": np.multiply(length, aspect),
            "aspect_ratio": aspect,
            "touches_border": [False] * 9 + [True],
            "convention": "corners",
            "objects_from": "connected 26",
        }
    )
