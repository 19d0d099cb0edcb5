from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from legible import assert_legible, plain, texts_of
from matplotlib.colors import to_rgb

from napari_snpore import Volume
from napari_snpore.errors import InputError, MissingScaleError
from napari_snpore.figures import FigureStyle, ortho_slices, phase_slices, slice_pair
from napari_snpore.figures.page import Box, axes_at, new_figure
from napari_snpore.figures.scale_bar import add_scale_bar
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme


def panels(figure, gid):
    return {
        image.axes: image for axes in figure.axes for image in axes.images if image.get_gid() == gid
    }


def by_place(figure, gid):
    """The three images as (XY, YZ, XZ): upper left, upper right, lower left."""
    images = panels(figure, gid)
    return [
        images[axes]
        for axes in sorted(
            images, key=lambda a: (-round(a.get_position().y1, 3), a.get_position().x0)
        )
    ]


def scale_bar_of(figure):
    return next(
        patch for axes in figure.axes for patch in axes.patches if patch.get_gid() == "scale-bar"
    )


def test_three_planes_are_the_slices_through_the_voxel_at_the_position():
    data = np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6)
    figure = ortho_slices(
        Volume(data, (2.0, 1.0, 0.5), origin=(10, 20, 30)), position_nm=(16, 21.2, 32.1)
    )
    xy, yz, xz = (image.get_array() for image in by_place(figure, "grey-values"))
    np.testing.assert_array_equal(xy, data[3])
    np.testing.assert_array_equal(xz, data[:, 1])
    np.testing.assert_array_equal(yz, data[:, :, 4].T)
    assert {"XY, z = 16.0 nm", "XZ, y = 21.0 nm", "YZ, x = 32.0 nm"} <= set(texts_of(figure))


def test_panels_are_true_to_the_voxel_size_and_share_one_scale():
    figure = ortho_slices(Volume(np.random.default_rng(0).random((10, 40, 20)), (3.0, 0.5, 1.0)))
    width, height = figure.get_size_inches()
    scales = []
    for image in by_place(figure, "grey-values"):
        frame = image.axes.get_position()
        (x0, x1), (y0, y1) = image.axes.get_xlim(), image.axes.get_ylim()
        scales += [frame.width * width / (x1 - x0), frame.height * height / (y0 - y1)]
    np.testing.assert_allclose(scales, scales[0], rtol=1e-6)
    xy, yz, _ = by_place(figure, "grey-values")
    assert xy.axes.get_xlim() == (-0.5, 19.5)
    assert yz.axes.get_xlim() == (-1.5, 28.5), "z runs to the right, edges of voxels included"


def test_marks_stand_where_the_other_planes_cross():
    figure = ortho_slices(Volume(np.zeros((8, 8, 8)), 1.0), position_nm=(1, 5, 2))
    xy = by_place(figure, "grey-values")[0].axes
    marks = [line.get_xydata() for line in xy.lines if line.get_gid() == "cross-hair"]
    upright = [point[0] for ends in marks for point in ends if ends[0][0] == ends[1][0]]
    level = [point[1] for ends in marks for point in ends if ends[0][1] == ends[1][1]]
    assert upright == pytest.approx([(2 + 0.5) / 8] * 4)
    assert level == pytest.approx([1 - (5 + 0.5) / 8] * 4)


def test_scale_bar_is_as_long_as_it_says(labels):
    figure = phase_slices(labels, spacing=0.5)
    bar = scale_bar_of(figure)
    (text,) = [text for text in texts_of(figure) if text.endswith(" nm") and "=" not in text]
    assert text == "2 nm", (
        "26 voxels of 0.5 nm are 13 nm: the largest of 1, 2, 5 up to a third is 2"
    )
    assert bar.get_width() == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("pixel_nm", "expected_px", "label"),
    [(0.25, 80, "20 nm"), (1.5, 100 / 1.5, "100 nm"), (40, 75, "3 µm")],
)
def test_scale_bar_in_pixels_is_length_by_pixel_size(pixel_nm, expected_px, label):
    style = FigureStyle()
    with style.in_force():
        figure = new_figure(style, width_mm=88, height_mm=60)
        axes = axes_at(figure, Box(1, 1, 50, 50))
        axes.imshow(np.zeros((256, 256)), aspect="auto")
        bar = add_scale_bar(
            axes, style=style, nm_per_unit=pixel_nm, length_nm=3000 if pixel_nm == 40 else None
        )
    assert bar.label.get_text() == label
    assert bar.bar.get_width() == pytest.approx(expected_px)
    with pytest.raises(InputError, match="length_nm"):
        add_scale_bar(axes, style=style, nm_per_unit=pixel_nm, length_nm=1e6)


def test_rendered_phases_have_the_colours_of_the_scheme():
    labels = np.zeros((3, 2, 4), dtype=np.uint8)
    labels[:, :, 1:] = [1, 2, 3]
    figure = phase_slices(labels, spacing=2.0, style=FigureStyle(dpi=200))
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())[::-1, :, :3]
    axes = by_place(figure, "phases")[0].axes
    for label, color in enumerate(PORE_C_SN.colors, start=1):
        x, y = axes.transData.transform((2.0 * label + 0.3, -0.2)).astype(int)
        np.testing.assert_array_equal(picture[y, x], np.rint(255 * np.array(to_rgb(color))))
    x, y = axes.transData.transform((0.3, -0.2)).astype(int)
    around = picture[y - 20 : y + 20, x - 10 : x + 10].reshape(-1, 3)
    assert len(np.unique(around, axis=0)) > 1, "the exterior is hatched"
    assert around.min() > 180, "the exterior is pale"


def test_legend_names_every_phase_and_outlines_white(labels):
    figure = phase_slices(labels, spacing=0.5)
    assert {"pore", "C", "Sn", "exterior"} <= set(texts_of(figure))
    (legend,) = [axes.get_legend() for axes in figure.axes if axes.get_legend()]
    pore = legend.get_patches()[0]
    assert pore.get_facecolor()[:3] == (1, 1, 1)
    assert max(pore.get_edgecolor()[:3]) < 0.6
    inside = phase_slices(np.full((4, 4, 4), 2), spacing=1.0)
    assert "exterior" not in texts_of(inside)


def test_only_the_three_slices_of_a_lazy_volume_are_computed():
    asked = []

    def block(shape, block_info=None):
        asked.append(block_info[None]["array-location"])
        return np.ones(
            [end - start for start, end in block_info[None]["array-location"]], dtype=np.float32
        )

    lazy = da.map_blocks(
        block,
        shape=None,
        chunks=((16,) * 8,) * 3,
        dtype=np.float32,
        meta=np.empty((0, 0, 0), np.float32),
    )
    ortho_slices(Volume(lazy, 0.1))
    assert 0 < len(asked) <= 3 * 64, "512 chunks in all"


def test_input_is_not_changed(labels):
    gray = labels.astype(np.float32)
    before = gray.copy(), labels.copy()
    slice_pair(Volume(gray, 0.5), labels)
    np.testing.assert_array_equal(gray, before[0])
    np.testing.assert_array_equal(labels, before[1])


def test_pair_shows_the_same_plane_twice(labels):
    figure = slice_pair(Volume(labels * 7.0, 0.5), labels, plane="XZ", position_nm=(3, 4, 5))
    (gray,), (phases,) = panels(figure, "grey-values").values(), panels(figure, "phases").values()
    np.testing.assert_array_equal(gray.get_array(), labels[:, 8] * 7.0)
    np.testing.assert_array_equal(np.asarray(phases.get_array())[..., 3] > 0, labels[:, 8] > 0)
    assert gray.get_extent() == phases.get_extent()


def test_limits_and_colour_bar(labels):
    figure = ortho_slices(
        Volume(labels * 1000.0, 0.5), limits=(500, 2000), gray_label="Grey value (C = 1)"
    )
    assert by_place(figure, "grey-values")[0].get_clim() == (500, 2000)
    assert "Grey value (C = 1)" in texts_of(figure)
    tiny = ortho_slices(Volume(labels * 1e-9, 0.5))
    assert "Grey value (×10⁻⁹)" in texts_of(tiny)


SEVEN = PhaseScheme(
    ("pore", "hard carbon shell", "Sn", "SnO2 (cassiterite)", "Na15Sn4"),
    ("#fff", "#2f6db5", "#f4c20d", "#d55e00", "#009e73"),
)


@pytest.mark.parametrize(
    "shape",
    [
        (30, 30, 30),
        (91, 64, 64),
        (30, 400, 50),
        (12, 300, 12),
        (200, 20, 20),
        (5, 40, 300),
        (1, 1, 1),
    ],
)
@pytest.mark.parametrize(
    "style", [FigureStyle(), FigureStyle(width_mm=180, letters=True)], ids=["single", "double"]
)
def test_nothing_is_cut_off_or_overlaps_whatever_the_shape(shape, style):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 6, shape, dtype=np.uint8)
    gray = Volume(rng.random(shape) * 1e-8, (0.3, 0.25, 0.2))
    title = "Sodiated state, second fibre, a title that is much longer than the sheet is wide, on purpose"
    for figure in (
        ortho_slices(gray, style=style, title=title),
        phase_slices(labels, spacing=gray.spacing, scheme=SEVEN, style=style, title=title),
        slice_pair(gray, labels, scheme=SEVEN, style=style, title=title),
    ):
        assert_legible(figure)
        assert plain(title) in texts_of(figure)
        assert scale_bar_of(figure).get_width() > 0


@pytest.mark.parametrize(
    ("position", "words"),
    [
        ((0, 0, 99), "x = 99"),
        ((0, 0), "three finite"),
        ((np.nan, 0, 0), "three finite"),
        ((-0.6, 0, 0), "z = -0.6"),
    ],
)
def test_positions_outside_are_refused(position, words):
    with pytest.raises(InputError, match=words):
        ortho_slices(Volume(np.zeros((4, 4, 4)), 1.0), position_nm=position)


def test_bad_input_is_refused_in_words(labels):
    with pytest.raises(InputError, match="labels 0 to 9"):
        phase_slices(np.indices((3, 3, 10))[2], spacing=1.0)
    with pytest.raises(InputError, match="whole numbers"):
        phase_slices(labels * 1.0, spacing=1.0)
    with pytest.raises(MissingScaleError, match="spacing"):
        phase_slices(labels)
    with pytest.raises(InputError, match="same voxels"):
        slice_pair(Volume(np.zeros((3, 3, 3)), 1.0), labels)
    with pytest.raises(InputError, match="plane"):
        slice_pair(Volume(labels, 1.0), labels, plane="diagonal")
    with pytest.raises(InputError, match="limits"):
        ortho_slices(Volume(labels, 1.0), limits=(3, 1))
    with pytest.raises(InputError, match="colormap"):
        ortho_slices(Volume(labels, 1.0), colormap="no such map")


@pytest.mark.parametrize("fill", [np.nan, 0.0, np.inf])
def test_a_volume_without_contrast_is_drawn(fill):
    figure = ortho_slices(
        Volume(np.full((6, 6, 6), fill, dtype=np.float32), 1.0), style=FigureStyle()
    )
    assert_legible(figure)
