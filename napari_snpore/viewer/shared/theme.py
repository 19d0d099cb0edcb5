"""The colours of napari's theme for what is drawn inside a widget or over the scene."""

from __future__ import annotations

from typing import Any

from napari.components import ViewerModel
from napari.utils.theme import get_theme

from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.threshold.histogram_plot import HistogramPlot, PlotColors


def follow_theme(plot: HistogramPlot, viewer: ViewerModel) -> None:
    """Give a plot the colours of the viewer's theme, now and whenever it changes."""

    def dress(event: Any = None) -> None:
        del event
        theme = get_theme(viewer.theme)
        plot.set_look(PlotColors(ground=theme.background.as_hex("long"), ink=theme.text.as_hex("long")))

    connect_while_alive(plot, viewer.events.theme, dress)
    dress()


def ink_of(viewer: ViewerModel) -> str:
    """Return the colour of the theme's text, which stands out on its ground."""
    return str(get_theme(viewer.theme).text.as_hex("long"))


def is_light(viewer: ViewerModel) -> bool:
    """Say whether the ground of the scene is nearer to white than to black."""
    red, green, blue = get_theme(viewer.theme).canvas.as_rgb_tuple(alpha=False)
    return 0.299 * red + 0.587 * green + 0.114 * blue > 127
