from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from legible import assert_legible, texts_of

from napari_snpore.errors import InputError
from napari_snpore.figures.in_situ_plot import diameter_plot, intensity_plot, profile_plot
from napari_snpore.figures.style import FigureStyle
from napari_snpore.in_situ import break_point
from napari_snpore.in_situ.chord import blurred_chord

LOOKS = [FigureStyle(width_mm=88, letters=True), FigureStyle(width_mm=180)]
TIMES = np.arange(0, 501, 20.0)


@pytest.fixture
def table():
    truth = np.minimum(64.8 + 15.5 / 420 * TIMES, 80.3 + 0.01 * (TIMES - 420))
    frame = pd.DataFrame(
        {
            "frame": np.arange(len(TIMES)),
            "time_s": TIMES,
            "diameter_nm": truth,
            "diameter_error_nm": 0.3,
        }
    )
    return frame.assign(
        fitted=True, center_nm=0.0, blur_nm=1.0, background=20.0, amplitude=100.0, angle_deg=0.0
    )


@pytest.fixture
def profile(table):
    parts = []
    for row in (table.iloc[0], table.iloc[-1]):
        x = np.arange(-60, 60.5)
        values = 20 + 100 * blurred_chord(x, row["diameter_nm"] / 2, 1.0) / row["diameter_nm"]
        about = {"frame": int(row["frame"]), "time_s": row["time_s"], "position_nm": x}
        parts.append(
            pd.DataFrame(
                {
                    **about,
                    "intensity": values,
                    "intensity_error": 1.0,
                    "pixel_count": 50,
                    "angle_deg": 0.0,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def drawn(figure, gid):
    return next(found for found in figure.axes[0].get_children() if found.get_gid() == gid)


def test_points_break_and_lines_are_where_the_numbers_say(table):
    found = break_point(TIMES, table["diameter_nm"])
    figure = diameter_plot(table, found)
    (points,) = figure.axes[0].containers
    assert points[0].get_xdata() == pytest.approx(TIMES)
    assert points[0].get_ydata() == pytest.approx(table["diameter_nm"].to_numpy())
    assert drawn(figure, "break").get_xdata()[0] == pytest.approx(420, abs=0.1)
    assert drawn(figure, "lines").get_ydata() == pytest.approx([64.8, 80.3, 81.1], abs=0.01)
    words = " ".join(texts_of(figure))
    assert "n = 26 frames" in words
    assert "Break at 420" in words
    assert "Time (s)" in words


def test_a_break_that_is_none_is_said_to_be_none(table):
    straight = table.assign(
        diameter_nm=64.8 + 0.03 * TIMES + np.random.default_rng(0).normal(0, 0.2, len(TIMES))
    )
    words = " ".join(texts_of(diameter_plot(straight, break_point(TIMES, straight["diameter_nm"]))))
    assert "no break is shown by these data" in words


def test_frames_that_were_not_fitted_are_left_out_and_counted(table):
    table.loc[3, ["diameter_nm", "diameter_error_nm", "fitted"]] = [np.nan, np.nan, False]
    figure = diameter_plot(table.assign(fitted=table["fitted"].astype(bool), time_s=np.nan))
    assert len(figure.axes[0].containers[0][0].get_xdata()) == 25
    words = texts_of(figure)
    assert "Frame" in words
    assert any("1 not fitted" in text for text in words)


def test_fits_lie_on_the_profiles(table, profile):
    figure = profile_plot(profile, table)
    for frame in (0, 25):
        rows = profile[profile["frame"] == frame]
        assert drawn(figure, f"fit {frame}").get_ydata() == pytest.approx(
            rows["intensity"].to_numpy(), abs=1e-9
        )
    words = " ".join(texts_of(figure))
    assert "0 s, 64.8 ± 0.3 nm" in words
    assert "500 s, 81.1 ± 0.3 nm" in words


@pytest.fixture
def intensities():
    parts = [
        pd.DataFrame(
            {
                "box": name,
                "frame": range(26),
                "time_s": TIMES,
                "intensity_percent": 100 + k * TIMES / 50,
                "vacuum": 7.0,
            }
        )
        for k, name in enumerate(("centre", "edge", "far away"))
    ]
    return pd.concat(parts, ignore_index=True).assign(intensity_percent_error=0.5)


@pytest.mark.parametrize("style", LOOKS, ids=["single", "double"])
def test_figures_are_legible(table, profile, intensities, style):
    for figure in (
        diameter_plot(table, break_point(TIMES, table["diameter_nm"]), style),
        profile_plot(profile, table, style),
        profile_plot(profile, style=style),
        intensity_plot(intensities, style),
        diameter_plot(table.assign(fitted=False), style=style),
        profile_plot(profile[:0], style=style),
    ):
        assert_legible(figure)


def test_boxes_have_a_curve_each(intensities):
    figure = intensity_plot(intensities)
    assert [container.get_label() for container in figure.axes[0].containers] == [
        "box centre",
        "box edge",
        "box far away",
    ]
    assert "Vacuum subtracted" in " ".join(texts_of(figure))


def test_a_table_of_something_else_is_refused(table, profile):
    with pytest.raises(InputError, match="diameter_nm"):
        diameter_plot(profile)
    with pytest.raises(InputError, match="intensity"):
        profile_plot(table)
    with pytest.raises(InputError, match="intensity_percent"):
        intensity_plot(table)
