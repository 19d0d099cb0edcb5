"""Image panels of a plate (pictures, grey slices, phase slices) and the interface that all panels
share.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from napari_snpore.errors import InputError
from napari_snpore.figures.color_bar import add_color_bar
from napari_snpore.figures.cuts import Cut
from napari_snpore.figures.numbers import number
from napari_snpore.figures.page import Box, axes_at, frame_image, text_at, text_width_mm, wrapped
from napari_snpore.figures.phase_colors import hatch_ground, phase_image, shown_names
from napari_snpore.figures.plate_spec import ColorScale
from napari_snpore.figures.scale_bar import add_scale_bar
from napari_snpore.figures.style import GRAY, FigureStyle
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme


class Panel(Protocol):
    """What a plate places."""

    heading: str

    @property
    def scheme(self) -> PhaseScheme | None:
        """Phases whose colours it shows: the plate names them in its legend."""

    @property
    def exterior(self) -> bool:
        """Whether it shows the background drawn for the exterior."""

    @property
    def aspect(self) -> float:
        """Width over height of the box that it is drawn in."""

    def least_mm(self, style: FigureStyle) -> float:
        """Return the least width (mm) that its text needs."""

    def note(self) -> str:
        """Return a line below the box, or nothing."""

    def draw(self, figure: Figure, box: Box, style: FigureStyle) -> None:
        """Draw into a box of the sheet (mm)."""


@dataclass(frozen=True, eq=False)
class ImagePanel:
    """A picture as it is, such as a 3D scene.

    Parameters
    ----------
    heading : str
        Above it.
    rgb : array, uint8, shape (height, width, 3 or 4)
        Its pixels; nothing is interpolated away that the dots per inch hold.
    nm_per_pixel : float, optional
        Draws a scale bar; only for parallel projections.
    scheme : PhaseScheme, optional
        Phases whose colours the picture shows.
    words : str
        Below it.
    color_scale : ColorScale, optional
        Draws a color bar in its upper right corner.
    """

    heading: str
    rgb: NDArray[np.uint8]
    nm_per_pixel: float | None = None
    scheme: PhaseScheme | None = None
    words: str = ""
    color_scale: ColorScale | None = None
    exterior: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] not in (3, 4) or self.rgb.dtype != np.uint8:
            raise InputError(
                f"The picture is {self.rgb.dtype} of shape {self.rgb.shape}; uint8 (height, width, 3) is needed."
            )

        if self.nm_per_pixel is not None and not (
            math.isfinite(self.nm_per_pixel) and self.nm_per_pixel > 0
        ):
            raise InputError(
                f"nm_per_pixel is {self.nm_per_pixel}; a positive number is needed, or None."
            )

    @property
    def aspect(self) -> float:
        """Of the picture."""
        return float(self.rgb.shape[1] / self.rgb.shape[0])

    def least_mm(self, style: FigureStyle) -> float:
        """Return what its heading takes."""
        return least_of_heading(self.heading, style)

    def note(self) -> str:
        """Return its words."""
        return self.words

    def draw(self, figure: Figure, box: Box, style: FigureStyle) -> None:
        """Draw the picture in a thin frame."""
        axes = axes_at(figure, box)
        frame_image(axes)
        height, width = self.rgb.shape[:2]
        scale = self.nm_per_pixel or 1.0
        axes.imshow(
            self.rgb, extent=(0, width * scale, height * scale, 0), aspect="auto", gid="picture"
        )
        if self.nm_per_pixel is not None:
            add_scale_bar(axes, style=style, dark=self._lightness < 128)
        if self.color_scale is not None:
            add_color_bar(figure, box, self.color_scale, style=style, dark=self._lightness < 128)

    @property
    def _lightness(self) -> float:
        """Mean lightness on white paper, 0 to 255."""
        share = self.rgb[..., 3:] / 255 if self.rgb.shape[2] == 4 else 1.0
        return float((self.rgb[..., :3] * share + 255 * (1 - share)).mean())


@dataclass(frozen=True, eq=False)
class SlicePanel:
    """One slice of grey values with its scale bar.

    Parameters
    ----------
    heading : str
        Above it.
    cut : Cut
        The slice, see :func:`~napari_snpore.figures.cuts.cut`.
    limits : (float, float)
        Grey values at the ends of the colour map.
    colors : array, uint8, shape (256, 3 or 4)
        The colour map, from the low to the high end.
    """

    heading: str
    cut: Cut
    limits: tuple[float, float]
    colors: NDArray[np.uint8] = field(
        default_factory=lambda: np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1)
    )
    scheme: ClassVar[None] = None
    exterior: ClassVar[bool] = False

    @property
    def aspect(self) -> float:
        """In nm."""
        return float(self.cut.size_nm[1] / self.cut.size_nm[0])

    def least_mm(self, style: FigureStyle) -> float:
        """Return what its heading takes."""
        return least_of_heading(self.heading, style)

    def note(self) -> str:
        """Return the grey values of the darkest and the brightest pixels."""
        low, high = (number(value, trim=True) for value in self.limits)
        return f"grey value {low} to {high}"

    def image(self) -> NDArray[np.uint8]:
        """Return the slice in its colours, uint8 (row, column, channel)."""
        return in_colors(self.cut.values, self.limits, self.colors)

    def draw(self, figure: Figure, box: Box, style: FigureStyle) -> None:
        """Draw the slice, its scale bar in the lower left corner."""
        axes = _slice_axes(figure, box, self.cut)
        axes.imshow(
            self.image(),
            extent=self.cut.extent_nm,
            interpolation="nearest",
            aspect="auto",
            gid="grey-values",
        )
        add_scale_bar(axes, style=style, dark=True)


@dataclass(frozen=True, eq=False)
class PhasePanel:
    """One slice of phases in the colours of their scheme, with its scale bar; the plate adds the
    legend.

    A phase of a fully transparent colour is not drawn, and the note says so.
    """

    heading: str
    cut: Cut
    scheme: PhaseScheme = PORE_C_SN

    @property
    def exterior(self) -> bool:
        """Whether a voxel of the slice lies outside."""
        return bool((self.cut.values == 0).any())

    @property
    def aspect(self) -> float:
        """In nm."""
        return float(self.cut.size_nm[1] / self.cut.size_nm[0])

    def least_mm(self, style: FigureStyle) -> float:
        """Return what its heading takes."""
        return least_of_heading(self.heading, style)

    def note(self) -> str:
        """Return which phases are hidden; the legend says the rest."""
        hidden = set(self.scheme.names) - set(shown_names(self.scheme))
        return (
            f"not shown: {', '.join(name for name in self.scheme.names if name in hidden)}"
            if hidden
            else ""
        )

    def draw(self, figure: Figure, box: Box, style: FigureStyle) -> None:
        """Draw the slice on the background of the exterior."""
        axes = _slice_axes(figure, box, self.cut)
        hatch_ground(axes)
        colors = phase_image(self.cut.values, self.scheme)
        axes.imshow(
            colors, extent=self.cut.extent_nm, interpolation="nearest", aspect="auto", gid="phases"
        )
        add_scale_bar(axes, style=style, dark=False)


def in_colors(
    values: NDArray[Any], limits: tuple[float, float], colors: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return grey values in the colours of a map, uint8; what lies beyond the limits takes the
    ends, NaN the low one.

    Parameters
    ----------
    values : array
        Grey values.
    limits : (float, float)
        Grey values at the first and at the last colour.
    colors : array, uint8, shape (256, 3 or 4)
        The map.
    """
    low, high = limits
    if not (math.isfinite(low) and math.isfinite(high) and low != high):
        raise InputError(f"limits are {low} and {high}; two different numbers are needed.")
    share = (values.astype(np.float64) - low) / (high - low)
    steps = np.rint(255 * np.clip(np.nan_to_num(share), 0, 1)).astype(np.intp)
    return np.asarray(np.asarray(colors)[steps])


def least_of_heading(heading: str, style: FigureStyle) -> float:
    """Return the width in which a heading and its letter stay readable: on one line if it is short,
    on two or three if not.
    """
    letter = 4.5 if style.letters else 0.0
    longest = max((text_width_mm(word, style.font_pt) for word in heading.split()), default=0.0)
    return letter + max(
        1.2 * longest, min(text_width_mm(heading, style.font_pt) * 1.05, 2.4 * style.font_pt)
    )


def note_at(figure: Figure, box: Box, panel: Panel, style: FigureStyle) -> None:
    """Write the note of a panel below its box."""
    if words := panel.note():
        words = wrapped(words, width_mm=box.width, size_pt=style.small_pt)
        text_at(
            figure,
            box.left,
            box.top + box.height + 0.6,
            words,
            fontsize=style.small_pt,
            color=GRAY,
            linespacing=1.15,
        )


def note_lines(panel: Panel, width_mm: float, style: FigureStyle) -> int:
    """Return how many lines the note of a panel takes."""
    words = panel.note()
    return (
        len(wrapped(words, width_mm=width_mm, size_pt=style.small_pt).split("\n")) if words else 0
    )


def _slice_axes(figure: Figure, box: Box, cut: Cut) -> Axes:
    axes = axes_at(figure, box)
    frame_image(axes)
    left, right, bottom, top = cut.extent_nm
    axes.set(xlim=(left, right), ylim=(bottom, top))
    return axes
