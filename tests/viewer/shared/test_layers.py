from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from napari.layers import Image, Labels, Layer

from napari_snpore.errors import InputError, MissingScaleError
from napari_snpore.segmentation.phases import MOST_PHASES, PORE_C_SN, PhaseScheme
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.viewer.shared.layers import (
    add_layer,
    is_phases,
    is_series,
    is_volume,
    name_from_path,
    object_features,
    object_table,
    objects_data,
    phases_data,
    scheme_of,
    series_data,
    series_from_layer,
    stem_of,
    volume_data,
    volume_from_layer,
)
from napari_snpore.viewer.shared.units import has_scale
from napari_snpore.volume import HistoryStep, Volume


def made(data):
    return Layer.create(*data)


def volume(dtype=np.float32):
    return Volume(
        np.arange(24, dtype=dtype).reshape(2, 3, 4),
        (0.3, 0.2, 0.1),
        (5.0, -1.0, 2.5),
        (HistoryStep("read", {"file": "k"}),),
    )


def test_volume_comes_back_from_its_layer():
    before = volume()
    after = volume_from_layer(made(volume_data(before, "fibre")))
    assert np.array_equal(after.data, before.data)
    assert after.spacing == pytest.approx(before.spacing)
    assert after.origin == pytest.approx(before.origin)
    assert after.history == before.history


def test_every_axis_is_in_nm_with_its_name():
    layer = made(volume_data(volume(), "fibre"))
    assert [str(unit) for unit in layer.units] == ["nanometer"] * 3
    assert layer.axis_labels == ("z", "y", "x")
    assert layer.scale == pytest.approx((0.3, 0.2, 0.1))
    assert layer.translate == pytest.approx((5.0, -1.0, 2.5))


def test_tilt_series_has_nm_on_all_axes_and_its_true_angles_in_the_metadata():
    angles = [-60.5, 0.0, 33.25, 60.0]
    series = TiltSeries(
        np.zeros((4, 5, 6), np.uint16),
        angles,
        0.7,
        tilt_axis_angle_deg=12.0,
        history=(HistoryStep("read"),),
    )
    layer = made(series_data(series, "tilts"))
    assert [str(unit) for unit in layer.units] == ["nanometer"] * 3
    assert layer.axis_labels == ("tilt", "y", "x")
    assert layer.scale == pytest.approx((0.7, 0.7, 0.7))
    back = series_from_layer(layer)
    assert back.angles_deg.tolist() == angles
    assert (back.pixel_size_nm, back.tilt_axis_angle_deg) == (0.7, 12.0)
    assert back.history == series.history
    assert np.shares_memory(back.images, series.images)


def test_series_beside_a_volume_keeps_nm_for_the_window(viewer):
    add_layer(viewer, series_data(TiltSeries(np.zeros((3, 4, 4)), [0, 1, 2], 0.5), "tilts"))
    add_layer(viewer, volume_data(volume(), "fibre"))
    assert {str(unit) for unit in viewer.layers.extent.units} == {"nanometer"}
    assert viewer.canvas.overlays.scale_bar.visible


def test_a_layer_without_voxel_size_is_refused():
    with pytest.raises(MissingScaleError, match="no voxel size"):
        volume_from_layer(Image(np.zeros((2, 2, 2)), name="bare"))
    assert not has_scale(Image(np.zeros((2, 2, 2))))


def test_other_units_of_length_are_converted():
    layer = Image(np.zeros((2, 2, 2)), scale=(1e-3, 2e-3, 3e-3), units=("um",) * 3)
    assert volume_from_layer(layer).spacing == pytest.approx((1.0, 2.0, 3.0))


@pytest.mark.parametrize("bad", [{"rotate": (20, 0, 0)}, {"shear": (0.2, 0, 0)}])
def test_a_turned_layer_is_refused(bad):
    with pytest.raises(InputError, match="turned or sheared"):
        volume_from_layer(Image(np.zeros((2, 3, 4)), units=("nm",) * 3, **bad))


def test_colour_and_flat_images_are_no_volumes():
    color = Image(np.zeros((4, 5, 3), np.uint8), rgb=True, name="photo")
    flat = Image(np.zeros((4, 5)))
    assert not is_volume(color)
    assert not is_volume(flat)
    with pytest.raises(InputError, match="colour"):
        volume_from_layer(color)
    with pytest.raises(InputError, match="three axes"):
        volume_from_layer(flat)


@pytest.mark.parametrize("mapped", [True, False])
def test_labels_that_may_not_be_written_to_are_drawn_and_painted(tmp_path, mapped):
    labels = np.arange(24, dtype=np.uint32).reshape(2, 3, 4)
    np.save(tmp_path / "labels.npy", labels)
    stored = np.load(tmp_path / "labels.npy", mmap_mode="r") if mapped else labels.copy()
    stored.flags.writeable = False
    given = Volume(np.asarray(stored), (1.0, 1.0, 1.0))
    table = pd.DataFrame({"label": range(1, 24)})
    layer = made(objects_data(given, table, "objects", phase="Sn"))
    np.testing.assert_array_equal(layer.data, labels)
    layer.paint((0, 0, 0), 7)
    assert layer.data[0, 0, 0] == 7
    np.testing.assert_array_equal(np.load(tmp_path / "labels.npy"), labels)
    assert isinstance(layer.data, np.memmap) == mapped, "a mapped file takes no memory"
    phases = made(phases_data(Volume(np.asarray(stored).astype(np.uint8), (1.0,) * 3), "phases"))
    assert phases.data.flags.writeable


def test_kinds_do_not_mix(drawn_phases):
    series = made(series_data(TiltSeries(np.zeros((3, 4, 4)), [0, 1, 2], 0.5), "tilts"))
    phases = made(phases_data(drawn_phases, "phases"))
    objects = made(
        objects_data(volume(np.uint8), pd.DataFrame({"label": range(1, 24)}), "objects", phase="Sn")
    )
    gray = made(volume_data(volume(), "grey"))
    assert [is_series(layer) for layer in (series, phases, objects, gray)] == [
        True,
        False,
        False,
        False,
    ]
    assert [is_phases(layer) for layer in (series, phases, objects, gray)] == [
        False,
        True,
        False,
        False,
    ]
    assert [is_volume(layer) for layer in (series, phases, objects, gray)] == [
        False,
        False,
        False,
        True,
    ]


def test_phase_colours_are_those_of_the_scheme(drawn_phases):
    layer = made(phases_data(drawn_phases, "phases"))
    colors = layer.colormap.map(np.array([0, 1, 2, 3]))
    assert colors[0, 3] == 0
    as_hex = [
        "#" + "".join(f"{round(255 * part):02x}" for part in color[:3]) for color in colors[1:]
    ]
    assert tuple(as_hex) == PORE_C_SN.colors
    assert scheme_of(layer) == PORE_C_SN


def test_own_names_of_phases_come_back(drawn_phases):
    scheme = PhaseScheme(("gap", "wall", "seed"), ("#000000", "#123456", "#ff0000"))
    assert scheme_of(made(phases_data(drawn_phases, "phases", scheme))) == scheme


def test_labels_of_unknown_origin_get_numbered_phases():
    assert scheme_of(Labels(np.full((2, 2, 2), 5, np.uint8))).names == tuple(
        f"phase {k}" for k in range(1, 6)
    )


def test_a_great_label_does_not_make_as_many_phases():
    """A label of 2^40, as other plugins number objects, once asked for 2^40 names: the memory was
    not enough.
    """
    layer = Labels(np.full((2, 2, 2), 2**40, np.int64))
    assert len(scheme_of(layer).names) == MOST_PHASES


def test_objects_have_a_background_row_and_an_index():
    table = pd.DataFrame(
        {"label": [2, 1], "length_nm": [3.5, 1.5], "resolved": [True, False], "way": ["b", "a"]}
    )
    rows = object_features(table)
    assert rows["index"].tolist() == [0, 1, 2]
    assert rows["length_nm"].tolist()[1:] == [1.5, 3.5]
    assert np.isnan(rows["length_nm"][0])
    assert rows["resolved"].dtype == bool
    back = object_table(rows)
    assert back["label"].tolist() == [1, 2]
    assert back["way"].tolist() == ["a", "b"]
    assert "index" not in back


@pytest.mark.parametrize("labels", [[1, 3], [1, 1], [0, 1]])
def test_tables_with_gaps_are_refused(labels):
    with pytest.raises(InputError, match="1 to N"):
        object_features(pd.DataFrame({"label": labels}))


def test_names():
    assert stem_of("needle · SIRT 50") == "needle"
    assert stem_of("plain") == "plain"
    assert name_from_path("a/b/fibre.ome.tif") == "fibre"
    assert name_from_path("a/b/fibre.mrc") == "fibre"
