"""Figure of the discrete residual: marks where they belong, the allowed contour of a closed form."""

from __future__ import annotations

import numpy as np
import pytest
from legible import assert_legible, texts_of

from napari_snpore.errors import InputError
from napari_snpore.figures import FigureStyle, residual_map_plot
from napari_snpore.segmentation.residual_map import ResidualMap
from napari_snpore.segmentation.thresholds import Suggestion


def parabola(scale=1.0):
    """R = 1 + (t1 − 3)² + (t2 − 6)²; allowed is a circle of radius 0.2 around the minimum."""
    grid = np.linspace(0.1, 10, 100)
    t1, t2 = np.meshgrid(grid, grid, indexing="ij")
    residual = np.where(t2 > t1, 1 + (t1 - 3) ** 2 + (t2 - 6) ** 2, np.nan)
    suggestion = Suggestion((3.1 * scale, 6 * scale), 0.5, None, "projection")
    levels, best = (0.0, 4.0 * scale, 8.0 * scale), (3.0 * scale, 6.0 * scale)
    return ResidualMap(grid * scale, residual, levels, best, 1.0, 0.04, suggestion, 1.0)


def curve():
    grid = np.linspace(0.1, 10, 100)
    suggestion = Suggestion((2.0,), 0.5, None, "projection")
    return ResidualMap(grid, 1 + (grid - 3) ** 2, (0.0, 4.0), (3.0,), 1.0, 0.25, suggestion, 1.0)


def marks(figure):
    lines = {line.get_gid(): line for line in figure.axes[0].lines if line.get_gid()}
    return {name: (line.get_xdata()[0], line.get_ydata()[0]) for name, line in lines.items()}


def test_marks_lie_at_their_thresholds():
    figure = residual_map_plot(parabola(), in_use=(2.5, 7.0))
    assert marks(figure) == {"minimum": (3.0, 6.0), "suggested": (3.1, 6.0), "in use": (2.5, 7.0)}


def test_the_allowed_contour_is_the_circle():
    figure = residual_map_plot(parabola())
    contour = figure.axes[0].collections[0]
    points = contour.get_paths()[0].vertices
    radius = np.hypot(points[:, 0] - 3, points[:, 1] - 6)
    np.testing.assert_allclose(radius, 0.2, atol=0.03)


def test_shares_of_the_way_are_on_the_axes_opposite():
    figure = residual_map_plot(parabola())
    figure.draw_without_rendering()
    axes = figure.axes[0]
    across, up = axes.child_axes
    x, y = axes.get_xlim(), axes.get_ylim()
    np.testing.assert_allclose(across.get_xlim(), np.array(x) / 4)
    np.testing.assert_allclose(up.get_ylim(), (np.array(y) - 4) / 4)


@pytest.mark.parametrize("found", [parabola(), parabola(1e-7), parabola(3e4), curve()])
@pytest.mark.parametrize("width", [60, 88, 180])
def test_it_is_legible(found, width):
    in_use = found.best[: found.residual.ndim]
    ranges = [("pore", (41.2, 46.0)), ("C", (39.0, 43.5)), ("Sn", (14.0, 15.1))]
    figure = residual_map_plot(
        found, in_use=in_use, fractions=ranges, style=FigureStyle(width_mm=width)
    )
    assert_legible(figure)
    assert any("allow pore 41.2 to 46.0 %" in text for text in texts_of(figure))


def test_without_levels_the_figure_says_so():
    suggestion = Suggestion((1.0, 2.0), 0.0, "No rising grey levels fit.", "haadf")
    grid = np.arange(1.0, 4.0)
    empty = ResidualMap(grid, np.full((3, 3), np.nan), (), (), float("nan"), 0.0, suggestion, 1.0)
    assert texts_of(residual_map_plot(empty)) == ["No rising grey levels fit."]


def test_too_few_thresholds_in_use_are_refused():
    with pytest.raises(InputError, match="in_use has 1"):
        residual_map_plot(parabola(), in_use=(2.5,))
