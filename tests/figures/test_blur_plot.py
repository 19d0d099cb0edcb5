"""Figure of the search for the blur: trials, the value found and its interval in their places."""

from __future__ import annotations

import math

import numpy as np
import pytest
from legible import assert_legible, texts_of

from napari_snpore.figures import FigureStyle, blur_curve_plot
from napari_snpore.tomography.discrete.blur_search import BlurEstimate

TRIALS = (0.5, 0.7, 0.89, 1.0, 1.12, 1.4, 1.96)


def estimate(**changed):
    curve = tuple((sigma, 0.9 + math.log(sigma) ** 2) for sigma in TRIALS)
    fields = {"sigma_px": 1.0, "low_95": 0.94, "high_95": 1.06, "levels": (1.0, 12.0)}
    fields |= {"curve": curve, "reliable": True}
    return BlurEstimate(**{**fields, **changed})


def test_trials_and_the_found_value_lie_where_they_were():
    axes = blur_curve_plot(estimate()).axes[0]
    lines = {line.get_gid(): line for line in axes.lines}
    np.testing.assert_allclose(lines["trials"].get_xdata(), TRIALS)
    np.testing.assert_allclose(lines["trials"].get_ydata(), 0.9 + np.log(TRIALS) ** 2)
    assert lines["found"].get_xdata()[0] == 1.0
    (interval,) = axes.patches
    assert (interval.get_x(), interval.get_x() + interval.get_width()) == pytest.approx(
        (0.94, 1.06)
    )


@pytest.mark.parametrize(
    "found",
    [
        estimate(),
        estimate(reliable=False, reason="The residual hardly depends on the blur."),
        estimate(
            sigma_px=math.nan,
            low_95=math.nan,
            high_95=math.nan,
            reliable=False,
            reason="The residual still falls at the smallest blur tried, 0.50 px.",
        ),
    ],
)
@pytest.mark.parametrize("width", [60, 88, 180])
def test_it_is_legible(found, width):
    figure = blur_curve_plot(found, style=FigureStyle(width_mm=width))
    assert_legible(figure)
    assert found.reliable or any("Not reliable" in text for text in texts_of(figure))


def test_without_trials_the_figure_gives_the_reason():
    none = estimate(curve=(), reason="There are 12 tilts; the blur needs 20 or more.")
    assert texts_of(blur_curve_plot(none)) == [none.reason]
