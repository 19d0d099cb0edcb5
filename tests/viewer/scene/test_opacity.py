"""Opacity curves of grey values in 3D: their values, the ready ones, and the colormap that draws
them.
"""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image
from napari.utils.colormaps import ensure_colormap

from napari_snpore.errors import InputError
from napari_snpore.viewer.scene.look import ON_WHITE
from napari_snpore.viewer.scene.opacity_curve.curve import (
    OpacityCurve,
    opacity_colormap,
    preset_curves,
)
from napari_snpore.viewer.scene.opacity_curve.panel import OpacityPanel
from napari_snpore.viewer.shared.layers import add_layer, volume_data
from napari_snpore.volume import Volume


def three_levels():
    """Vacuum 0, carbon 10 and tin 100, with a little noise; a tenth of the voxels are tin."""
    rng = np.random.default_rng(1)
    gray = rng.choice([0.0, 10.0, 100.0], (40, 40, 40), p=[0.5, 0.4, 0.1])
    return Volume((gray + rng.normal(0, 0.8, gray.shape)).astype(np.float32), 0.5)


def test_between_its_points_a_curve_is_a_straight_line():
    curve = OpacityCurve(((0.0, 0.0), (10.0, 0.5), (20.0, 0.1)))
    np.testing.assert_allclose(
        curve.at([-5, 0, 5, 10, 15, 20, 99]), [0, 0, 0.25, 0.5, 0.3, 0.1, 0.1]
    )


@pytest.mark.parametrize(
    "points",
    [
        ((0.0, 0.0),),
        ((1.0, 0.0), (1.0, 1.0)),
        ((0.0, 0.0), (1.0, 1.2)),
        ((0.0, 0.0), (np.inf, 1.0)),
    ],
)
def test_a_curve_that_is_none_is_refused(points):
    with pytest.raises(InputError):
        OpacityCurve(points)


def test_ready_curves_show_what_their_names_say():
    curves = preset_curves((5.0, 50.0), (0.0, 110.0))
    assert set(curves) == {"denser is brighter", "Sn only", "carbon and Sn", "surface of carbon"}
    vacuum, carbon, tin = 1.0, 20.0, 100.0
    tin_only, both, surface = (curves[name] for name in list(curves)[1:])
    assert tin_only.at(vacuum) == tin_only.at(carbon) == 0
    assert tin_only.at(tin) > 0.8
    assert both.at(vacuum) == 0
    assert 0 < both.at(carbon) < both.at(tin)
    assert surface.at(5.0) > 0.5, "at the threshold between pore and carbon"
    assert surface.at(vacuum) == surface.at(carbon) == surface.at(tin) == 0
    assert list(preset_curves((), (0.0, 110.0))) == ["denser is brighter"]


def test_the_colormap_has_the_opacity_of_a_slab_and_the_colours_of_the_base():
    """20 voxels a side: the slab is one voxel thick, and opacities are those of the curve."""
    layer = Image(np.zeros((20, 20, 20)), contrast_limits=(0, 100))
    curve = OpacityCurve(((0.0, 0.0), (100.0, 0.8)))
    made = opacity_colormap(ensure_colormap("inferno"), "inferno", curve, layer)
    np.testing.assert_allclose(made.map(np.array([0.0, 0.5, 1.0]))[:, 3], [0, 0.4, 0.8], atol=0.002)
    base = ensure_colormap("inferno").map(np.array([0.0, 0.5, 1.0]))
    np.testing.assert_allclose(made.map(np.array([0.0, 0.5, 1.0]))[:, :3], base[:, :3], atol=0.01)
    large = Image(np.zeros((2, 2, 200)), contrast_limits=(0, 100))
    thin = opacity_colormap(ensure_colormap("inferno"), "inferno", curve, large)
    alpha = thin.map(np.array([1.0]))[0, 3]  # of one voxel in a slab of ten
    assert 1 - (1 - alpha) ** 10 == pytest.approx(0.8, abs=0.002)


def test_a_ready_curve_is_drawn_follows_the_contrast_and_goes(viewer):
    layer = add_layer(viewer, volume_data(three_levels(), "fibre"))
    before = layer.colormap.name, layer.rendering
    panel = OpacityPanel(viewer)
    panel.show_layer(layer)
    panel.preset = "Sn only"
    low, high = layer.contrast_limits

    def alpha(gray):
        place = (gray - layer.contrast_limits[0]) / np.diff(layer.contrast_limits)
        return float(layer.colormap.map(place)[0, 3])

    assert layer.rendering == "translucent"
    assert alpha(10.0) == 0, "carbon is clear"
    assert alpha(99.0) > 0.5
    layer.contrast_limits = (low, (low + high) / 2 + 30)
    assert alpha(10.0) == 0
    assert panel.preset == "Sn only"
    panel.curve = OpacityCurve(((0.0, 0.2), (100.0, 0.2)))
    assert panel.preset == "own"
    state = panel.state()
    panel.preset = "none"
    assert (layer.colormap.name, layer.rendering) == before
    panel.set_state(state)
    assert panel.curve == OpacityCurve(((0.0, 0.2), (100.0, 0.2)))
    with pytest.raises(InputError, match="There is no opacity curve 'x'"):
        panel.preset = "x"


def test_known_thresholds_make_the_ready_curves(viewer):
    layer = add_layer(viewer, volume_data(three_levels(), "fibre"))
    panel = OpacityPanel(viewer)
    panel.show_layer(layer, (4.0, 60.0))
    panel.preset = "surface of carbon"
    assert panel.curve.at(4.0) == pytest.approx(0.7)


def test_colormaps_of_the_scene_have_short_names():
    """napari lists all colormaps that were in use in the controls of every layer that comes after, and
    is as wide as the longest name: longer ones made the window grow.
    """
    longest = len("twilight shifted")  # of napari's own
    layer = Image(three_levels().data)
    curve = OpacityCurve(((0.0, 0.0), (110.0, 1.0)))
    for base in (ON_WHITE, "inferno", "gray"):
        made = opacity_colormap(ensure_colormap("inferno"), base, curve, layer)
        assert max(len(base), len(made.name)) <= longest
