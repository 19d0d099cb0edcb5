"""Two subvolumes on a plate: one scale for both, bars as long as their shares, numbers with their
errors.
"""

from __future__ import annotations

import numpy as np
import pytest
from legible import assert_legible, texts_of
from matplotlib.colors import to_hex

from napari_snpore.errors import InputError
from napari_snpore.figures import FigureStyle, panel_figure, plate
from napari_snpore.figures.box_pair_panel import BoxPairPanel
from napari_snpore.figures.cuts import PLANES, cut
from napari_snpore.segmentation.phases import PORE_C_SN
from napari_snpore.volume import Volume

SHARES = {
    "centre": {"pore": 38.0, "C": 44.0, "Sn": 18.0},
    "edge": {"pore": 30.0, "C": 69.98, "Sn": 0.02},
}
ERRORS = {"centre": {"pore": 1.6, "C": 1.2, "Sn": 0.4}, "edge": {"pore": 2.0, "Sn": 0.01}}


@pytest.fixture
def cuts():
    def piece(count):
        labels = np.full((count, 8, count), 2, np.uint8)
        labels[:4], labels[-3:, :, :4] = 1, 3
        return cut(Volume(labels, (0.5, 0.5, 0.5)), PLANES["XZ"], (0, 4, 0))

    return {"centre": piece(20), "edge": piece(10)}


@pytest.mark.parametrize("width", [85.0, 180.0])
@pytest.mark.parametrize("font", [6.0, 7.0, 8.0])
@pytest.mark.parametrize("limits", [None, (0.0, 3.0)], ids=["phases", "grey"])
def test_it_is_legible(cuts, width, font, limits):
    panel = BoxPairPanel("Subvolumes", cuts, SHARES, ERRORS, limits=limits)
    style = FigureStyle(width, font, 150, letters=True)
    assert panel.least_mm(style) < 83, "it fits a column alone"
    figure = plate([[panel], [panel]], style=style)
    assert_legible(figure)
    assert {"a", "b", "centre", "edge", "38.0 ± 1.6", "0.0 ± 0.01", "70.0"} <= set(texts_of(figure))


def test_both_slices_have_one_scale_and_their_own_shape(cuts):
    figure = panel_figure(BoxPairPanel("Subvolumes", cuts, SHARES))
    boxes = [axes.get_window_extent() for axes in figure.axes if axes.images]
    assert boxes[0].width == pytest.approx(2 * boxes[1].width), "20 voxels and 10 of one size"
    for box in boxes:
        assert box.width == pytest.approx(box.height)
    for axes, piece in zip(
        (axes for axes in figure.axes if axes.images), cuts.values(), strict=True
    ):
        colors = np.asarray(axes.images[0].get_array())
        for label, color in enumerate(PORE_C_SN.colors, start=1):
            assert {to_hex(pixel / 255) for pixel in colors[piece.values == label]} == {color}


def test_bars_are_as_long_as_their_shares(cuts):
    figure = panel_figure(BoxPairPanel("Subvolumes", cuts, SHARES, ERRORS))
    bars = [
        patch for axes in figure.axes for patch in axes.patches if patch.get_gid() == "fraction"
    ]
    lengths = np.array([bar.get_width() for bar in bars])
    np.testing.assert_allclose(lengths / lengths[0] * 38.0, [38.0, 44.0, 18.0, 30.0, 69.98, 0.02])
    assert [to_hex(bar.get_facecolor()) for bar in bars] == 2 * list(PORE_C_SN.colors)


def test_a_share_that_is_not_known_is_a_dash(cuts):
    figure = panel_figure(
        BoxPairPanel("Subvolumes", cuts, {"centre": {"pore": 38.0}, "edge": {"pore": float("nan")}})
    )
    assert texts_of(figure).count("–") == 5
    assert_legible(figure)


def test_other_boxes_and_phases_are_refused(cuts):
    with pytest.raises(InputError, match="same two boxes"):
        BoxPairPanel("Subvolumes", cuts, {"centre": SHARES["centre"]})
    with pytest.raises(InputError, match="same two boxes"):
        BoxPairPanel("Subvolumes", {"centre": cuts["centre"]}, {"centre": SHARES["centre"]})
    with pytest.raises(InputError, match="Fe"):
        BoxPairPanel("Subvolumes", cuts, {**SHARES, "edge": {"Fe": 100.0}})
