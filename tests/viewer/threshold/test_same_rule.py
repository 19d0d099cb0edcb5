"""The rule of one volume applied to those of the other specimens."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_snpore.errors import InputError
from napari_snpore.viewer.shared.layer_history import thresholds_of
from napari_snpore.viewer.shared.layers import add_layer, volume_data
from napari_snpore.viewer.threshold.widget import ThresholdWidget
from napari_snpore.volume import Volume


def gray(carbon, *, pore_slices, noise=0.02):
    """Return a block of pore, C of a grey value and Sn of twelve times that, in known shares."""
    rng = np.random.default_rng(3)
    values = np.full((20, 20, 20), carbon, np.float32)
    values[:pore_slices] = 0.0
    values[-2:] = 12.0 * carbon
    values += rng.normal(0.0, noise * carbon, values.shape).astype(np.float32)
    return Volume(values, (0.5, 0.5, 0.5))


@pytest.fixture
def window(viewer):
    add_layer(viewer, volume_data(gray(1.0, pore_slices=8), "pristine · TV"))
    add_layer(viewer, volume_data(gray(5.0, pore_slices=6), "sodiated · TV"))
    add_layer(viewer, volume_data(gray(1.0, pore_slices=4), "desodiated · TV"))
    return viewer


@pytest.fixture
def form(window, qtbot):
    widget = ThresholdWidget(window)
    qtbot.addWidget(widget)
    widget.layer = window.layers["pristine · TV"]
    widget.counting.wait()
    widget.show()
    return widget


def pore_share(layer):
    return np.count_nonzero(np.asarray(layer.data) == 1) / layer.data.size


def test_one_click_makes_phases_of_all_other_states_by_the_same_rule(form, window, qtbot):
    form.same_rule.expand(animate=False)
    QTest.qWait(50)
    qtbot.mouseClick(form.same_rule.button, Qt.MouseButton.LeftButton)
    form.status.wait()
    made = {name: window.layers[f"{name} · phases"] for name in ("sodiated", "desodiated")}
    assert pore_share(made["sodiated"]) == pytest.approx(0.3)
    assert pore_share(made["desodiated"]) == pytest.approx(0.2)
    own, other = form.thresholds, thresholds_of(made["sodiated"])
    assert np.allclose(np.divide(other, own), 5.0, rtol=0.1)  # not the same grey value
    words = form.same_rule.words.text()
    assert "<b>sodiated</b>" in words
    assert "<b>desodiated</b>" in words
    assert "vacuum = 0" in words
    assert "pristine · phases" not in window.layers


def test_thresholds_set_by_hand_are_carried_over_by_vacuum_and_carbon(form, window):
    form.thresholds = 0.3, 4.0
    lines = form.apply_to_all()
    assert thresholds_of(window.layers["sodiated · phases"]) == pytest.approx((1.5, 20.0), rel=0.05)
    assert all("carried over by vacuum and carbon" in line for line in lines)


def test_the_other_volume_shows_the_thresholds_of_its_phases(form, window):
    form.thresholds = 0.3, 4.0
    form.apply_to_all()
    form.layer = window.layers["sodiated · TV"]
    form.counting.wait()
    assert form.thresholds == pytest.approx(thresholds_of(window.layers["sodiated · phases"]))


def test_a_volume_without_a_voxel_size_is_left_out_and_named(form, window):
    window.layers["sodiated · TV"].units = ("pixel",) * 3
    lines = form.apply_to_all()
    assert "sodiated · phases" not in window.layers
    assert "desodiated · phases" in window.layers
    assert any("'sodiated · TV' was left out" in line for line in lines)


def test_alone_it_says_what_is_missing(form, window):
    for name in ("sodiated · TV", "desodiated · TV"):
        window.layers.remove(name)
    with pytest.raises(InputError, match="no volume of another specimen"):
        form.apply_to_all()
