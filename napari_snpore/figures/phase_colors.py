"""Label images of phases in the colors of their scheme, and the legend of the phases.

The colours themselves are data of :mod:`napari_snpore.segmentation.phases`. The exterior has none:
image and legend leave it open, and a pale hatched ground shows through, so that it differs from
white pores without colour too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb, to_rgba, to_rgba_array
from matplotlib.patches import Patch
from numpy.typing import NDArray

from napari_snpore.errors import InputError
from napari_snpore.figures.page import text_width_mm
from napari_snpore.figures.style import HATCH, INK, OUTLINE, PALE, FigureStyle
from napari_snpore.segmentation.phases import PhaseScheme


def phase_image(labels: NDArray[Any], scheme: PhaseScheme) -> NDArray[np.uint8]:
    """Return the labels (row, column) as colours, uint8 (row, column, 4); label 0 is transparent.

    Raises
    ------
    InputError
        A label without a name in the scheme, or labels that are not whole numbers.
    """
    if not (np.issubdtype(labels.dtype, np.integer) or labels.dtype == bool):
        raise InputError(
            f"phases has data type {labels.dtype}; whole numbers 0 to {len(scheme.names)} are needed."
        )
    if labels.size and (int(labels.max()) > len(scheme.names) or int(labels.min()) < 0):
        raise InputError(
            f"phases holds labels {int(labels.min())} to {int(labels.max())}; "
            f"the scheme names labels 0 to {len(scheme.names)} ({', '.join(scheme.names)})."
        )
    table = np.zeros((len(scheme.names) + 1, 4), dtype=np.uint8)
    table[1:] = np.rint(255 * to_rgba_array(scheme.colors)).astype(np.uint8)
    return table[labels.astype(np.intp)]


def shown_names(scheme: PhaseScheme) -> list[str]:
    """Return the phases whose colour is not fully transparent."""
    return [
        name
        for name, color in zip(scheme.names, scheme.colors, strict=True)
        if to_rgba(color)[3] > 0
    ]


def hatch_ground(axes: Axes) -> None:
    """Draw the hatched background of the exterior on the axes."""
    axes.patch.set(facecolor=PALE, edgecolor=HATCH, hatch="//////", linewidth=0)


def phase_patches(
    scheme: PhaseScheme, *, notes: tuple[str, ...] = (), exterior: bool = False
) -> list[Patch]:
    """Return legend entries: every phase with its outline, its name and a note; the exterior last,
    if wanted.
    """
    notes = notes or ("",) * len(scheme.names)
    patches = [
        Patch(facecolor=color, edgecolor=OUTLINE, label=f"{name} {note}".strip())
        for name, color, note in zip(scheme.names, scheme.colors, notes, strict=True)
    ]
    if exterior:
        patches.append(Patch(facecolor=PALE, edgecolor=HATCH, hatch="//////", label="exterior"))
    return patches


def legend_rows(labels: Sequence[str], *, width_mm: float, style: FigureStyle) -> int:
    """Return in how many rows a legend fits a width."""
    entries = [text_width_mm(label, style.small_pt) + 8.5 for label in labels]
    for rows in range(1, len(entries)):
        if max(entries) * -(-len(entries) // rows) <= width_mm:
            return rows
    return max(len(entries), 1)


def in_rows(patches: Sequence[Patch], columns: int) -> list[Patch]:
    """Order legend entries so that a legend, which fills columns first, reads along its rows."""
    return [patch for column in range(columns) for patch in patches[column::columns]]


def text_color_on(color: str) -> str:
    """Return dark or white, whichever reads better on a colour."""
    red, green, blue = to_rgb(color)
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"
