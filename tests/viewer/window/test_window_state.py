"""The whole window into a folder and back: every layer exactly as it was, and nothing
half-written.
"""

from __future__ import annotations

import errno
import json
import re
import shutil
import time
from pathlib import Path

import dask.array as da
import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Layer
from napari.utils.colormaps import Colormap, CyclicLabelColormap, DirectLabelColormap
from qtpy.QtWidgets import QApplication, QDockWidget, QLabel, QMainWindow

from napari_snpore.errors import FileFormatError, InputError, OutputError, Stopped
from napari_snpore.files import read_volume
from napari_snpore.history import ReconstructStep
from napari_snpore.in_situ import ImageSeries
from napari_snpore.segmentation.phases import PORE_C_SN
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.viewer.in_situ.layers import frames_data
from napari_snpore.viewer.in_situ.widget import InSituWidget
from napari_snpore.viewer.shared.docking import ancestor
from napari_snpore.viewer.shared.events import plain_viewer
from napari_snpore.viewer.shared.layers import (
    KEY,
    add_layer,
    phases_data,
    record_of,
    scheme_of,
    series_data,
    steps_of,
    volume_data,
)
from napari_snpore.viewer.slices.widget import OrthoSlicesWidget
from napari_snpore.viewer.threshold.widget import ThresholdWidget
from napari_snpore.viewer.window import (
    LayerState,
    WidgetState,
    WindowState,
    find_window,
    is_window_folder,
    read_layers,
    read_window,
    restore_window,
    save_window,
    save_window_as,
    window_state,
    write_window,
)
from napari_snpore.viewer.window.layout import layout_values, set_layout
from napari_snpore.viewer.window.saving import start_saving
from napari_snpore.viewer.window.window_work import start_shown
from napari_snpore.volume import Volume
from tests.viewer.mouse import opened, settle

SPACING = (0.5, 0.25, 0.2)
ORIGIN = (10.0, -3.0, 1 / 3)
RNG = np.random.default_rng(3)


def assert_same(one, other, where=""):
    """Compare values of any depth exactly, with their types where these matter."""
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other)
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype, where
        if one.dtype == object:  # numpy takes no NaN in it for equal
            return assert_same(one.ravel().tolist(), other.ravel().tolist(), where)
        np.testing.assert_array_equal(one, other, err_msg=where)
    elif isinstance(one, dict):
        assert list(one) == list(other), where
        for key in one:
            assert_same(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other), where
        for first, second in zip(one, other, strict=True):
            assert_same(first, second, where)
    elif isinstance(one, Colormap):
        assert type(one) is type(other), where
        assert_same(one.model_dump(), other.model_dump(), where)
    elif isinstance(one, float) and np.isnan(one):
        assert np.isnan(other), where
    else:
        assert one == other, where


def assert_same_layer(layer, other):
    data, settings, type_name = layer.as_layer_data_tuple()
    other_data, other_settings, other_type = other.as_layer_data_tuple()
    assert type_name == other_type
    assert_same(data, other_data, f"{layer.name}.data")
    assert_same(settings, other_settings, layer.name)
    assert_same(layer.bounding_box.model_dump(), other.bounding_box.model_dump(), layer.name)


def round_trip(viewer, folder):
    """Save a viewer, and return a new one with what was saved."""
    save_window(viewer, folder)
    again = ViewerModel()
    assert restore_window(again, read_window(folder)).notes == ()
    return again


def volume(dtype="float32", shape=(4, 5, 6)):
    data = (RNG.standard_normal(shape) * 100).astype(dtype)
    return Volume(data, SPACING, ORIGIN, (ReconstructStep("sirt", iterations=50).step,))


def image():
    return Image(
        RNG.random((4, 5, 6)),
        name="grey",
        scale=SPACING,
        translate=ORIGIN,
        rotate=[[1, 0, 0], [0, 0, -1], [0, 1, 0]],
        units=("nm",) * 3,
        axis_labels=("z", "y", "x"),
        colormap=Colormap(
            ["blue", "#ff000080"], name="mine", low_color="transparent", interpolation="zero"
        ),
        contrast_limits=(0.2, 0.7),
        gamma=0.7,
        opacity=0.4,
        visible=False,
        blending="additive",
        rendering="iso",
        iso_threshold=0.3,
        attenuation=0.2,
        depiction="plane",
        plane={"position": (1, 2, 3), "normal": (0, 1, 0), "thickness": 2},
        experimental_clipping_planes=[
            {"position": (1, 1, 1), "normal": (0, 0, 1), "enabled": True}
        ],
        interpolation2d="cubic",
        interpolation3d="nearest",
        projection_mode="max",
        metadata={
            KEY: {"kind": "volume", "history": []},
            "numbers": np.arange(200.0),
            "deep": {"pair": (1, None, "µ")},
        },
    )


def labels(colormap):
    features = pd.DataFrame(
        {
            "index": np.arange(4),
            "length_nm": np.array([np.nan, 1.5, np.inf, 0.1], np.float32),
            "resolved": [False, True, True, False],
            "phase": ["", "Sn", "Sn · 2", "C"],
            "state": pd.Categorical(["a", "b", None, "a"], categories=["b", "a"], ordered=True),
            "count": pd.array([1, None, 3, 4], dtype="Int64"),
            "mixed": pd.Series([1, "x", None, 2.5], dtype=object),
        }
    )
    data = RNG.integers(0, 4, (4, 5, 6)).astype(np.uint16)
    return Layer.create(
        data, {"features": features, "colormap": colormap, "blending": "opaque"}, "labels"
    )


def shapes():
    box = np.array([[0.0, 0, 0], [0, 0, 2], [0, 2, 2], [0, 2, 0]])
    features = pd.DataFrame(
        {"name": ["centre", "edge", "gap"], "centre": [1.5, 2.0, np.nan], "size": [8, 9, 7]}
    )
    return Layer.create(
        [box, np.array([[1.0, 1, 1], [2, 2, 2]]), np.array([[1.0, 1, 1], [1, 2, 2], [1, 0, 1.1]])],
        {
            "shape_type": ["rectangle", "line", "path"],
            "features": features,
            "edge_color": ["red", "#00ff0080", "blue"],
            "face_color": "transparent",
            "edge_width": [1, 2, 0.5],
            "text": {"string": "{name}: {size:d} nm", "size": 9, "color": "white"},
            "metadata": {KEY: {"kind": "boxes"}},
            "scale": SPACING,
        },
        "shapes",
    )


def points():
    features = pd.DataFrame(
        {"name": [f"position {k}" for k in range(40)], "angle": np.linspace(0, 1, 40)}
    )
    return Layer.create(
        RNG.random((40, 3)) * 9,
        {
            "features": features,
            "face_color": "angle",
            "size": np.linspace(1, 5, 40),
            "symbol": ["star", "disc"] * 20,
            "shown": [True, False] * 20,
            "metadata": {KEY: {"kind": "positions"}},
        },
        "points",
    )


def surface():
    vertices, faces = RNG.random((5, 3)), np.array([[0, 1, 2], [1, 2, 3]])
    return Layer.create(
        (vertices, faces, np.arange(5.0)),
        {"colormap": "magma", "wireframe": {"visible": True}},
        "surface",
    )


def tracks():
    data = np.array([[0, 0, 0, 0], [0, 1, 1, 1.5], [1, 2, 2, 2], [1, 3, 3, 3]])
    return Layer.create(
        data,
        {"graph": {1: [0]}, "features": {"speed": [1.0, 2, 3, 4]}, "color_by": "speed"},
        "tracks",
    )


def vectors():
    features = pd.DataFrame({"k": [1.0, 2.0, 3.0]})
    return Layer.create(
        RNG.random((3, 2, 3)), {"features": features, "edge_color": "k", "length": 3}, "vectors"
    )


DIRECT = DirectLabelColormap(
    color_dict={None: "transparent", 0: "transparent", 1: "red", 70_000: "#00ff0080"}
)
CYCLIC = CyclicLabelColormap(colors=RNG.random((7, 4)), seed=0.25)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "make",
    [
        image,
        lambda: labels(DIRECT),
        lambda: labels(CYCLIC),
        shapes,
        points,
        surface,
        tracks,
        vectors,
    ],
    ids=[
        "image",
        "direct labels",
        "cyclic labels",
        "shapes",
        "points",
        "surface",
        "tracks",
        "vectors",
    ],
)
def test_every_type_of_layer_comes_back_as_it_was(viewer, tmp_path, make):
    layer = viewer.add_layer(make())
    layer.bounding_box.visible = True
    layer.bounding_box.line_color = "yellow"
    (again,) = round_trip(viewer, tmp_path / "window").layers
    assert_same_layer(layer, again)
    assert again.metadata.get("deep", {}).get("pair") in (None, (1, None, "µ"))


@pytest.mark.parametrize(
    "dtype",
    ["uint8", "int8", "uint16", ">u2", "int32", "int64", "uint64", "float16", "float32", "float64"],
)
def test_volumes_of_every_dtype_are_equal_bit_for_bit(viewer, tmp_path, dtype):
    volumes = [volume(dtype, shape) for shape in ((4, 5, 6), (1, 3, 2), (3, 1, 1))]
    for made in volumes:
        if np.dtype(dtype).kind == "f":
            made.data[0, 0, 0] = np.nan
        add_layer(viewer, volume_data(made, "needle · SIRT 50"))
    again = round_trip(viewer, tmp_path / "window")
    for layer, made in zip(again.layers, volumes, strict=True):
        assert type(layer.data) is np.ndarray
        assert layer.data.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(layer.data, made.data)
        assert layer.scale.tolist() == list(SPACING)
        assert layer.translate.tolist() == list(ORIGIN)
        assert [str(unit) for unit in layer.units] == ["nanometer"] * 3
        assert steps_of(record_of(layer)) == made.history


def test_phases_keep_names_colours_and_paintable_labels(viewer, tmp_path, drawn_phases):
    add_layer(viewer, phases_data(drawn_phases, "needle · phases"))
    layer = round_trip(viewer, tmp_path / "window").layers[0]
    assert scheme_of(layer) == PORE_C_SN
    layer.data_setitem((np.array([0]), np.array([0]), np.array([0])), 3)
    assert layer.data[0, 0, 0] == 3


def test_brush_contour_and_range_of_contrast(viewer, tmp_path):
    painted = viewer.add_layer(labels(CYCLIC))
    painted.selected_label, painted.contour, painted.show_selected_label, painted.brush_size = (
        3,
        2,
        True,
        4,
    )
    gray = viewer.add_layer(image())
    gray.contrast_limits_range = (-1.0, 9.0)
    again = round_trip(viewer, tmp_path / "window")
    assert_same_layer(painted, again.layers[0])
    for name in ("selected_label", "contour", "show_selected_label", "brush_size"):
        assert getattr(again.layers[0], name) == getattr(painted, name)
    assert again.layers["grey"].contrast_limits_range == [-1.0, 9.0]
    assert again.layers["grey"].contrast_limits == [0.2, 0.7]


def test_layers_without_anything_in_them(viewer, tmp_path):
    viewer.add_points(ndim=3)
    viewer.add_shapes(ndim=3)
    viewer.add_labels(np.zeros((3, 4, 5), np.uint8))
    again = round_trip(viewer, tmp_path / "window")
    for layer, other in zip(viewer.layers, again.layers, strict=True):
        assert_same_layer(layer, other)
    assert round_trip(ViewerModel(), tmp_path / "empty").layers == []


def test_yes_or_no_labels_and_colour_pictures(viewer, tmp_path):
    viewer.add_labels(RNG.random((3, 4, 5)) > 0.5)
    viewer.add_image(RNG.integers(0, 255, (6, 7, 3)).astype(np.uint8), rgb=True)
    viewer.add_image(RNG.random((4, 5)) > 0.5)
    again = round_trip(viewer, tmp_path / "window")
    for layer, other in zip(viewer.layers, again.layers, strict=True):
        assert_same_layer(layer, other)


def test_a_volume_is_a_tiff_with_its_size_for_other_programs_and_a_series_is_not(viewer, tmp_path):
    made = volume()
    add_layer(viewer, volume_data(made, "needle · SIRT 50"))
    series = TiltSeries(RNG.random((5, 4, 6)), np.linspace(-60, 60, 5), 0.25)
    add_layer(viewer, series_data(series, "tilts"))
    folder = tmp_path / "window"
    again = round_trip(viewer, folder)
    assert sorted(path.name for path in (folder / "layers").iterdir()) == [
        "01_needle_SIRT_50.tif",
        "02_tilts.npy",
    ]
    stored = read_volume(folder / "layers" / "01_needle_SIRT_50.tif")
    assert stored.spacing == pytest.approx(SPACING)
    assert stored.origin == pytest.approx(ORIGIN)
    np.testing.assert_array_equal(stored.data, made.data)
    assert record_of(again.layers["tilts"])["angles_deg"] == series.angles_deg.tolist()


def test_the_view_comes_back(viewer, tmp_path):
    for name in ("a", "b", "c"):
        add_layer(viewer, volume_data(volume(), name))
    viewer.dims.ndisplay = 3
    viewer.dims.order = (1, 0, 2)
    viewer.dims.point = (11.0, -2.5, 1.1)
    viewer.scene.camera.synced = False
    viewer.scene.camera.center, viewer.scene.camera.zoom = (1.0, 2.0, 3.0), 7.5
    viewer.scene.camera.angles, viewer.scene.camera.perspective = (10.0, 20.0, 30.0), 12.0
    viewer.canvas.overlays.scale_bar.visible = False
    viewer.canvas.overlays.scale_bar.length = 5
    viewer.scene.overlays.axes.visible = True
    viewer.canvas.grid.enabled, viewer.canvas.grid.stride = True, 2
    viewer.layers.selection = {viewer.layers["a"], viewer.layers["c"]}
    viewer.layers.selection.active = viewer.layers["a"]
    again = round_trip(viewer, tmp_path / "window")
    assert again.dims.ndisplay == 3
    assert again.dims.order == (1, 0, 2)
    assert again.dims.point == viewer.dims.point
    assert again.scene.camera.model_dump() == viewer.scene.camera.model_dump()
    assert again.canvas.grid.model_dump() == viewer.canvas.grid.model_dump()
    assert not again.canvas.overlays.scale_bar.visible
    assert again.canvas.overlays.scale_bar.length == 5
    assert again.scene.overlays.axes.visible
    assert {layer.name for layer in again.layers.selection} == {
        layer.name for layer in viewer.layers.selection
    }
    assert again.layers.selection.active is again.layers["a"]


def test_layers_join_those_that_are_there(viewer, tmp_path):
    add_layer(viewer, volume_data(volume(), "needle"))
    viewer.dims.point = (10.5, -2.5, 1.0)
    save_window(viewer, tmp_path / "window")
    other = ViewerModel()
    other.add_image(np.zeros((2, 3, 4, 5)), name="needle")
    before = other.layers[0]
    (new,) = restore_window(other, read_window(tmp_path / "window")).layers
    assert list(other.layers) == [before, new]
    assert new.name != "needle"
    assert other.dims.point[1:] == (10.5, -2.5, 1.0)
    assert other.dims.order == (0, 1, 2, 3)


def test_layers_that_share_an_array_share_it_again(viewer, tmp_path):
    made = volume()
    for name in ("xy", "xz"):
        add_layer(viewer, volume_data(made, name))
    again = round_trip(viewer, tmp_path / "window")
    assert again.layers["xy"].data is again.layers["xz"].data
    assert len(list((tmp_path / "window" / "layers").iterdir())) == 1


def test_lazy_and_pyramids_are_saved_in_full_and_that_is_said(viewer, tmp_path):
    full = RNG.random((40, 16, 16)).astype(np.float32)
    viewer.add_image(
        da.from_array(full, chunks=(7, 8, 8)), name="lazy", scale=SPACING, units=("nm",) * 3
    )
    viewer.add_image([full, full[::2, ::2, ::2]], name="pyramid", multiscale=True)
    saved = save_window(viewer, tmp_path / "window")
    assert len(saved.notes) == 2
    assert "pyramid" in saved.notes[1]
    for layer in read_window(tmp_path / "window").layers:
        np.testing.assert_array_equal(layer.data, full)
        assert not layer.settings["multiscale"]


def test_what_cannot_be_kept_is_named_and_left_out(viewer, tmp_path):
    class Odd(Image):
        pass

    viewer.add_layer(Odd(np.zeros((2, 3)), name="odd"))
    preview = volume_data(volume(), "needle · preview")
    preview[1]["metadata"] = {KEY: {"kind": "preview"}}
    add_layer(viewer, preview)
    viewer.add_image(np.zeros((3, 3)), name="plain", metadata={"call": print, "kept": 1})
    saved = save_window(viewer, tmp_path / "window")
    state = read_window(tmp_path / "window")
    assert [layer.name for layer in state.layers] == ["plain"]
    assert state.layers[0].settings["metadata"] == {"kept": 1}
    assert len(saved.notes) == 2
    assert "'odd' is of a type that is not kept (Odd)" in saved.notes[0]
    assert saved.notes[1].startswith("call of metadata of the layer 'plain'")
    assert state.notes == saved.notes


def test_a_saved_window_is_replaced_only_by_a_complete_one(viewer, tmp_path):
    folder = tmp_path / "window"
    add_layer(viewer, volume_data(volume(), "first"))
    save_window(viewer, folder)
    viewer.layers.clear()
    add_layer(viewer, volume_data(volume(shape=(64, 300, 300)), "second"))
    asked = []

    def should_stop():
        asked.append(None)
        return len(asked) > 2

    with pytest.raises(Stopped):
        save_window(viewer, folder, should_stop=should_stop)
    assert [layer.name for layer in read_window(folder).layers] == ["first"]
    broken = da.from_array(volume().data, chunks=2).map_blocks(
        lambda block: 1 / 0, dtype=np.float32, meta=np.zeros(0, np.float32)
    )
    viewer.layers[0].data = volume().data
    state = window_state(viewer)
    bad = type(state.layers[0])(broken, state.layers[0].settings, "image")
    with pytest.raises(InputError, match="data of 'second' cannot be read"):
        write_window(type(state)((bad,)), folder)
    assert [layer.name for layer in read_window(folder).layers] == ["first"]
    told = []
    save_window(viewer, folder, progress=lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1]
    assert [layer.name for layer in read_window(folder).layers] == ["second"]
    assert list(tmp_path.iterdir()) == [folder], "nothing is left beside it"


def test_other_folders_are_not_touched(viewer, tmp_path):
    add_layer(viewer, volume_data(volume(), "needle"))
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("words", encoding="utf-8")
    (tmp_path / "thesis" / "window.json").write_text("{}", encoding="utf-8")
    with pytest.raises(OutputError, match="something other than a saved window"):
        save_window(viewer, tmp_path / "thesis")
    with pytest.raises(OutputError, match="is a file"):
        save_window(viewer, tmp_path / "thesis" / "chapter.txt")
    assert not is_window_folder(tmp_path / "thesis")
    assert not is_window_folder(tmp_path / "nowhere")
    with pytest.raises(FileFormatError, match="no saved window"):
        read_window(tmp_path / "thesis")
    (tmp_path / "empty").mkdir()
    save_window(viewer, tmp_path / "empty")
    assert is_window_folder(tmp_path / "empty")


@pytest.fixture
def folder(viewer, tmp_path):
    add_layer(viewer, volume_data(volume(), "needle"))
    viewer.add_points(RNG.random((300, 3)))
    return save_window(viewer, tmp_path / "window").folder


def test_a_window_is_found_by_its_folder_and_by_its_file(folder):
    assert find_window(folder) == find_window(str(folder / "window.json")) == folder
    assert find_window(folder / "layers") is None
    assert find_window(folder / "layers" / "01_needle.tif") is None
    assert len(read_window(folder / "window.json").layers) == 2


@pytest.mark.parametrize("name", ["layers/01_needle.tif", "layers/values.npz"])
def test_damage_is_one_sentence_that_names_the_file(folder, name):
    path = folder / name
    content = bytearray(path.read_bytes())
    content[-200] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        FileFormatError, match=rf"{Path(name).name} is damaged: its content"
    ) as told:
        read_window(folder)
    assert str(told.value).count("\n") == 0
    path.write_bytes(content[:-7])
    with pytest.raises(FileFormatError, match=rf"{Path(name).name} is damaged: it holds"):
        read_window(folder)
    path.unlink()
    with pytest.raises(FileFormatError, match=rf"{Path(name).name} is missing"):
        read_window(folder)


def change(folder, edit):
    path = folder / "window.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    edit(content)
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize(
    "edit",
    [
        lambda content: content["layers"][0].pop("settings"),
        lambda content: content["layers"][0].update(type="hologram"),
        lambda content: content["layers"][0]["data"].update(shape=[4, 5, 7]),
        lambda content: content["layers"][0]["data"].update(file="../../secret.npy"),
        lambda content: content["layers"][1].update(data={"$": "array", "in": "a99"}),
        lambda content: content["layers"][1].update(data={"$": "spell"}),
        lambda content: content["files"].update({"../x": {"bytes": 1, "sha256": ""}}),
        lambda content: content.update(schema=99),
        lambda content: content.update(schema="new"),
        lambda content: content.update(layers=None),
        lambda content: content.pop("window"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_one_sentence(folder, edit):
    change(folder, edit)
    with pytest.raises(FileFormatError, match=r"window\.json|01_needle"):
        read_window(folder)


def test_a_manifest_that_was_cut_short_is_known_as_ours(folder):
    path = folder / "window.json"
    path.write_bytes(path.read_bytes()[:1000])
    assert is_window_folder(folder)
    with pytest.raises(FileFormatError, match=r"window\.json is damaged or cut short"):
        read_window(folder)


def test_a_layer_that_napari_refuses_does_not_take_the_others_with_it(viewer, folder):
    change(
        folder,
        lambda content: content["layers"][0]["settings"].update(blending="of a later napari"),
    )
    restored = restore_window(viewer, read_window(folder))
    assert [layer.name for layer in restored.layers] == ["Points [1]"]
    assert "'needle' could not be made again" in restored.notes[0]


def test_damage_is_told_without_the_words_of_a_parser(folder):
    path = folder / "window.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    with pytest.raises(FileFormatError) as cut:
        read_window(folder)
    path.write_bytes(whole)
    change(folder, lambda content: content["layers"][0].pop("settings"))
    with pytest.raises(FileFormatError) as missing:
        read_window(folder)
    for told in (str(cut.value), str(missing.value)):
        assert "window.json is damaged" in told
        assert not any(word in told for word in ("line", "column", "char", "Error", "'settings'"))


def test_a_name_that_is_too_long_is_refused(viewer, tmp_path):
    viewer.add_points(np.zeros((2, 3)))
    with pytest.raises(OutputError, match="cannot be saved to: File name too long"):
        save_window(viewer, tmp_path / ("n" * 300))
    assert list(tmp_path.iterdir()) == []
    save_window(viewer, tmp_path / ("n" * 250))  # 255 are allowed; the folder beside it has its own
    assert [path.name for path in tmp_path.iterdir()] == ["n" * 250]


def test_a_full_disk_is_told_in_fitting_units(viewer, tmp_path, monkeypatch):
    add_layer(
        viewer, volume_data(volume(shape=(4, 512, 1024)), "needle")
    )  # 4 · 512 · 1024 · 4 bytes
    usage = type(shutil.disk_usage(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage(10**7, 10**7 - 4000, 4000))
    with pytest.raises(OutputError, match=r"needs 8\.4 MB, and 4\.0 kB are free there"):
        save_window(viewer, tmp_path / "window")


def test_a_disk_that_fills_up_while_it_is_written_says_so(viewer, tmp_path, monkeypatch):
    """As on a small disk: there seems to be room, then a write fails, and what was written is taken
    away.
    """
    viewer.add_points(RNG.random((5000, 3)))
    usage, free = type(shutil.disk_usage(tmp_path)), iter([10**9, 10**5, 10**5])
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage(10**9, 0, next(free)))

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(
        OutputError,
        match=r"window cannot be written: the window needs \d+\.\d kB, and 100\.0 kB are free",
    ):
        save_window(viewer, tmp_path / "window")
    assert list(tmp_path.iterdir()) == []


def test_another_failure_names_the_folder_that_was_asked_for(viewer, tmp_path, monkeypatch):
    add_layer(viewer, volume_data(volume(), "needle"))

    def broken(path, *_):
        raise OutputError(f"{path} cannot be written: bad sector.")

    monkeypatch.setattr("napari_snpore.viewer.window.array_files.write_volume", broken)
    with pytest.raises(OutputError, match=re.escape(f"{tmp_path / 'window' / 'layers'}")):
        save_window(viewer, tmp_path / "window")


def test_reading_can_be_stopped(folder):
    with pytest.raises(Stopped):
        read_window(folder, should_stop=lambda: True)


@pytest.fixture
def window(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(600, 450)
    return viewer


def test_a_real_window_is_saved_from_the_menu_and_opened_again(window, qtbot, tmp_path):
    gray = np.arange(4096, dtype=np.uint16).reshape(16, 16, 16)
    add_layer(window, phases_data(Volume(gray.astype(np.uint8) // 80, SPACING, ORIGIN), "phases"))
    add_layer(window, volume_data(Volume(gray, SPACING, ORIGIN), "steps"))
    window.dims.ndisplay = 3
    window.scene.camera.angles = (5.0, 40.0, 20.0)
    window.scene.camera.zoom = 33.0
    _, widget = window.window.add_plugin_dock_widget("napari-snpore", "Threshold")
    widget.counting.wait()
    widget.thresholds = (100, 2000)
    assert "steps · preview" in window.layers
    folder = tmp_path / "my window"
    dialog = save_window_as(window)
    dialog.setDirectory(str(tmp_path))
    dialog.selectFile(folder.name)
    dialog.accept()
    qtbot.waitUntil(lambda: is_window_folder(folder), timeout=10_000)
    qtbot.waitUntil(lambda: "Save window" not in window.window.dock_widgets, timeout=10_000)
    angles = window.scene.camera.angles
    window.window.remove_dock_widget("all")
    QApplication.processEvents()
    window.layers.clear()
    window.dims.ndisplay = 2
    assert read_layers(folder) == []
    QApplication.processEvents()
    np.testing.assert_array_equal(window.layers["steps"].data, gray)
    assert window.dims.ndisplay == 3
    assert window.scene.camera.zoom == pytest.approx(33.0)
    assert window.scene.camera.angles == pytest.approx(angles)
    assert not any("window" in name for name in window.window.dock_widgets)
    _, widget = window.window.add_plugin_dock_widget("napari-snpore", "Threshold")
    assert widget.thresholds == (100.0, 2000.0)
    assert "steps · preview" in window.layers


def test_saving_over_a_saved_window_and_over_something_else(
    window, qtbot, tmp_path, monkeypatch, told
):
    monkeypatch.setattr("napari_snpore.viewer.window.window_work.show_error", told.append)
    assert save_window_as(window) is None
    assert "no layer to save" in told.pop()
    window.add_points(np.zeros((2, 3)))
    folder = tmp_path / "window"
    save_window(window, folder)
    window.add_points(np.ones((2, 3)))
    dialog = save_window_as(window)
    dialog.setDirectory(str(tmp_path))
    dialog.selectFile("window")
    dialog.accept()
    qtbot.waitUntil(lambda: bool(told), timeout=10_000)
    assert told.pop().startswith("Saved 2 layers")
    assert len(read_window(folder).layers) == 2
    (folder / "window.json").unlink()
    assert start_saving(window, str(folder)) is None
    assert "something other" in told.pop()


@pytest.fixture
def slow():
    """Data that take two seconds to read."""

    def wait(block):
        time.sleep(0.1)
        return block

    return da.zeros((20, 64, 1024, 64), np.float32, chunks=(1, 64, 1024, 64)).map_blocks(
        wait, dtype=np.float32
    )


@pytest.fixture
def told(monkeypatch):
    sentences = []
    monkeypatch.setattr("napari_snpore.viewer.window.window_work.show_info", sentences.append)
    return sentences


def test_cancel_leaves_nothing_and_says_so(window, qtbot, tmp_path, slow, told):
    window.add_points(np.zeros((2, 3)))
    state = window_state(window)
    state = type(state)((*state.layers, LayerState(slow, {"name": "slow"}, "image")), state.view)
    status = start_shown(
        window,
        "Save window",
        lambda p, s: write_window(state, tmp_path / "w", progress=p, should_stop=s),
        print,
    )
    qtbot.waitUntil(lambda: status.bar.value() > 0, timeout=10_000)
    status.cancel_button.click()
    qtbot.waitUntil(lambda: bool(told), timeout=10_000)
    assert told == ["Save window was cancelled; nothing was kept."]
    assert list(tmp_path.iterdir()) == []
    assert "Save window" not in window.window.dock_widgets


def test_who_closes_the_line_does_not_stop_the_work(window, qtbot, tmp_path, slow, told):
    state = WindowState((LayerState(slow[:6], {"name": "slow"}, "image"),))
    status = start_shown(
        window,
        "Save window",
        lambda p, s: write_window(state, tmp_path / "w", progress=p, should_stop=s),
        told.append,
    )
    qtbot.waitUntil(lambda: status.bar.value() > 0, timeout=10_000)
    window.window.remove_dock_widget(window.window.dock_widgets["Save window"])
    qtbot.waitUntil(lambda: bool(told), timeout=10_000)
    assert told[0].layer_count == 1
    assert is_window_folder(tmp_path / "w")
    qtbot.wait(50)


def docks_of(viewer):
    """Return the main window of a viewer, and its docks by the name of the widget."""
    main = ancestor(next(iter(viewer.window.dock_widgets.values())), QMainWindow)
    return main, {
        name.split(" (")[0]: ancestor(one, QDockWidget)
        for name, one in viewer.window.dock_widgets.items()
    }


def is_raised(dock):
    return not dock.visibleRegion().isEmpty()


def test_forms_come_back_in_the_instrument(window, qtbot, tmp_path, make_napari_viewer_proxy):
    add_layer(window, volume_data(volume(shape=(12, 40, 50)), "needle"))
    _, first = window.window.add_plugin_dock_widget("napari-snpore", "Threshold")
    first.counting.wait()
    for name in ("Subvolumes", "Measure"):
        window.window.add_plugin_dock_widget("napari-snpore", name)
        settle(0.2)  # each joins the others
    slices = opened(window)
    slices.position = (11.0, -1.0, 3.0)
    slices.keep("here")
    slices.linked.views["XY"].camera.zoom *= 3
    _, docks = docks_of(window)
    bench = window.window.dock_widgets["Workbench (napari-snpore)"]
    bench.fold(True)
    bench.open_step("Threshold")
    settle(0.5)
    zoom = slices.linked.views["XY"].camera.zoom
    assert is_raised(first)
    save_window(window, tmp_path / "window")
    other = make_napari_viewer_proxy(show=True)
    restore_window(other, read_window(tmp_path / "window"))
    settle(1.2)
    _, docks = docks_of(other)
    bench = other.window.dock_widgets["Workbench (napari-snpore)"]
    shown = plain_viewer(bench.form)
    assert isinstance(shown, ThresholdWidget)
    assert is_raised(shown)
    assert bench.chosen == "Threshold"
    assert bench.is_folded
    assert {"Threshold", "Subvolumes", "Measure"} <= set(docks)
    assert docks["Threshold"] is docks["Measure"] is docks["Workbench"]
    slices = next(
        one for one in other.window.dock_widgets.values() if isinstance(one, OrthoSlicesWidget)
    )
    assert [view.camera.zoom for view in slices.linked.views.values()] == pytest.approx([zoom] * 3)
    slices.position = (10.0, -2.0, 2.0)
    slices.go_to("here")
    assert slices.position == pytest.approx((11.0, -1.0, 3.0), abs=0.26)


def test_a_window_saved_with_a_dock_for_each_form_opens_in_the_instrument(
    window, qtbot, make_napari_viewer_proxy
):
    for name in ("Threshold", "Measure"):  # as such a window was: a dock for each, one in front
        window.window.add_dock_widget(QLabel(name), name=f"{name} (napari-snpore)", tabify=True)
    settle(0.3)
    states = tuple(WidgetState(name, {}) for name in ("Threshold", "Measure"))
    saved = WindowState((), widgets=states, layout=layout_values(window.__wrapped__))
    other = make_napari_viewer_proxy(show=True)
    restored = restore_window(other, saved)
    settle(1.2)
    assert [note for note in restored.notes if "could not be opened" not in note] == []
    main, docks = docks_of(other)
    assert docks["Threshold"] is docks["Measure"] is docks["Workbench"]
    assert is_raised(docks["Workbench"])
    assert not docks["Workbench"].isFloating()
    bench = other.window.dock_widgets["Workbench (napari-snpore)"]
    assert is_raised(plain_viewer(bench.form))
    shown = [one for one in main.findChildren(QDockWidget) if is_raised(one)]
    assert not [one for one in shown if one.objectName().startswith(("Threshold", "Measure"))]


def test_the_size_of_the_window_comes_back(window, qtbot, tmp_path, make_napari_viewer_proxy):
    window.add_points(np.zeros((2, 3)))
    window.window.add_plugin_dock_widget("napari-snpore", "Measure")
    window.window.resize(791, 583)
    settle(0.3)
    main, _ = docks_of(window)
    size = main.size()
    assert (size.width(), size.height()) == (791, 583)
    save_window(window, tmp_path / "window")
    other = make_napari_viewer_proxy(show=True)
    restore_window(other, read_window(tmp_path / "window"))
    settle(0.8)
    assert docks_of(other)[0].size() == size


@pytest.mark.parametrize("docks", ["", "bm90IFF0", "no base64 ⚠", None])
def test_a_window_is_never_larger_than_the_screen(window, qtbot, docks):
    window.window.add_plugin_dock_widget("napari-snpore", "Measure")
    set_layout(window, {"size": [9000, 8000], "docks": docks})
    settle(0.5)
    main, _ = docks_of(window)
    scratch = main.screen().availableGeometry()
    # the first window of a process loads parts of itself meanwhile
    qtbot.waitUntil(lambda: main.width() > 0.9 * scratch.width(), timeout=10_000)
    assert scratch.contains(main.frameGeometry())


def test_rectangles_of_an_in_situ_series_come_back_with_their_numbers(viewer, qtbot, tmp_path):
    images = RNG.random((3, 40, 60)).astype(np.float32)
    add_layer(viewer, frames_data(ImageSeries(images, 0.5, [0.0, 5.0, 11.0]), "movie"))
    widget = InSituWidget(viewer)
    qtbot.addWidget(widget)
    for drawn, corners in (
        (widget.region, [[2, 2], [30, 50]]),
        (widget.boxes.drawn, [[3, 3], [9, 9]]),
    ):
        drawn.draw()
        drawn.layer.add_rectangles([corners])
        drawn.layer.mode = "pan_zoom"
    widget.boxes.drawn.layer.add_rectangles([[[20, 20], [30, 35]]])
    widget.boxes.vacuum.setCurrentText("2")
    widget.boxes.follows.setChecked(False)
    viewer = round_trip(viewer, tmp_path / "window")
    again = InSituWidget(viewer)
    qtbot.addWidget(again)
    again.set_state(widget.state(), {layer.name: layer for layer in viewer.layers})
    assert again.boxes.drawn.layer.text.values.tolist() == ["1", "2"]
    assert again.state() == widget.state()
    assert again.boxes.options(again.layer, 0.5) == widget.boxes.options(widget.layer, 0.5)


def test_a_window_that_is_closed_while_it_is_saved_leaves_nothing(window, qtbot, tmp_path, slow):
    state = WindowState((LayerState(slow, {"name": "slow"}, "image"),))
    bar = start_shown(
        window,
        "Save window",
        lambda p, s: write_window(state, tmp_path / "w", progress=p, should_stop=s),
        print,
    ).bar
    qtbot.waitUntil(lambda: bar.value() > 0, timeout=10_000)
    window.close()
    qtbot.waitUntil(lambda: list(tmp_path.iterdir()) == [], timeout=10_000)
    qtbot.wait(200)  # a write that went on would begin anew
    assert list(tmp_path.iterdir()) == []
