"""The plate: pictures in their true colours and shapes, texts inside the sheet, sizes in mm, and
the slices of a stack.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from legible import assert_legible, texts_of
from PIL import Image

from napari_snpore.errors import InputError
from napari_snpore.figures import (
    FigureStyle,
    FractionPanel,
    HistogramPanel,
    ImagePanel,
    PhasePanel,
    SlicePanel,
    TablePanel,
    ThresholdPanel,
    panel_figure,
    plate,
    recipe_of,
    save_figure,
    slice_images,
    write_slice_images,
)
from napari_snpore.figures.cuts import PLANES, cropped, cut, thick_cut
from napari_snpore.figures.page import size_mm
from napari_snpore.figures.panels import in_colors
from napari_snpore.figures.plate_layout import too_high
from napari_snpore.segmentation.histogram import gray_histogram
from napari_snpore.segmentation.phases import PhaseScheme
from napari_snpore.volume import Volume

SPACING = (0.5, 0.25, 0.25)


@pytest.fixture
def volume():
    z, y, x = np.indices((20, 30, 40))
    return Volume((10_000 * z + 100 * y + x).astype(np.float32), SPACING)


@pytest.fixture
def phases():
    labels = np.full((20, 30, 40), 2, np.uint8)
    labels[:5], labels[5:9, :, :20], labels[-1] = 1, 3, 0
    return Volume(labels, SPACING)


@pytest.fixture
def objects():
    rng = np.random.default_rng(0)
    length = rng.gamma(4, 0.5, 200)
    table = pd.DataFrame({"voxel_count": rng.integers(8, 500, 200), "length_nm": length})
    return table.assign(
        width_nm=0.6 * length, aspect_ratio=0.6, volume_nm3=length**3, touches_border=False
    )


def rows(volume, phases, objects):
    xz = PLANES["XZ"]
    gray, label = cut(volume, xz, (5, 10, 10)), cut(phases, xz, (5, 10, 10))
    shares = {
        "centre": {"pore": 38.0, "C": 44.0, "Sn": 18.0},
        "edge": {"pore": 30.0, "C": 50.0, "Sn": 20.0},
    }
    return [
        [
            ImagePanel("3D scene", np.zeros((40, 50, 3), np.uint8), 0.3),
            SlicePanel("XZ, y = 2.5 nm", gray, (0.0, 200_000.0)),
            PhasePanel("phases", label),
        ],
        [
            FractionPanel("Fractions", shares, {"centre": {"pore": 1.6}}),
            PhasePanel("centre", label),
        ],
        [
            HistogramPanel("Sn clusters", objects, name, 0.5, 1.1)
            for name in ("length_nm", "width_nm", "aspect_ratio")
        ],
        [TablePanel("States", pd.DataFrame({"state": ["pristine"], "pore (%)": ["38.1 ± 1.6"]}))],
    ]


@pytest.mark.parametrize(("width", "font"), [(180.0, 7.0), (120.0, 6.0), (180.0, 8.0)])
def test_nothing_is_cut_off_or_overlaps(volume, phases, objects, width, font):
    figure = plate(
        rows(volume, phases, objects),
        style=FigureStyle(width, font, letters=True),
        title="Pristine fibre",
    )
    assert size_mm(figure)[0] == pytest.approx(width)
    assert_legible(figure)
    words = texts_of(figure)
    for letter in "abcdefghi":
        assert letter in words


def test_pixels_of_a_slice_are_those_of_the_map_and_the_limits():
    """By hand: 0 → first colour, 10 → last, 5 → entry 128 (rint of 127.5 to even), beyond → the
    ends, NaN → first.
    """
    colors = np.stack([np.arange(256), 255 - np.arange(256), np.zeros(256)], axis=1).astype(
        np.uint8
    )
    found = in_colors(np.array([[0.0, 10.0, 5.0], [-3.0, 99.0, np.nan]]), (0.0, 10.0), colors)
    assert found[..., 0].tolist() == [[0, 255, 128], [0, 255, 0]]
    assert found[..., 1].tolist() == [[255, 0, 127], [255, 0, 255]]


def test_a_field_of_view_holds_the_voxels_whose_centres_lie_in_it(volume):
    piece = cut(volume, PLANES["XY"], (3, 0, 0))
    part = cropped(piece, middle_nm=(2.5, 5.0), side_nm=2.0)
    rows = np.flatnonzero(np.abs(np.arange(30) * 0.25 - 2.5) <= 1.0)
    columns = np.flatnonzero(np.abs(np.arange(40) * 0.25 - 5.0) <= 1.0)
    np.testing.assert_array_equal(part.values, volume.data[3][np.ix_(rows, columns)])
    left, right, bottom, top = part.extent_nm
    assert (left, right) == pytest.approx((columns[0] * 0.25 - 0.125, columns[-1] * 0.25 + 0.125))
    assert (top, bottom) == pytest.approx((rows[0] * 0.25 - 0.125, rows[-1] * 0.25 + 0.125))
    with pytest.raises(InputError, match="no voxel"):
        cropped(piece, middle_nm=(500.0, 5.0), side_nm=2.0)


def test_saved_plates_have_their_size_and_their_recipe(volume, phases, objects, tmp_path):
    style = FigureStyle(120.0, 7.0, 200, letters=True)
    figure = plate(rows(volume, phases, objects), style=style)
    paths = save_figure(
        figure, tmp_path / "plate", formats=("png", "svg", "pdf"), recipe={"position_nm": [1, 2, 3]}
    )
    with Image.open(paths[0]) as image:
        assert image.width == pytest.approx(120 / 25.4 * 200, abs=1)
    assert (
        recipe_of(paths[0])
        == recipe_of(paths[1])
        == recipe_of(paths[2])
        == {"position_nm": [1, 2, 3]}
    )
    assert b"Subject" in paths[2].read_bytes()
    assert "Length (nm)" in paths[1].read_text(), "text stays text"


def test_every_panel_stands_alone(volume, phases, objects):
    for row in rows(volume, phases, objects):
        for panel in row:
            figure = panel_figure(panel)
            assert size_mm(figure)[0] == pytest.approx(88.0)
            assert_legible(figure)


def test_what_cannot_be_drawn_is_refused(volume, phases):
    with pytest.raises(InputError, match="no panel"):
        plate([[], []])
    piece = cut(phases, PLANES["XZ"], (5, 10, 10))
    with pytest.raises(InputError, match="use more rows"):
        plate([[PhasePanel("p", piece)] * 12], style=FigureStyle(88.0))
    with pytest.raises(InputError, match="uint8"):
        ImagePanel("scene", np.zeros((3, 3)))


def test_slices_of_a_stack_are_its_planes_in_true_shape(volume):
    gray = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)

    def coloring(values):
        return in_colors(values, (0.0, 200_000.0), gray)

    pictures = list(slice_images(volume, coloring, plane="XZ", labels=False))
    assert len(pictures) == 30
    rows_times = pictures[0].shape[0] / 20
    assert rows_times == 2 * pictures[0].shape[1] / 40, "a voxel is twice as high as wide"
    step = pictures[0].shape[1] // 40
    np.testing.assert_array_equal(pictures[7][:: 2 * step, ::step], coloring(volume.data[:, 7]))


def test_numbered_pictures_carry_their_place_and_are_not_overwritten(phases, tmp_path):
    from napari_snpore.figures.phase_colors import phase_image
    from napari_snpore.segmentation.phases import PORE_C_SN

    seen = []

    def write(**more):
        return write_slice_images(
            tmp_path,
            phases,
            lambda values: phase_image(values, PORE_C_SN),
            plane="XY",
            recipe={"layer": "p"},
            progress=lambda done, total: seen.append((done, total)),
            **more,
        )

    paths = write()
    assert [path.name for path in paths[:2]] == ["slice_0001.png", "slice_0002.png"]
    assert seen[-1] == (20, 20)
    with Image.open(paths[3]) as image:
        assert json.loads(image.info["Recipe"]) == {"layer": "p", "plane": "XY", "position_nm": 1.5}
    with pytest.raises(InputError, match="already"):
        write()
    assert len(write(overwrite=True)) == 20
    with pytest.raises(InputError, match="plane"):
        slice_images(phases, lambda values: values, plane="AB")


STATES = pd.DataFrame(
    {
        "state": ["pristine", "sodiated", "desodiated"],
        "pore (%)": ["38.1 ± 1.6", "22.0 ± 2.1", "30.3 ± 1.9"],
        "Sn (%)": ["14.9 ± 0.4", "31.2 ± 0.9", "17.7 ± 0.5"],
        "dead pores (%)": ["0.41 ± 0.10", "3.2 ± 0.6", "2.0 ± 0.3"],
        "median length (nm)": ["1.82 ± 0.05", "2.90 ± 0.12", "2.10 ± 0.09"],
        "objects": ["1,204", "633", "892"],
    }
)


@pytest.mark.parametrize("width", [85.0, 180.0])
@pytest.mark.parametrize("font", [6.0, 7.0, 8.0])
def test_wide_rows_are_broken_where_the_page_is_narrow(volume, phases, objects, width, font):
    wide = [*rows(volume, phases, objects)[:3], [TablePanel("States", STATES)]]
    wide[1] = [*wide[0][1:], *wide[0][1:], *wide[1]]
    style = FigureStyle(width, font, 150, letters=True)
    figure = plate(wide, style=style)
    assert_legible(figure)
    assert size_mm(figure)[0] == pytest.approx(width)
    for axes in figure.axes:
        for image in axes.images:
            box, (left, right, bottom, top) = axes.get_window_extent(), image.get_extent()
            assert box.width / box.height == pytest.approx(
                abs((right - left) / (top - bottom)), rel=1e-6
            )


@pytest.mark.parametrize("width", [85.0, 180.0])
@pytest.mark.parametrize("font", [6.0, 7.0, 8.0])
def test_tables_fit_turned_over_or_in_broken_words(width, font):
    for table in (
        STATES,
        pd.concat([STATES, STATES.iloc[:, 1:].add_prefix("once more ")], axis=1),
        STATES[:0],
    ):
        figure = panel_figure(TablePanel("States", table), style=FigureStyle(width, font, 150))
        assert_legible(figure)
    figure = panel_figure(TablePanel("States", STATES), style=FigureStyle(width, font, 150))
    assert {"38.1 ± 1.6", "892", "median length (nm)"} <= set(texts_of(figure))


def test_headings_of_several_lines_stand_right_above_their_panels(phases):
    piece = cut(phases, PLANES["XZ"], (5, 10, 10))
    long = "phases of the second fibre after the tenth cycle, sodiated, at the left end"
    figure = plate([[PhasePanel(long, piece)] * 3] * 2, style=FigureStyle(120.0))
    assert_legible(figure)
    figure.draw_without_rendering()
    heading = next(text for text in figure.texts if text.get_text().startswith("phases of"))
    assert "\n" in heading.get_text()
    gap = heading.get_window_extent().y0 - figure.axes[0].get_window_extent().y1
    assert 0 <= gap / 300 * 25.4 < 1.5


def test_histograms_say_what_is_unresolved_and_left_out(objects):
    table = objects.assign(
        touches_border=[True] * 10 + [False] * 190, voxel_count=[100] * 105 + [8] * 95
    )
    words = texts_of(panel_figure(HistogramPanel("Sn clusters", table, "length_nm", 0.5)))
    assert any(
        "< 64 voxels (50 %)" in text and "10 cut by the box left out" in text for text in words
    )


def test_limits_without_a_range_and_pixels_without_a_size_are_refused():
    with pytest.raises(InputError, match="limits"):
        in_colors(np.zeros((2, 2)), (1.0, 1.0), np.zeros((256, 3), np.uint8))
    with pytest.raises(InputError, match="nm_per_pixel"):
        ImagePanel("scene", np.zeros((3, 3, 3), np.uint8), 0.0)


def names_in(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()] if figure.legends else []


SHARES = {"centre": {"pore": 38.0, "C": 44.0, "Sn": 18.0}}


def test_a_plate_names_every_phase_whose_colour_it_shows(phases):
    fractions = FractionPanel("Fractions", SHARES)
    assert names_in(plate([[fractions]])) == ["pore", "C", "Sn"]
    assert "pore, C, Sn" in fractions.note(), "the bars are told without their colours"
    scene = np.zeros((40, 50, 3), np.uint8)
    assert names_in(plate([[ImagePanel("3D scene", scene)]])) == []
    surfaces = PhaseScheme(("pore", "Sn"), ("#ffffff", "#f4c20d"))
    assert names_in(plate([[ImagePanel("3D scene", scene, scheme=surfaces)]])) == ["pore", "Sn"]
    hidden = PhaseScheme(("pore", "C", "Sn"), ("#ffffff", "#00000000", "#ff0000"))
    panel = PhasePanel("phases", cut(phases, PLANES["XY"], (6, 10, 10)), hidden)
    assert names_in(plate([[panel]])) == ["pore", "Sn"]
    assert panel.note() == "not shown: C"
    last = PhasePanel("phases", cut(phases, PLANES["XY"], (19, 10, 10)))
    assert names_in(plate([[last]]))[-1] == "exterior"


def test_a_legend_finds_room_on_a_slender_page(phases):
    scheme = PhaseScheme(
        ("first pores", "second pores", "third pores"), ("#ffffff", "#2f6db5", "#f4c20d")
    )
    figure = plate(
        [[PhasePanel("p", cut(phases, PLANES["XZ"], (5, 10, 10)), scheme)]], style=FigureStyle(40.0)
    )
    assert_legible(figure)


def test_a_panel_alone_fills_the_page_and_has_no_letter(phases):
    figure = plate(
        [[PhasePanel("phases", cut(phases, PLANES["XY"], (5, 10, 10)))]],
        style=FigureStyle(180.0, letters=True),
    )
    (axes,) = (one for one in figure.axes if one.images)
    assert axes.get_position().width * 180 == pytest.approx(178)
    assert "a" not in texts_of(figure)


def test_a_panel_that_needs_a_wider_page_is_refused_and_a_page_that_is_too_high_is_told(
    phases, objects
):
    histogram = HistogramPanel("Sn clusters", objects, "length_nm", 0.5)
    with pytest.raises(InputError, match=r"Sn clusters.*20 pt.*40 mm wide"):
        plate([[histogram]], style=FigureStyle(40.0, 20.0))
    slice_ = PhasePanel("phases", cut(phases, PLANES["XY"], (5, 10, 10)))
    assert too_high(plate([[slice_]])) == ""
    assert "more than a page" in too_high(plate([[slice_]] * 4))


def test_counts_are_written_one_way(objects):
    many = pd.concat([objects] * 20, ignore_index=True)
    figure = plate([[HistogramPanel("Sn clusters", many, "aspect_ratio", 0.5)]])
    words = " ".join(texts_of(figure)).replace("\N{NO-BREAK SPACE}", " ").replace("\n", " ")
    resolved = int((many["voxel_count"] >= 64).sum())
    assert "n = 4,000" in words
    assert f"n = {resolved:,}; {4000 - resolved} unresolved left out" in words


def test_the_grey_values_are_drawn_with_and_without_thresholds(volume):
    histogram = gray_histogram(Volume((volume.data / 1000).astype(np.uint8), SPACING))
    figure = plate([[ThresholdPanel("Grey values", histogram, (40, 120))]], style=FigureStyle(88.0))
    assert_legible(figure)
    assert {"t1 = 40", "t2 = 120"} <= set(texts_of(figure))
    assert names_in(figure) == ["pore", "C", "Sn"]
    marks = [
        line.get_xdata()[0]
        for axes in figure.axes
        for line in axes.lines
        if line.get_gid() == "threshold"
    ]
    assert marks == [40, 120]
    plain = plate([[ThresholdPanel("Grey values", histogram)]], style=FigureStyle(88.0))
    assert_legible(plain)
    assert names_in(plain) == []


def test_a_slice_says_where_it_lies_as_finely_as_its_voxels():
    fine = Volume(np.zeros((3, 100, 3)), (0.5, 0.15, 0.5))
    assert cut(fine, PLANES["XZ"], (0, 87, 0)).title == "XZ, y = 13.05 nm"
    assert cut(fine, PLANES["XY"], (1, 0, 0)).title == "XY, z = 0.5 nm"


def test_a_thick_slice_is_the_mean_of_the_slab(volume):
    """By hand: y = 2.5 nm is row 10; the four rows of 0.25 nm nearest to it are 8 to 11, the lower
    ones at a tie.
    """
    found = thick_cut(volume, PLANES["XZ"], (0.0, 2.5, 0.0), thickness_nm=1.0)
    np.testing.assert_allclose(found.values, volume.data[:, 8:12].mean(axis=1))
    assert found.title == "XZ, y = 2.50 nm, mean over 1 nm"
    brightest = thick_cut(
        volume, PLANES["YZ"], (0.0, 0.0, 0.25), thickness_nm=1.0, projection="max"
    )
    np.testing.assert_array_equal(brightest.values, volume.data[:, :, :3].max(axis=2).T)
    whole = thick_cut(volume, PLANES["XZ"], (0.0, 2.5, 0.0), thickness_nm=100.0)
    assert whole.slab == "mean over 7.5 nm"
    with pytest.raises(InputError, match="position"):
        thick_cut(volume, PLANES["XZ"], (0.0, 250.0, 0.0), thickness_nm=1.0)


@pytest.mark.parametrize("width", [60.0, 88.0, 180.0])
def test_a_table_with_named_rows_stays_upright_and_breaks_their_names(width):
    rows = [
        "pore (%)",
        "dead pores (% of the pore volume, 6 neighbours)",
        "Sn clusters, median length (nm)",
    ]
    table = pd.DataFrame(
        {"": rows, "pristine": ["38.1", "0.401", "1.37"], "sodiated": ["22.0", "3.2", "2.9"]}
    )
    figure = panel_figure(
        TablePanel("Specimens", table, "n = 1 fibre each"), style=FigureStyle(width)
    )
    assert_legible(figure)
    shown = [text for axes in figure.axes for text in axes.texts]
    heights = {text.get_text(): text.get_position()[1] for text in shown}
    assert (
        heights["pristine"]
        == heights["sodiated"]
        < heights["38.1"]
        < heights["0.401"]
        < heights["1.37"]
    )
    assert {text.replace("\n", " ") for text in heights} >= set(rows)
