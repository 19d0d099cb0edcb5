"""What is kept on the ortho slices: distances and profiles, and named positions."""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore.errors import InputError
from napari_snpore.viewer.shared.layers import add_layer, volume_data
from napari_snpore.viewer.slices.ruler import MeasuredDistance
from napari_snpore.volume import Volume
from tests.viewer.mouse import drag, opened, pixel_of, settle
from tests.viewer.slices.test_ortho_slices import ramp


@pytest.fixture
def window(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(1300, 900)
    return viewer


def draw(widget, qtbot, start, end):
    view = widget.linked.views["XY"]
    drag(qtbot, view.canvas.canvas.native, pixel_of(view, start), pixel_of(view, end))


def names(widget):
    return [widget.positions.itemText(k) for k in range(widget.positions.count())]


def test_a_profile_never_stands_under_another_length(window, qtbot):
    add_layer(window, volume_data(ramp(), "ramp"))
    widget = opened(window)
    widget.ruler_button.setChecked(True)
    z = widget.position[0]
    draw(widget, qtbot, (z, 3.0, 4.0), (z, 6.0, 8.0))
    widget.distances.profile.wait()
    assert widget.profile_plot.isVisibleTo(widget)
    bare = window.add_image(np.zeros((20, 30, 40)), name="no size")
    widget.layer = bare
    assert not widget.profile_plot.isVisibleTo(widget)
    assert " px" in widget.line_text.text()
    widget.keep_line_button.click()
    assert "no voxel size" in widget.status.message.text()
    assert "distances" not in window.layers
    with pytest.raises(InputError, match="no voxel size"):
        widget.keep("here")
    widget.layer = window.layers["ramp"]
    widget.distances.profile.wait()
    assert widget.profile_plot.isVisibleTo(widget)


def test_kept_distances_lie_on_their_slice(window, qtbot):
    add_layer(window, volume_data(ramp(), "ramp"))
    widget = opened(window)
    z, y, x = widget.position
    widget.ruler_button.setChecked(True)
    draw(widget, qtbot, (z, 3.0, 4.0), (z, 6.0, 8.0))
    drawn = widget.ruler._drawn["XY"]
    widget.position = (z + 1.0, y, x)
    assert not drawn.visible, "it was drawn on another slice"
    widget.position = (z, y, x)
    assert drawn.visible
    widget.keep_line_button.click()
    view = widget.linked.views["XY"]
    (line,) = view.distances.shown
    assert isinstance(line, MeasuredDistance)
    assert line.length_nm == pytest.approx(5.0, abs=4 * view.nm_per_pixel)
    assert not widget.linked.views["XZ"].distances.shown
    widget.position = (z + 1.0, y, x)
    assert not view.distances.shown
    widget.position = (z, y, x)
    window.layers["distances"].visible = False
    assert not view.distances.shown


def test_keeping_under_a_known_name_moves_it_and_an_empty_name_is_numbered(window):
    add_layer(window, volume_data(ramp(), "ramp"))
    widget = opened(window)
    button = widget._positions.keep_button
    for place in ((3.0, 4.0, 5.0), (6.0, 6.0, 6.0)):
        widget.position = place
        widget.positions.setEditText("mouth")
        button.click()
    assert names(widget) == ["mouth"]
    np.testing.assert_allclose(window.layers["positions"].data, [(6, 6, 6)])
    button.click()
    button.click()
    assert names(widget) == ["mouth", "position 1", "position 2"]


def test_points_removed_and_added_by_hand_are_listed(window):
    add_layer(window, volume_data(ramp(), "ramp"))
    widget = opened(window)
    for name in ("a", "b"):
        widget.keep(name)
    layer = window.layers["positions"]
    layer.selected_data = {0}
    layer.remove_selected()
    assert names(widget) == ["b"]
    layer.add([(4.0, 5.0, 6.0)])
    assert names(widget) == ["b", "position 1"]
    widget.keep("c")
    assert names(widget) == ["b", "position 1", "c"]
    widget.go_to("position 1")
    assert widget.position == pytest.approx((4.0, 5.0, 6.0))
    copy = widget.linked.views["XY"].model.layers["positions"]
    assert set(copy.symbol) == set(layer.symbol), (
        "new points look like the others on the slices too"
    )
    np.testing.assert_allclose(copy.size, layer.size)


def test_a_position_keeps_how_it_was_looked_at(window, qtbot):
    add_layer(window, volume_data(ramp(), "ramp"))
    widget = opened(window)
    view = widget.linked.views["XZ"]
    z, y, x = widget.position
    drag(
        qtbot,
        view.canvas.canvas.native,
        pixel_of(view, (z, y, x)),
        pixel_of(view, (z + 1, y, x + 1)),
    )
    widget.field_of_view = 5.0
    widget.thick_way.setCurrentText("mean over")
    widget.thickness.setValue(1.0)
    kept = widget.position
    widget.keep("mouth")
    widget.field_of_view = 0.0
    widget.thick_way.setCurrentText("single slice")
    widget.position = (3.0, 4.0, 5.0)
    widget.go_to("mouth")
    assert widget.position == pytest.approx(kept)
    assert (widget.field_of_view, widget.thick_way.currentText(), widget.thickness.value()) == (
        5.0,
        "mean over",
        1.0,
    )
    assert "mouth, XZ" in widget.status.message.text()


def test_nothing_is_kept_without_a_volume(window):
    widget = opened(window)
    with pytest.raises(InputError, match="There is no volume yet"):
        widget.keep()
    window.add_image(np.zeros((8, 9)))
    with pytest.raises(InputError, match="There is no volume yet"):
        widget.keep()
    add_layer(window, volume_data(Volume(ramp().data, 1.0), "ramp"))
    settle(0.1)
    assert [one.name for one in window.layers] == ["Image", "ramp"]
