"""What is exported is what is on screen: units, position, thickness, colours; what cannot be drawn
is named.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from napari.utils.colormaps import DirectLabelColormap
from PIL import Image

from napari_snpore.errors import InputError
from napari_snpore.figures import (
    BoxPairPanel,
    FigureStyle,
    FractionPanel,
    ImagePanel,
    PhasePanel,
    PlateRecipe,
    SlicePanel,
    TablePanel,
    ThresholdPanel,
    recipe_of,
)
from napari_snpore.figures.plate_drawing import draw_plate, panels_of
from napari_snpore.figures.state_table import state_table
from napari_snpore.history import PlantedPhasesStep, SegmentStep
from napari_snpore.subvolume import NamedBox
from napari_snpore.viewer.figure.gather import gather
from napari_snpore.viewer.figure.layer_appearance import SliceAppearance
from napari_snpore.viewer.figure.scene_picture import SceneCamera
from napari_snpore.viewer.figure.specimens import specimens_in
from napari_snpore.viewer.figure.widget import FigureWidget
from napari_snpore.viewer.scene.cameras import look_along
from napari_snpore.viewer.shared.boxes import boxes_of
from napari_snpore.viewer.shared.layers import add_layer, objects_data, phases_data, volume_data
from napari_snpore.volume import Volume

SPACING = (0.5, 0.25, 0.2)
SHAPE = (20, 30, 40)
STYLE = {"width_mm": 180.0, "font_pt": 7.0, "dpi": 100, "letters": True}


def labels_of(sn=slice(12, 14)):
    labels = np.full(SHAPE, 2, np.uint8)
    labels[:10] = 1
    labels[sn, 5:9, 5:9] = 3
    return labels


def fill(viewer):
    _, y, _ = np.indices(SHAPE)
    gray = add_layer(viewer, volume_data(Volume(y.astype(np.float32), SPACING), "fibre"))
    history = (SegmentStep((9.5, 20.5), ("pore", "C", "Sn")).step,)
    phases = add_layer(
        viewer, phases_data(Volume(labels_of(), SPACING, history=history), "fibre · phases")
    )
    return gray, phases


def spec_of(viewer, parts, gray, phases, objects=None, field_nm=0.0, **more):
    return gather(
        viewer,
        parts,
        volume=gray,
        phases=phases,
        objects=objects,
        plane="XZ",
        field_nm=field_nm,
        style=FigureStyle(**STYLE),
        **more,
    )


def kinds(panels):
    return [type(panel) for row in panels.rows for panel in row]


@pytest.mark.parametrize("with_box", [False, True])
def test_layers_in_micrometres_are_cut_where_the_window_is(viewer, with_box):
    """Row 11 of voxels of 0.25 nm from 20 nm on: y = 22.75 nm. A layer in nm beside it makes the
    window count in nm.
    """
    _, y, _ = np.indices(SHAPE)
    place = {
        "scale": (0.0005, 0.00025, 0.0002),
        "translate": (0.01, 0.02, 0.03),
        "units": ("um",) * 3,
    }
    gray = viewer.add_image(y.astype(np.float32), name="um", **place)
    if with_box:
        boxes_of(viewer).put(NamedBox("box", (12.0, 22.0, 32.0), (2.0, 2.0, 2.0)))
    a_unit = 1.0 if with_box else 0.001
    viewer.dims.set_point(1, 22.75 * a_unit)
    (panel,) = panels_of(spec_of(viewer, ("grey",), gray, None)).rows[0]
    assert panel.heading == "XZ, y = 22.75 nm"
    assert np.unique(panel.cut.values) == [11]


def test_a_position_outside_a_volume_is_named_and_the_rest_is_drawn(viewer):
    gray, _ = fill(viewer)
    small = add_layer(viewer, phases_data(Volume(labels_of()[:, :10], SPACING), "small · phases"))
    viewer.dims.set_point(1, 6.0)
    panels = panels_of(spec_of(viewer, ("grey", "phases"), gray, small))
    assert kinds(panels) == [SlicePanel]
    assert panels.rows[0][0].heading == "XZ, y = 6.00 nm"
    assert np.unique(panels.rows[0][0].cut.values) == [24]
    (words,) = panels.left_out
    assert words.startswith("Left out: slice, phases.")
    assert "6 nm" in words
    with pytest.raises(InputError, match="slice, phases"):
        panels_of(spec_of(viewer, ("phases",), gray, small))


def test_thick_slices_and_their_field_are_those_of_the_ortho_slices(viewer):
    """Row 11, 3 nm: twelve rows of 0.25 nm, 5 to 16; the field of 3 nm holds seven rows of 0.5
    nm.
    """
    gray, phases = fill(viewer)
    viewer.dims.set_point(range(3), (5.0, 2.75, 4.0))
    slices = SliceAppearance(field_nm=3.0, projection="max", thickness_nm=3.0)
    thick, label = panels_of(spec_of(viewer, ("grey", "phases"), gray, phases, slices=slices)).rows[
        0
    ]
    assert thick.heading == "XZ, y = 2.75 nm, maximum over 3 nm"
    assert np.unique(thick.cut.values) == [16]
    assert thick.cut.values.shape == (7, 15)
    assert label.heading == "phases, XZ, y = 2.75 nm"
    mine = spec_of(viewer, ("grey",), gray, phases, slices=slices, field_nm=1.0)
    assert mine.field_nm == 1.0
    recipe = mine.recipe()
    assert (recipe["projection"], recipe["thickness_nm"]) == ("max", 3.0)


def test_the_oblique_slice_is_that_of_the_open_panel(viewer):
    gray, phases = fill(viewer)
    viewer.dims.set_point(range(3), (5.0, 2.75, 4.0))
    gray.contrast_limits = (0, 29)
    with pytest.raises(InputError, match="Ortho slices"):
        spec_of(viewer, ("oblique",), gray, phases)
    flat = SliceAppearance(oblique_of=gray, tilt_deg=90.0, turn_deg=0.0)
    ((panel,),) = panels_of(spec_of(viewer, ("oblique",), gray, phases, slices=flat)).rows
    assert isinstance(panel, ImagePanel)
    assert "90°" in panel.heading
    middle = panel.rgb[panel.rgb.shape[0] // 2, panel.rgb.shape[1] // 2, 0]
    assert middle == pytest.approx(255 * 11 / 29, abs=2), "XZ at row 11"


def test_phases_have_the_colours_of_the_window_and_hidden_ones_stay_hidden(viewer, tmp_path):
    gray, phases = fill(viewer)
    viewer.dims.set_point(range(3), (6.0, 1.5, 1.2))
    phases.colormap = DirectLabelColormap(
        color_dict={None: "transparent", 0: "transparent", 1: "white", 2: "transparent", 3: "red"}
    )
    spec = spec_of(viewer, ("phases",), gray, phases)
    assert spec.shown_scheme.colors == ("#ffffff", "#00000000", "#ff0000")
    assert spec.scheme.colors == ("#ffffff", "#2f6db5", "#ff0000"), (
        "bars show a phase that slices hide"
    )
    (panel,) = panels_of(spec_of(viewer, ("phases",), gray, phases)).rows[0]
    assert panel.note() == "not shown: C"
    widget = FigureWidget(viewer)
    widget.stack.of.setCurrentText("phases")
    widget.stack.plane.setCurrentText("XY")
    widget.stack.labels.setChecked(False)
    widget.stack.save_pictures(tmp_path / "s")
    widget.status.wait()
    with Image.open(tmp_path / "s" / "slice_0013.png") as image:
        found = {color for _, color in image.convert("RGB").getcolors()}
    assert found == {(225, 225, 225), (255, 0, 0)}, "carbon lets the light ground through"


def test_a_box_outside_is_named_once_and_the_others_are_drawn(viewer):
    gray, phases = fill(viewer)
    boxes_of(viewer).put(NamedBox("centre", (5.0, 3.5, 4.0), (2.0, 2.0, 2.0)))
    boxes_of(viewer).put(NamedBox("far", (5.0, 350.0, 4.0), (2.0, 2.0, 2.0)))
    drawn = draw_plate(spec_of(viewer, ("boxes", "fractions"), gray, phases))
    (words,) = drawn.remarks
    assert "'far'" in words
    assert "leaves the volume" in words
    panels = panels_of(spec_of(viewer, ("boxes", "fractions"), gray, phases))
    assert kinds(panels) == [SlicePanel, PhasePanel, FractionPanel]


def test_the_pair_and_the_grey_values_are_parts(viewer):
    gray, phases = fill(viewer)
    boxes_of(viewer).put(NamedBox("other", (5.0, 3.5, 4.0), (2.0, 2.0, 2.0)))
    boxes_of(viewer).put(NamedBox("edge", (7.0, 3.5, 4.0), (2.0, 2.0, 2.0)))
    boxes_of(viewer).put(NamedBox("centre", (3.0, 3.5, 4.0), (2.0, 2.0, 2.0)))
    panels = panels_of(spec_of(viewer, ("pair", "gray_values"), gray, phases))
    pair, values = (panel for row in panels.rows for panel in row)
    assert isinstance(pair, BoxPairPanel)
    assert list(pair.cuts) == ["centre", "edge"]
    assert pair.shares["centre"] == {"pore": 100.0, "C": 0.0, "Sn": 0.0}
    assert isinstance(values, ThresholdPanel)
    assert tuple(values.thresholds) == (9.5, 20.5)
    assert values.histogram.voxel_count == np.prod(SHAPE)


def test_the_table_has_a_column_a_state_and_units_in_its_rows(viewer):
    """By hand: pore 10 of 20 planes; Sn 2 · 4 · 4 voxels in one state and 4 · 4 · 4 in the
    other.
    """
    _, pristine = fill(viewer)
    history = (PlantedPhasesStep().step,)
    later = Volume(labels_of(slice(12, 16)), SPACING, history=history)
    sodiated = add_layer(viewer, phases_data(later, "sodiated · phases"))
    table = pd.DataFrame(
        {"label": [1, 2, 3], "voxel_count": [32, 100, 90], "volume_nm3": [0.8, 2.5, 2.0]}
    )
    table = table.assign(
        length_nm=[1.5, 3.0, 9.0], width_nm=[1.0, 2.0, 3.0], aspect_ratio=[0.67, 0.5, 0.3]
    )
    table = table.assign(touches_border=[False, False, True])
    numbered = np.zeros(SHAPE, np.int32)
    numbered[0, 0, :3] = (1, 2, 3)
    add_layer(
        viewer, objects_data(Volume(numbered, SPACING), table, "sodiated · Sn objects", phase="Sn")
    )
    viewer.add_labels(np.ones((3, 3, 3), np.uint8), name="drawn · by hand")
    bare = viewer.add_labels(
        np.ones((3, 3, 3), np.uint8), name="bare · phases", metadata=pristine.metadata
    )
    states, left_out = specimens_in(list(viewer.layers), phases=pristine)
    assert len(left_out) == 1
    assert "'bare'" in left_out[0]
    viewer.layers.remove(bare)
    found = state_table(states, [NamedBox("top", (1.0, 3.0, 3.0), (1.0, 1.0, 1.0))])
    assert list(found.columns) == ["", "fibre", "sodiated"]
    cells = found.set_index("")
    total = np.prod(SHAPE)
    assert cells.loc["pore of the whole box (%)"].tolist() == ["50.0", "50.0"]
    assert cells.loc["Sn of the whole box (%)"].tolist() == [
        f"{100 * n / total:.1f}" for n in (32, 64)
    ]
    assert cells.loc["pore, top (%)", "fibre"] == "100.0"
    assert cells.loc["Sn clusters, n"].tolist() == ["–", "2"]
    assert cells.loc["Sn clusters, unresolved: below 64 voxels (%)"].tolist() == ["–", "50.0"], (
        "32 of 32 and 100"
    )
    assert cells.loc["Sn clusters, median length (nm)", "sodiated"] == "2.25"
    assert cells.loc["Sn clusters, median aspect ratio", "sodiated"] == "0.500", (
        "the resolved one alone"
    )
    assert cells.loc["Sn clusters, shorter than 2 nm (%)", "sodiated"] == "50.0"
    ((panel,),) = panels_of(spec_of(viewer, ("table",), None, sodiated)).rows
    assert isinstance(panel, TablePanel)
    assert "n = 1 fibre" in panel.note()


def test_the_recipe_holds_what_is_needed_to_draw_the_plate_again(viewer):
    gray, phases = fill(viewer)
    gray.colormap, gray.gamma, gray.contrast_limits = "inferno", 0.7, (2, 25)
    recipe = spec_of(viewer, ("grey", "phases"), gray, phases).recipe()
    assert recipe["style"] == STYLE
    assert (recipe["colormap"], recipe["gamma"], recipe["contrast_limits"]) == (
        "inferno",
        0.7,
        [2, 25],
    )
    colors = [("pore", "#ffffff"), ("C", "#2f6db5"), ("Sn", "#f4c20d")]
    assert recipe["phases"] == [{"name": name, "color": color} for name, color in colors]
    assert recipe["thresholds"] == [9.5, 20.5]
    again = PlateRecipe(**recipe)
    assert again.model_dump(mode="json") == recipe
    assert (again.parts, again.gamma, again.contrast_limits) == (
        ["grey", "phases"],
        0.7,
        (2.0, 25.0),
    )


def test_pictures_are_overwritten_only_where_that_is_ticked(viewer, tmp_path):
    fill(viewer)
    widget = FigureWidget(viewer)
    (tmp_path / "slice_0001.png").write_bytes(b"mine")
    (tmp_path / "note.txt").write_text("mine")
    widget.stack.save_pictures(tmp_path)
    widget.status.wait()
    assert "overwrite" in widget.status.message.text()
    assert (tmp_path / "slice_0001.png").read_bytes() == b"mine"
    widget.stack.overwrite.setChecked(True)
    widget.stack.save_pictures(tmp_path)
    widget.status.wait()
    assert len(list(tmp_path.glob("*.png"))) == SHAPE[1]
    assert (tmp_path / "note.txt").read_text() == "mine"


def test_what_is_missing_says_what_to_do(viewer):
    add_layer(viewer, volume_data(Volume(np.zeros(SHAPE, np.float32), SPACING), "fibre"))
    widget = FigureWidget(viewer)
    assert widget.stack.pictures_button.isEnabled()
    widget.stack.of.setCurrentText("phases")
    assert not widget.stack.pictures_button.isEnabled()
    with pytest.raises(
        InputError, match=r"^There is no layer of phases yet\. Make one with Threshold, Apply\.$"
    ):
        widget.stack.save_movie("a.gif")


def test_the_picture_of_the_scene_is_kept_until_something_in_it_changes(make_napari_viewer_proxy):
    window = make_napari_viewer_proxy(show=True)
    window = window.__wrapped__
    gray, phases = fill(window)
    camera = SceneCamera(window, window.window._qt_window)
    first = camera.picture(gray)
    assert camera.picture(gray) is first
    assert first.scheme is None, "the scene of the paper hides labels"
    gray.contrast_limits = (5, 25)
    second = camera.picture(gray)
    assert second is not first
    phases.data = phases.data.copy()
    assert not camera.has(gray)
    window.dims.ndisplay = 3
    phases.visible = True
    third = camera.picture(gray)
    assert third.scheme.names == ("pore", "C", "Sn")
    window.scene.camera.zoom *= 2
    fourth = camera.picture(gray)
    assert fourth.nm_per_pixel == pytest.approx(third.nm_per_pixel / 2)
    assert camera.picture(gray) is fourth


@pytest.mark.parametrize(("unit", "nm"), [("nm", 1.0), ("um", 1000.0)])
def test_the_scale_of_a_scene_is_in_nm_whatever_the_unit(make_napari_viewer_proxy, unit, nm):
    """A block 8 nm wide, seen along z, is as many pixels wide as its scale says."""
    window = make_napari_viewer_proxy(show=True).__wrapped__
    scale = tuple(step / nm for step in SPACING)
    layer = window.add_image(
        np.ones(SHAPE, np.float32), scale=scale, units=(unit,) * 3, contrast_limits=(0, 1)
    )
    look_along(window, "along z")
    picture = SceneCamera(window, window.window._qt_window).picture(layer)
    bright = np.count_nonzero((picture.rgb.max(axis=2) > 200).any(axis=0))
    assert bright * picture.nm_per_pixel == pytest.approx(8.0, rel=0.03)


def test_the_form_takes_thickness_field_and_oblique_plane_from_the_open_slices(
    make_napari_viewer_proxy, tmp_path
):
    window = make_napari_viewer_proxy(show=True)
    fill(window)
    window.window.add_plugin_dock_widget("napari-snpore", "Ortho slices")
    window.window.add_plugin_dock_widget("napari-snpore", "Figure")
    found = list(window.window.dock_widgets.values())
    slices = next(one for one in found if hasattr(one, "thick_way"))
    figure = next(one for one in found if hasattr(one, "preview"))
    assert not figure.ticks["oblique"].isEnabled()
    slices.layer = window.layers["fibre"]
    slices.field_of_view = 3.0
    slices.thickness.setValue(2.0)
    slices.thick_way.setCurrentText("mean over")
    slices.oblique.expand(animate=False)
    slices.oblique.wait()
    figure.parts = ("grey", "oblique")
    figure.preview()
    path = figure.save(tmp_path / "plate.pdf")
    recipe = recipe_of(path)
    assert (recipe["field_nm"], recipe["projection"], recipe["thickness_nm"]) == (3.0, "mean", 2.0)
    assert recipe["parts"] == ["grey", "oblique"]
    assert recipe["oblique"] == {"tilt_deg": 45.0, "turn_deg": 0.0, "of_phases": False}


def put_objects(viewer, name):
    table = pd.DataFrame(
        {"label": [1], "voxel_count": [100], "volume_nm3": [2.5], "length_nm": [3.0]}
    )
    table = table.assign(width_nm=2.0, aspect_ratio=0.67, touches_border=False)
    numbered = np.zeros(SHAPE, np.int32)
    numbered[4:9, 5:10, 5:9] = 1
    return add_layer(viewer, objects_data(Volume(numbered, SPACING), table, name, phase="pore"))


def test_the_oblique_slice_of_another_specimen_is_named_with_what_it_shows(viewer):
    gray, phases = fill(viewer)
    viewer.dims.set_point(range(3), (3.0, 1.75, 1.4))
    other = put_objects(viewer, "sodiated · pore objects")
    of_other = SliceAppearance(oblique_of=other, tilt_deg=90.0)
    spec = spec_of(viewer, ("grey", "oblique"), gray, phases, slices=of_other)
    panel = panels_of(spec).rows[0][1]
    assert (
        panel.heading
        == "oblique slice of sodiated · pore objects, tilted 90° about x, turned 0° about z"
    )
    assert panel.note() == "pores in the colours of the window"
    assert [layer["name"] for layer in spec.recipe()["layers"]][-1] == "sodiated · pore objects"
    of_phases = SliceAppearance(oblique_of=phases, tilt_deg=90.0)
    panel = panels_of(spec_of(viewer, ("grey", "oblique"), gray, None, slices=of_phases)).rows[0][1]
    assert panel.heading.startswith("oblique slice of fibre · phases, ")
    assert panel.scheme.names == ("pore", "C", "Sn")


def test_specimens_side_by_side_are_said(viewer):
    gray, phases = fill(viewer)
    objects = put_objects(viewer, "sodiated · pore objects")
    viewer.dims.set_point(range(3), (3.0, 1.75, 1.4))
    drawn = draw_plate(spec_of(viewer, ("grey", "phases", "histograms"), gray, phases, objects))
    (words,) = drawn.remarks
    assert "volume 'fibre', phases 'fibre · phases', objects 'sodiated · pore objects'" in words
    assert draw_plate(spec_of(viewer, ("grey", "phases"), gray, phases, objects)).remarks == (), (
        "no objects are drawn"
    )


def test_a_volume_without_voxel_size_is_left_out_by_name_and_the_rest_is_drawn(viewer):
    _, phases = fill(viewer)
    bare = viewer.add_image(np.zeros(SHAPE, np.float32), name="bare")
    viewer.dims.set_point(range(3), (3.0, 1.75, 1.4))
    boxes_of(viewer).put(NamedBox("centre", (5.0, 3.5, 4.0), (2.0, 2.0, 2.0)))
    panels = panels_of(spec_of(viewer, ("grey", "phases", "boxes", "gray_values"), bare, phases))
    assert kinds(panels) == [PhasePanel, PhasePanel]
    (words,) = panels.left_out
    assert words.startswith(
        "Left out: slice, grey; grey values and thresholds; subvolumes, grey. The layer 'bare' has no"
    )
    with pytest.raises(InputError, match=r"slice, grey\. The layer 'bare' has no voxel size"):
        panels_of(spec_of(viewer, ("grey",), bare, phases))
