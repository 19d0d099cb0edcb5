"""Empty margins go until the picture has a usual aspect; nothing that is drawn goes."""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore.viewer.figure.scene_margins import without_margins


def picture(height, width, *drawn):
    rgb = np.full((height, width, 3), 20, np.uint8)
    for row, column in drawn:
        rgb[row, column] = 200
    return rgb


@pytest.mark.parametrize(
    ("shape", "drawn", "expected"),
    [
        ((90, 100), [(45, 50)], (90, 100)),  # a usual aspect stays
        ((200, 80), [(100, 40)], (100, 80)),
        ((200, 80), [(5, 40)], (100, 80)),
        ((200, 80), [(199, 40)], (100, 80)),
        ((200, 80), [(20, 4), (180, 40)], (161, 80)),  # drawn far apart
        ((200, 80), [(0, 40), (199, 40)], (200, 80)),
        ((60, 200), [(30, 30)], (60, 80)),
        ((200, 80), [], (100, 80)),
    ],
)
def test_margins_go_and_what_is_drawn_stays(shape, drawn, expected):
    whole = picture(*shape, *drawn)
    kept = without_margins(whole)
    assert kept.shape[:2] == expected
    assert (kept == 200).sum() == (whole == 200).sum()


def test_a_strip_is_cut_around_its_middle():
    rgb = picture(200, 80, (99, 40), (100, 40))
    rows = np.flatnonzero((without_margins(rgb) == 200).any(axis=(1, 2)))
    assert rows.tolist() == [49, 50]
