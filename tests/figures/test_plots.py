from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from legible import assert_legible, texts_of
from matplotlib.colors import to_hex

from napari_snpore.errors import InputError
from napari_snpore.figures import (
    FigureStyle,
    alignment_plot,
    object_histograms,
    phase_fractions,
    quality_plot,
    threshold_histogram,
    truth_against_measured,
)
from napari_snpore.figures.object_plots import length_edges
from napari_snpore.segmentation.histogram import gray_histogram
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme
from napari_snpore.tomography.alignment import Alignment
from napari_snpore.tomography.quality import Quality
from napari_snpore.uncertainty.size_limit import SizeLimit

NARROW = FigureStyle(width_mm=88, letters=True)
WIDE = FigureStyle(width_mm=180)


def bars(axes, gid):
    (container,) = [found for found in axes.containers if found[0].get_gid() == gid]
    return [(bar.get_x(), bar.get_width(), bar.get_height(), bar.get_y()) for bar in container]


def labelled(figure, label):
    return next(axes for axes in figure.axes if axes.get_xlabel() == label)


def said(figure, words):
    return any(words in text for text in texts_of(figure))


# ---- histograms of objects


def test_bars_are_the_shares_counted_by_hand(clusters):
    figure = object_histograms(clusters, voxel_nm=0.25)
    axes = labelled(figure, "Length (nm)")
    resolved, unresolved = bars(axes, "resolved"), bars(axes, "unresolved")
    step = resolved[0][1]
    assert step == pytest.approx(0.2), (
        "25 bins up to 3.9 nm want 0.156 nm; 0.2 nm is the next round step"
    )
    share = 100 / 9
    assert [height for *_, height, _ in unresolved][2:4] == pytest.approx([share, share]), (
        "0.5 and 0.7 nm"
    )
    tall = {round(x, 1): height for x, _, height, _ in resolved if height > 0}
    assert tall == pytest.approx(dict.fromkeys((1.0, 1.2, 1.6, 1.8, 2.0, 2.4, 3.8), share))
    assert sum(height for *_, height, _ in (*resolved, *unresolved)) == pytest.approx(100)


def test_aspect_ratio_takes_resolved_objects_in_bins_of_a_twentieth(clusters):
    figure = object_histograms(clusters, voxel_nm=0.25)
    axes = labelled(figure, "Aspect ratio (width / length)")
    tall = {round(x, 2): height for x, _, height, _ in bars(axes, "resolved") if height > 0}
    assert tall == pytest.approx({0.7: 300 / 7, 0.75: 100 / 7, 0.8: 100 / 7, 0.95: 200 / 7}), (
        "1.0 belongs to the last bin"
    )


def test_what_was_left_out_and_the_shares_are_said(clusters):
    figure = object_histograms(clusters, voxel_nm=0.25, crowther_nm=0.84)
    assert said(
        figure, "Sn clusters: n = 9 (1 cut by the box left out); 22.2 % unresolved (< 64 voxels)"
    )
    assert said(figure, "objects: connected 26; Feret convention: corners")
    assert said(figure, "Median 1.70 nm; 66.7 % < 2 nm"), "six of nine are shorter than 2 nm"
    assert said(figure, "20 % of volume in lengths < 2 nm"), "2.0 of 10.0 nm³"
    assert said(figure, "Median 0.770; n = 7; 2 unresolved left out")
    assert {"voxel 0.25 nm", "D·Δθ 0.84 nm", "median"} <= set(texts_of(figure))
    places = {line.get_gid(): line.get_xdata()[0] for line in labelled(figure, "Length (nm)").lines}
    assert places == pytest.approx({"voxel": 0.25, "D·Δθ": 0.84, "median": 1.7})


@pytest.mark.parametrize("style", [NARROW, WIDE], ids=["single", "double"])
def test_object_histograms_are_legible(clusters, style):
    figures = [object_histograms(clusters, voxel_nm=0.25, crowther_nm=2.84, style=style)]
    network = clusters.copy()
    network.loc[3, ["length_nm", "width_nm", "volume_nm3"]] = [950.0, 800.0, 1e7]
    figures.append(
        object_histograms(
            network, voxel_nm=0.25, noun="pore objects, separated with h = 0.3 nm", style=style
        )
    )
    figures.append(object_histograms(clusters[:1], voxel_nm=1e-3, noun="pores", style=style))
    figures.append(
        object_histograms(
            clusters.assign(length_nm=clusters.length_nm * 1e-4), voxel_nm=1e-5, style=style
        )
    )
    for figure in figures:
        assert_legible(figure)
    assert said(figures[2], "none is resolved")


def test_a_network_does_not_squeeze_the_other_pores():
    lengths = np.append(np.linspace(0.5, 3.0, 400), 900.0)
    edges = length_edges(lengths, shortest_nm=2.0)
    assert edges[-1] < 10
    assert 2.0 in edges.round(9)


@pytest.mark.parametrize("scale", [1e-3, 0.1, 1.0, 37.0, 1e4])
def test_edges_are_round_and_hold_every_object(scale):
    values = scale * np.linspace(0.1, 4.0, 50)
    edges = length_edges(values, shortest_nm=2.0 * scale)
    assert edges[0] == 0
    assert edges[-1] > values.max()
    digits = f"{edges[1]:.6e}".split("e")[0].rstrip("0").rstrip(".")
    assert digits in {"1", "2", "2.5", "5"}


def test_colour_of_the_bars_is_that_of_the_phase(clusters):
    for noun, color in (
        ("Sn clusters", "#f4c20d"),
        ("pores", "#ffffff"),
        ("pore objects", "#ffffff"),
        ("grains", "#b0b0b0"),
    ):
        axes = labelled(object_histograms(clusters, voxel_nm=0.25, noun=noun), "Length (nm)")
        assert to_hex(axes.containers[0][0].get_facecolor()) == color


def test_no_objects_is_said_and_not_an_error(clusters):
    assert said(
        object_histograms(clusters[:0], voxel_nm=0.25), "There are no Sn clusters to measure."
    )
    cut = clusters.assign(touches_border=True)
    assert said(object_histograms(cut, voxel_nm=0.25), "all 10 are cut by the box")


def test_a_table_of_something_else_is_refused(clusters):
    with pytest.raises(InputError, match="aspect_ratio"):
        object_histograms(clusters.drop(columns="aspect_ratio"), voxel_nm=0.25)
    with pytest.raises(InputError, match="voxel_nm"):
        object_histograms(clusters, voxel_nm=0)


# ---- thresholds


def gray_values():
    rng = np.random.default_rng(0)
    return np.concatenate(
        [rng.normal(0, 0.1, 5000), rng.normal(1, 0.1, 3000), rng.normal(12, 0.5, 2000)]
    ).reshape(10, 25, 40)


def test_threshold_histogram_counts_every_voxel_and_states_the_shares():
    figure = threshold_histogram(
        gray_histogram(gray_values().astype(np.float32)), (0.5, 6.1), style=WIDE
    )
    axes = labelled(figure, "Grey value")
    outline = next(patch for patch in axes.patches if patch.get_gid() == "histogram")
    heights, _, _ = outline.get_data()
    assert heights[heights >= 1].sum() == 10_000
    assert {"pore 50 %", "C 30 %", "Sn 20 %", "t1 = 0.5", "t2 = 6.1"} <= set(texts_of(figure))
    assert sorted(line.get_xdata()[0] for line in axes.lines if line.get_gid() == "threshold") == [
        0.5,
        6.1,
    ]
    assert axes.get_yscale() == "log"
    assert_legible(figure)


def test_each_phase_is_coloured_between_its_thresholds():
    figure = threshold_histogram(
        gray_histogram(gray_values().astype(np.float32)), (0.5, 6.1), style=FigureStyle(dpi=100)
    )
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())[::-1, :, :3]
    axes = labelled(figure, "Grey value")
    for value, color in zip((0.0, 1.0, 12.0), PORE_C_SN.colors, strict=True):
        x, y = axes.transData.transform((value, 3)).astype(int)
        assert to_hex(picture[y, x] / 255) == color


FIVE = PhaseScheme(
    ("pore", "hard carbon shell", "Sn", "SnO2 (cassiterite)", "Na15Sn4"),
    ("#fff", "#2f6db5", "#f4c20d", "#d55e00", "#009e73"),
)


@pytest.mark.parametrize("style", [NARROW, WIDE], ids=["single", "double"])
@pytest.mark.parametrize(
    ("scale", "dtype", "limits", "scheme"),
    [
        (1, np.float32, (0.5, 0.52), PORE_C_SN),
        (1e-9, np.float32, (0.5, 6), PORE_C_SN),
        (4000, np.int32, (1000, 1200, 1400, 1500), FIVE),
        (1, np.float32, (50, 60), PORE_C_SN),
        (1, np.float32, (-9, -8), PORE_C_SN),
        (0, np.uint8, (1, 2), PORE_C_SN),
    ],
)
def test_threshold_histograms_are_legible(style, scale, dtype, limits, scheme):
    values = (gray_values() * scale).astype(dtype)
    scale = scale if scale == 1e-9 else 1
    assert_legible(
        threshold_histogram(
            gray_histogram(values), [limit * scale for limit in limits], scheme=scheme, style=style
        )
    )


def test_a_few_hot_voxels_do_not_squeeze_the_axis_and_are_counted():
    values = np.tile(gray_values(), (40, 1, 1))
    values[0, 0, :2] = 5000
    figure = threshold_histogram(gray_histogram(values.astype(np.float32), bins=20_000), (0.5, 6.1))
    assert labelled(figure, "Grey value").get_xlim()[1] < 30
    assert said(figure, "2 voxels lie beyond the axis")


@pytest.mark.parametrize("limits", [(0.5,), (0.5, 0.5), (6, 0.5), (0.5, np.nan)])
def test_thresholds_that_make_no_phases_are_refused(limits):
    with pytest.raises(InputError, match="thresholds"):
        threshold_histogram(gray_histogram(gray_values()), limits)


# ---- fractions


def fractions(*shares):
    return pd.DataFrame(
        {
            "phase": [1, 2, 3],
            "name": ["pore", "C", "Sn"],
            "fraction_percent": shares,
            "denominator": "envelope",
        }
    )


def test_pieces_of_a_bar_are_the_fractions_end_to_end():
    figure = phase_fractions(
        {"whole": fractions(38.1, 47.0, 14.9), "edge": fractions(47.6, 38.2, 14.2)}
    )
    axes = labelled(figure, "Share of the envelope (%)")
    pieces = [patch for patch in axes.patches if patch.get_gid() == "fraction"]
    assert [(piece.get_x(), piece.get_width()) for piece in pieces[:3]] == [
        pytest.approx((0, 38.1)),
        pytest.approx((38.1, 47.0)),
        pytest.approx((85.1, 14.9)),
    ]
    assert [to_hex(piece.get_facecolor()) for piece in pieces[:3]] == list(PORE_C_SN.colors)
    assert {"whole", "edge", "38.1", "47.0", "14.9", "47.6", "pore", "C", "Sn"} <= set(
        texts_of(figure)
    )


@pytest.mark.parametrize("style", [NARROW, WIDE], ids=["single", "double"])
def test_fraction_bars_are_legible_with_tiny_pieces_long_names_and_errors(style):
    regions = {
        "whole fibre, sodiated, second specimen": fractions(98.7, 0.9, 0.4),
        "edge": fractions(0.2, 0.3, 99.5),
        "centre": fractions(20.0, 79.8, 0.2),
        "empty": fractions(100.0, 0.0, 0.0),
    }
    errors = {"centre": {"pore": 1.6, "C": 1.2, "Sn": 0.01}, "edge": {"pore": 0.1}}
    figure = phase_fractions(regions, errors=errors, style=style)
    assert_legible(figure)
    assert said(figure, "20.0 ± 1.6")
    assert said(figure, "Sn 0.2 ± 0.01")


def test_fraction_tables_of_other_phases_are_refused():
    with pytest.raises(InputError, match="empty"):
        phase_fractions({})
    with pytest.raises(InputError, match="fraction_percent"):
        phase_fractions({"whole": pd.DataFrame({"name": ["C"]})})
    with pytest.raises(InputError, match="Fe"):
        phase_fractions({"whole": pd.DataFrame({"name": ["Fe"], "fraction_percent": [100.0]})})


# ---- truth


def truth():
    return pd.DataFrame(
        {
            "quantity": [
                "pore fraction, centre cube",
                "Sn clusters",
                "dead share of pore volume, connectivity 26",
                "Sn volume",
            ],
            "unit": ["%", "1", "%", "nm³"],
            "truth": [32.0, 200.0, 0.0, 50.0],
            "measured": [36.0, 150.0, 0.05, 50.0],
            "bias": [4.0, -50.0, 0.05, 0.0],
        }
    )


def points(figure):
    (axes,) = figure.axes
    return {container.get_label(): container[0].get_xdata() for container in axes.containers}


def test_points_are_the_bias_in_percent_of_the_truth():
    figure = truth_against_measured(truth())
    np.testing.assert_allclose(points(figure)["measured"], [12.5, -25.0, np.nan, 0.0])
    assert {
        "32.0",
        "36.0",
        "200",
        "150",
        "Bias (% of the truth)",
        "Sn clusters",
        "Sn volume (nm³)",
        "truth is 0",
    } <= set(texts_of(figure))
    assert_legible(figure)


def test_stages_stand_side_by_side_and_a_huge_bias_leaves_the_small_ones_readable():
    frame = truth().assign(
        blurred=[33.0, 180.0, 0.0, 49.0],
        blurred_bias=0.0,
        rebuilt=[48.0, 2e5, 1.0, 0.0],
        rebuilt_bias=0.0,
    )
    figure = truth_against_measured(
        frame[[name for name in frame if name not in ("measured", "bias")]]
    )
    assert list(points(figure)) == ["blurred", "rebuilt"]
    assert figure.axes[0].get_xscale() == "symlog"
    np.testing.assert_allclose(points(figure)["rebuilt"], [50, 99900, np.nan, -100])
    assert_legible(figure)


@pytest.mark.parametrize("style", [NARROW, WIDE], ids=["single", "double"])
@pytest.mark.parametrize("factor", [1, 1e-12, 1e7])
def test_truth_is_legible_at_any_size(style, factor):
    frame = truth()
    frame["measured"] = frame["truth"] + factor * frame["bias"]
    frame["error"] = 0.1 * frame["truth"]
    frame.loc[1, "quantity"] = (
        "a quantity whose name is longer than any column of a journal would ever want to hold"
    )
    assert_legible(truth_against_measured(frame, style=style))


def test_an_interval_is_drawn_as_it_is_and_not_to_both_sides():
    """A share of 1 % of truth 2 % with the interval 0 to 5 %: from −100 to +150 % of the truth."""
    frame = truth().assign(measured=[36.0, 150.0, 1.0, 50.0], truth=[32.0, 200.0, 2.0, 50.0])
    frame["error"] = [4.0, 50.0, 4.0, 1.0]
    frame["low_95"] = [34.0, 100.0, 0.0, 49.0]
    frame["high_95"] = [38.0, 200.0, 5.0, 51.0]
    figure = truth_against_measured(frame)
    (container,) = figure.axes[0].containers
    (bars,) = container[2]
    whiskers = [segment[:, 0] for segment in bars.get_segments()]
    np.testing.assert_allclose(whiskers[2], [-100.0, 150.0])
    np.testing.assert_allclose(whiskers[0], [100 * (34 / 32 - 1), 100 * (38 / 32 - 1)])
    cells = texts_of(figure)
    assert "1.0 (0.0 to 5.0)" in cells, "never below a share of 0"
    assert "36.0 ± 2.0" in cells
    assert_legible(figure)


def test_truth_without_rows_or_columns():
    assert said(truth_against_measured(truth()[:0]), "There is no quantity")
    with pytest.raises(InputError, match="truth"):
        truth_against_measured(truth().drop(columns="truth"))


# ---- tomography


def alignment(count, notes=()):
    rng = np.random.default_rng(0)
    return Alignment(
        rng.normal(0, 3, (count, 2)), -87.2, 2.4, np.abs(rng.normal(0, 0.3, count)), notes=notes
    )


@pytest.mark.parametrize("style", [NARROW, WIDE], ids=["single", "double"])
def test_alignment_plot_shows_shifts_by_tilt_and_what_is_unknown(style):
    angles = np.linspace(70, -70, 36)
    found = alignment(
        36,
        notes=(
            "The series has no features along the tilt axis: shifts along it are undetermined.",
        ),
    )
    figure = alignment_plot(found, angles, style=style)
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    np.testing.assert_array_equal(lines["x"].get_xdata(), angles[::-1])
    np.testing.assert_array_equal(lines["x"].get_ydata(), found.shifts_px[::-1, 1])
    np.testing.assert_array_equal(lines["y"].get_ydata(), found.shifts_px[::-1, 0])
    np.testing.assert_array_equal(figure.axes[1].lines[0].get_ydata(), found.residual_px[::-1])
    assert said(figure, "Axis −87.2°")
    assert said(figure, "handedness unknown")
    assert said(figure, "shifts along it are undetermined")
    assert_legible(figure)
    with pytest.raises(InputError, match="angles_deg"):
        alignment_plot(found, angles[1:])


@pytest.mark.parametrize("style", [NARROW, WIDE], ids=["single", "double"])
def test_quality_plot_states_the_guides_beside_the_residuals(style):
    quality = Quality(
        residual_per_tilt=(0.03, 0.02, 0.04),
        residual=0.031,
        gray_factor=1.0,
        crowther_nm=2.79,
        wedge_elongation=1.331,
        thickness_nm=80.0,
        tilt_range_deg=138.0,
        tilt_step_deg=2.0,
        mass_variation=0.01,
        mass_per_tilt=(1.0,),
    )
    figure = quality_plot(quality, [2.0, 0.0, -2.0], convergence=[0.5, 0.2, 0.1, 0.05], style=style)
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), [4.0, 2.0, 3.0])
    np.testing.assert_allclose(figure.axes[1].lines[0].get_ydata(), [50, 20, 10, 5])
    assert said(figure, "D·Δθ = 2.79 nm for D = 80 nm at steps of 2°")
    assert said(figure, "elongation along the beam 1.33")
    assert_legible(figure)
    with pytest.raises(InputError, match="angles_deg"):
        quality_plot(quality, [0.0])


def test_sizes_below_the_detection_limit_are_shaded(clusters):
    limit = SizeLimit(0.6, 1.0)
    figure = object_histograms(clusters, voxel_nm=0.25, size_limit=limit)
    shades = [
        patch
        for axes in figure.axes
        for patch in axes.patches
        if patch.get_gid() == "below detection limit"
    ]
    ends = [shade.get_x() + shade.get_width() for shade in shades]
    # length that is read, and the volume of the sphere, π/6 d³
    assert ends == pytest.approx([1.0, math.pi / 6 * 0.6**3])
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "fewer than half are found (< 1 nm)" in words
    plain = object_histograms(clusters, voxel_nm=0.25)
    assert not [
        p for axes in plain.axes for p in axes.patches if p.get_gid() == shades[0].get_gid()
    ]
