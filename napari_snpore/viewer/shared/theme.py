"""Colours of napari's theme for what is drawn inside a widget or over the scene."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any, Protocol

from napari.components import ViewerModel
from napari.utils.theme import get_theme
from qtpy.QtCore import QObject
from vispy.color import Color

from napari_snpore.viewer.shared.events import connect_while_alive


@dataclass(frozen=True)
class PlotColors:
    """Background and text colour of a plot, for one theme."""

    background: str = "#262930"
    ink: str = "#f0f1f2"

    @property
    def faint(self) -> tuple[float, float, float, float]:
        """Ink for thin lines."""
        r, g, b, _ = Color(self.ink).rgba
        return r, g, b, 0.45


class ThemedPlot(Protocol):
    """A plot that can be drawn in the colours of a theme."""

    def set_colors(self, colors: PlotColors) -> None:
        """Draw in these colours."""


def follow_theme(plot: ThemedPlot, owner: QObject, viewer: ViewerModel) -> None:
    """Draw a plot in the colours of the viewer's theme, now and after each change of theme while
    ``owner`` lives.
    """
    kept = weakref.ref(plot)  # the viewer would keep the plot after its form was closed

    def apply_theme(event: Any = None) -> None:
        del event
        theme, shown = get_theme(viewer.theme), kept()
        if shown is not None:
            background, ink = (one.as_hex("long") for one in (theme.background, theme.text))
            shown.set_colors(PlotColors(background=background, ink=ink))

    connect_while_alive(owner, viewer.events.theme, apply_theme)
    apply_theme()


def ink_of(viewer: ViewerModel) -> str:
    """Return the text colour of the theme, which contrasts with its background."""
    return str(get_theme(viewer.theme).text.as_hex("long"))


def is_light(viewer: ViewerModel) -> bool:
    """Return whether the background of the scene is nearer to white than to black."""
    red, green, blue = get_theme(viewer.theme).canvas.as_rgb_tuple(alpha=False)
    return 0.299 * red + 0.587 * green + 0.114 * blue > 127  # luma weights of ITU-R BT.601
