"""Style of figures: column widths in mm, fonts in points, colors; and how it is applied to
matplotlib.

matplotlib keeps its settings in one global mapping. :meth:`FigureStyle.in_force` changes them
inside a context, under a lock, and starts from matplotlib's own defaults, so that a user's style
sheet changes no figure and figures can be made in several threads. pyplot is never imported: it
would choose a window system and keep every figure alive.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from napari_snpore.errors import InputError

SINGLE_COLUMN_MM = 88.0
DOUBLE_COLUMN_MM = 180.0
MM_PER_INCH = 25.4
MM_PER_POINT = MM_PER_INCH / 72

FONT = "DejaVu Sans"
"""Ships with matplotlib: the same figure on every machine, with °, Δ, ×, ³ and arrows."""


def font_file(*, bold: bool = False, oblique: bool = False, mono: bool = False) -> Path:
    """Return the file of a cut of :data:`FONT` (TrueType), for pages that are not drawn by
    matplotlib.
    """
    import matplotlib  # takes half a second

    cut = f"{'Bold' if bold else ''}{'Oblique' if oblique else ''}"
    name = f"DejaVuSans{'Mono' if mono else ''}{f'-{cut}' if cut else ''}.ttf"
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name


INK = "#222222"
GRAY = "#808080"
PALE = "#f1f1f1"
OUTLINE = "#777777"
HATCH = "#cfcfcf"
MARK = "#d55e00"
SERIES_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#222222")
"""Distinct with any colour vision (Okabe and Ito's set); always used with a marker or a dash of its
own.
"""
SERIES_MARKERS = ("o", "s", "^", "D", "v")

_LOCK = threading.RLock()


@dataclass(frozen=True)
class FigureStyle:
    """Size and type of a figure.

    Parameters
    ----------
    width_mm : float, optional
        Width of the figure in mm; None takes what suits the figure (88 or 180). Image figures may
        come out narrower, where a slender volume leaves the width empty.
    font_pt : float
        Size of the type in points.
    dpi : int
        Dots per inch of pixel formats and of images inside SVG and PDF.
    letters : bool
        Letter the panels a, b, c.

    Raises
    ------
    InputError
        A size that is not a positive number, or a width under 40 mm.
    """

    width_mm: float | None = None
    font_pt: float = 7.0
    dpi: int = 300
    letters: bool = False

    def __post_init__(self) -> None:
        for name in ("font_pt", "dpi"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise InputError(f"{name} is {value}; a positive number is needed.")
        if self.width_mm is not None and not (math.isfinite(self.width_mm) and self.width_mm >= 40):
            raise InputError(f"width_mm is {self.width_mm}; a figure needs at least 40 mm.")

    @property
    def small_pt(self) -> float:
        """Size of secondary type (ticks, notes) in points."""
        return 0.9 * self.font_pt

    @property
    def line_mm(self) -> float:
        """Height of one line of text in mm."""
        return 1.25 * self.font_pt * MM_PER_POINT

    def width(self, preferred_mm: float) -> float:
        """Return the width in mm: the user's, else the figure's own."""
        return preferred_mm if self.width_mm is None else float(self.width_mm)

    def at_width(self, width_mm: float) -> FigureStyle:
        """Return the style with another width."""
        return replace(self, width_mm=width_mm)

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Set matplotlib to this style within the context, in one thread at a time."""
        import matplotlib  # takes half a second: the settings alone do without it

        with _LOCK, matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(self._settings())
            yield

    def _settings(self) -> dict[Any, Any]:
        thin = 0.5 * self.font_pt / 7
        return {
            "font.family": FONT,
            "font.size": self.font_pt,
            "axes.labelsize": self.font_pt,
            "axes.titlesize": self.font_pt,
            "axes.titlepad": 3.0,
            "axes.labelpad": 2.0,
            "axes.linewidth": thin,
            "axes.edgecolor": INK,
            "axes.labelcolor": INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "text.color": INK,
            "text.parse_math": False,
            "text.hinting": "none",  # hinted letters are up to 10 % wider at few dots per inch: texts would not fit
            "xtick.color": INK,
            "ytick.color": INK,
            "xtick.labelsize": self.small_pt,
            "ytick.labelsize": self.small_pt,
            "xtick.major.width": thin,
            "ytick.major.width": thin,
            "xtick.minor.width": 0.7 * thin,
            "ytick.minor.width": 0.7 * thin,
            "xtick.major.size": 2.2,
            "ytick.major.size": 2.2,
            "xtick.minor.size": 1.3,
            "ytick.minor.size": 1.3,
            "xtick.major.pad": 2.0,
            "ytick.major.pad": 2.0,
            "lines.linewidth": 0.9,
            "lines.markersize": 2.5,
            "patch.linewidth": thin,
            "hatch.linewidth": 0.5,
            "hatch.color": HATCH,
            "legend.fontsize": self.small_pt,
            "legend.frameon": False,
            "legend.handlelength": 1.6,
            "legend.handleheight": 0.9,
            "legend.handletextpad": 0.5,
            "legend.columnspacing": 1.2,
            "legend.labelspacing": 0.35,
            "legend.borderaxespad": 0.0,
            "legend.borderpad": 0.2,
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "figure.constrained_layout.h_pad": 0.02,
            "figure.constrained_layout.w_pad": 0.02,
            "svg.fonttype": "none",
            "svg.hashsalt": "napari-snpore",
            "pdf.fonttype": 42,
        }


PRINT = FigureStyle()
"""The default: 7 pt type, 300 dpi, no letters."""
