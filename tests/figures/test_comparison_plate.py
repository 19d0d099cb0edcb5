"""Panels of several states and their plate: what they say and draw, legible at every size."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from legible import assert_legible, texts_of

from napari_snpore.comparison.compare import compare_states
from napari_snpore.comparison.state_result import StateResult
from napari_snpore.errors import InputError
from napari_snpore.figures import (
    CubeSizePanel,
    DifferencePanel,
    FigureStyle,
    ImagePanel,
    OverlayPanel,
    StateBarsPanel,
    StateProfilePanel,
    panel_figure,
)
from napari_snpore.figures.comparison_plate import (
    COMPARISON_PARTS,
    comparison_plate,
    comparison_rows,
    key_quantities,
    state_slices,
)
from napari_snpore.figures.comparison_table import comparison_table, remark_on_comparison
from napari_snpore.figures.page import size_mm
from napari_snpore.uncertainty.number_table import NUMBER_COLUMNS
from napari_snpore.volume import Volume

PORE = ("pore fraction, whole", "%")
LENGTH = ("Sn cluster length, median", "nm")


def numbers(pore, half, length=1.4, *, corrected=math.nan, calibrated="yes"):
    best = corrected if math.isfinite(corrected) else pore
    values = {
        PORE: (pore, corrected, best - half, best + half),
        ("pore fraction, centre cube", "%"): (pore - 8, math.nan, pore - 9, pore - 7),
        ("pore fraction, edge cube", "%"): (pore + 4, math.nan, pore + 3, pore + 5),
        ("dead share of pore volume, connectivity 6", "%"): (0.04, math.nan, 0.0, 0.1),
        ("Sn clusters", "1"): (2706.0, math.nan, 2500.0, 2900.0),
        ("Sn clusters shorter than 2 nm", "% of number"): (80.0, math.nan, 70.0, 90.0),
        ("Sn clusters shorter than 2 nm", "% of volume"): (40.0, math.nan, 30.0, 50.0),
        LENGTH: (length, math.nan, length - 0.1, length + 0.1),
    }
    rows = [
        [*key, value, math.nan, fixed, low, high, math.nan, math.nan, "wedge", calibrated, "none"]
        for key, (value, fixed, low, high) in values.items()
    ]
    return pd.DataFrame(rows, columns=list(NUMBER_COLUMNS))


def fibre(name, table, seed, **parts):
    rng = np.random.default_rng(seed)
    length = rng.gamma(6, 0.25, 300)
    tin = pd.DataFrame(
        {
            "length_nm": length,
            "width_nm": 0.6 * length,
            "aspect_ratio": rng.uniform(0.5, 1.0, 300),
            "volume_nm3": 0.3 * length**3,
            "centroid_y_nm": rng.uniform(0, 40, 300),
            "touches_border": False,
            "resolved": rng.random(300) > 0.5,
        }
    )
    depth = np.arange(6.0)
    shells = pd.DataFrame(
        {
            "sector": "all",
            "depth_from_nm": depth,
            "depth_to_nm": depth + 1,
            "voxel_count": 1000,
            "pore_percent": 40 - 2 * depth,
            "Sn_percent": 15.0,
        }
    )
    cubes = pd.DataFrame(
        {"edge_nm": [1.0, 2.0, 4.0], "mean_percent": 35.0, "sd_percent": [9.0, 4.0, math.nan]}
    )
    usual = {
        "objects": {"Sn": tin, "pore": tin},
        "profile": shells,
        "tables": {"cube sizes": cubes},
    }
    return StateResult(name, table, **{**usual, **parts})


def states(names=("pristine", "sodiated", "desodiated"), n=1):
    return compare_states(
        {
            name: [
                fibre(
                    f"{name} {j}", numbers(45 - 8 * k + 0.3 * j, 2.0, calibrated="no, no images"), k
                )
                for j in range(n)
            ]
            for k, name in enumerate(names)
        },
        draws=100,
    )


@pytest.fixture(scope="module")
def three():
    return states()


@pytest.mark.parametrize(("width", "font"), [(180.0, 7.0), (180.0, 8.0), (150.0, 6.0)])
def test_the_plate_of_three_states_is_legible(three, width, font):
    figure = comparison_plate(
        three, title="Three states", style=FigureStyle(width, font, letters=True)
    )
    assert size_mm(figure)[0] == pytest.approx(width)
    assert_legible(figure)
    words = " ".join(texts_of(figure))
    for name in three.names:
        assert name in words


def test_the_default_plate_fits_a_page(three):
    assert size_mm(comparison_plate(three))[1] <= 247


@pytest.mark.parametrize("names", [("one",), ("a", "b"), ("a", "b", "c", "d", "e", "f")])
def test_any_number_of_states_is_legible(names):
    assert_legible(comparison_plate(states(names)))


def test_several_fibres_are_legible_and_have_a_line_each():
    found = states(n=3)
    assert_legible(comparison_plate(found))
    figure = panel_figure(StateProfilePanel(found))
    curves = [line for axes in figure.axes for line in axes.lines if line.get_gid() == "curve"]
    assert len(curves) == 9
    assert curves[0].get_xdata().tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    assert curves[0].get_ydata().tolist() == [40.0, 38.0, 36.0, 34.0, 32.0, 30.0]


@pytest.mark.parametrize("part", COMPARISON_PARTS)
def test_each_part_is_legible_alone(three, part):
    assert_legible(comparison_plate(three, parts=[part]))


def test_what_there_is_no_table_for_is_left_out():
    bare = {
        name: [fibre("x", numbers(40, 2.0), 0, objects={}, profile=None, tables={})]
        for name in ("a", "b")
    }
    found = compare_states(bare, draws=100)
    kinds = [type(panel).__name__ for row in comparison_rows(found) for panel in row]
    assert "OverlayPanel" not in kinds
    assert "StateProfilePanel" not in kinds
    assert kinds[-1] == "TablePanel"
    assert CubeSizePanel(found).is_empty
    assert_legible(comparison_plate(found))


def test_the_plate_with_pictures_fits_a_page_too(three):
    slices = state_slices({name: Volume(np.ones((8, 1, 8), np.uint8), 0.5) for name in three.names})
    figure = comparison_plate(three, pictures=slices)
    assert size_mm(figure)[1] <= 247
    assert_legible(figure)
    words = texts_of(figure)
    assert [word for word in words if word.endswith(", XZ")] == [f"{n}, XZ" for n in three.names]
    assert any("Differences" in word for word in words)


def test_pictures_come_first_and_an_unknown_part_is_refused(three):
    pictures = [ImagePanel(name, np.zeros((40, 40, 3), np.uint8)) for name in three.names]
    figure = comparison_plate(three, parts=["table"], pictures=pictures)
    assert [axes.get_gid() or "" for axes in figure.axes]
    assert_legible(figure)
    with pytest.raises(InputError, match="parts names 'volumes'"):
        comparison_plate(three, parts=["volumes"])


def test_bars_have_the_best_value_and_whiskers_to_the_ends():
    results = {
        "a": [fibre("x", numbers(40, 2.0, corrected=38.0), 0)],
        "b": [fibre("y", numbers(30, 1.0), 0)],
    }
    found = compare_states(results, draws=100)
    panel = StateBarsPanel("Pore", found, {"whole": PORE}, "Pore fraction (%)")
    axes = panel_figure(panel).axes[0]
    heights = [bar.get_height() for bar in axes.patches if bar.get_gid() == "number"]
    assert heights == [38.0, 30.0]
    ends = [
        sorted(float(y) for y in part.get_segments()[0][:, 1])
        for bars in axes.containers
        if hasattr(bars, "has_yerr")
        for part in bars.lines[2]
    ]
    assert ends == [[36.0, 40.0], [29.0, 31.0]]
    assert "where known, corrected by a twin" in panel.note()


def test_overlays_draw_the_shares_of_the_table(three):
    panel = OverlayPanel(three, "Sn", "length_nm", "volume")
    axes = panel_figure(panel).axes[0]
    drawn = [patch for patch in axes.patches if patch.get_gid() == "shares"]
    assert len(drawn) == 3
    table = three.shares
    chosen = table[
        (table["objects"] == "Sn")
        & (table["quantity"] == "length")
        & (table["weighting"] == "volume")
        & (table["state"] == "pristine")
        & np.isfinite(table["bin_to"])
    ]
    np.testing.assert_allclose(drawn[0].get_data().values, chosen["share_percent"])
    assert "n = 300, 300, 300" in panel.note()


def test_a_difference_below_the_error_is_hollow():
    results = {
        "a": [fibre("x", numbers(40, 2.0), 0)],
        "b": [fibre("y", numbers(30, 2.0), 0)],
        "c": [fibre("z", numbers(41, 2.0), 0)],
    }
    found = compare_states(results, draws=100)
    axes = panel_figure(DifferencePanel("Differences", found, [PORE])).axes[0]
    marks = {
        line.get_xdata()[0]: line.get_markerfacecolor()
        for line in axes.lines
        if line.get_marker() in ("o", "s", "^") and len(line.get_xdata()) == 1
    }
    assert {value: color == "white" for value, color in marks.items()} == {
        -10.0: False,
        1.0: True,
        11.0: False,
    }


def test_relative_differences_are_in_percent_of_the_first_state():
    results = {
        "a": [fibre("x", numbers(40, 2.0, 2.0), 0)],
        "b": [fibre("y", numbers(40, 2.0, 2.5), 0)],
    }
    found = compare_states(results, draws=100)
    axes = panel_figure(DifferencePanel("Sizes", found, [LENGTH], relative=True)).axes[0]
    marks = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert marks == [pytest.approx(25.0)]


def test_the_table_writes_values_differences_and_marks():
    results = {
        "pristine": [fibre("x", numbers(40.0, 2.0, corrected=38.0), 0)],
        "sodiated": [fibre("y", numbers(25.0, 1.0, corrected=26.0, calibrated="no, no images"), 0)],
        "desodiated": [fibre("z", numbers(37.0, 2.0, corrected=37.5), 0)],
    }
    found = compare_states(results, draws=100, carbon_shift=0.0)
    table = comparison_table(found).set_index("")
    assert table.loc["pore fraction, whole (%)"].tolist() == [
        "38.0 ± 2.0", "26.0 ± 1.0*", "37.5 ± 2.0", "−12.0 ± 2.2", "(−0.5 ± 2.8)", "+11.5 ± 2.2",
    ]  # fmt: skip
    assert table.loc["Sn clusters", "pristine"] == "2,706 ± 200"
    assert "*: the interval is not calibrated" in remark_on_comparison(found)
    short = comparison_table(found, differences=False, quantities=[PORE]).set_index("")
    assert short.loc["pore fraction, whole (%)"].tolist() == [
        "38.0 ± 2.0", "26.0 ± 1.0*", "37.5 ± 2.0 ≈",
    ]  # fmt: skip
    assert "≈: differs from pristine by less than the error" in remark_on_comparison(
        found, differences=False
    )


def test_numbers_without_an_error_are_in_the_full_table_alone():
    diffusivity = pd.DataFrame(
        {
            "region": "whole",
            "direction": ["y"],
            "relative_diffusivity": [0.01234],
            "tortuosity_factor": [12.0],
        }
    )
    tables = {"diffusivity": diffusivity}
    found = compare_states({"a": [fibre("x", numbers(40, 2.0), 0, tables=tables)]}, draws=100)
    full = comparison_table(found).set_index("")
    assert full.loc["pore diffusivity D/D₀, along the fibre", "a"] == "0.0123"
    assert full.loc["pore tortuosity factor, along the fibre", "a"] == "12"
    assert not any("diffusivity" in quantity for quantity, _ in key_quantities(found))


def test_slices_of_states_are_at_one_scale():
    """A fibre of 12 nm and one of 6 nm, the latter off the middle: the same field, each in its
    middle.
    """
    thick, thin = (np.zeros((40, 3, 40), np.uint8) for _ in range(2))
    thick[8:32, :, 8:32] = 2  # 24 voxels of 0.5 nm
    thin[2:14, :, 2:14] = 3
    panels = state_slices({"a": Volume(thick, 0.5), "b": Volume(thin, 0.5)})
    assert [panel.heading for panel in panels] == ["a, XZ", "b, XZ"]
    assert panels[0].cut.size_nm[0] == pytest.approx(12 * 1.06, abs=0.5)
    left, right, _, _ = panels[1].cut.extent_nm
    assert left >= -0.25
    assert right == pytest.approx(3.75 + 6 * 1.06, abs=0.5)
    with pytest.raises(InputError, match="'c' holds no phase"):
        state_slices({"c": Volume(np.zeros((4, 4, 4), np.uint8), 0.5)})
