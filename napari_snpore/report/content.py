"""What a report consists of: sections of blocks, which HTML and PDF print alike.

Text is plain; numbers between pairs of asterisks (``**3.2 nm**``) are bold, as in statements of
summaries (:mod:`napari_snpore.study.report`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from napari_snpore.report.references import Reference


@dataclass(frozen=True)
class Words:
    """A paragraph; of kind ``note`` it is set smaller, of kind ``absent`` it stands for a piece that is not there."""

    text: str
    kind: Literal["main", "note", "absent"] = "main"


@dataclass(frozen=True)
class Sentences:
    """A list of sentences; caveats carry a sign."""

    items: tuple[str, ...]
    caveats: bool = False


@dataclass(frozen=True)
class Terms:
    """Terms with what is said of each."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ReportTable:
    """A table; the first column of each row is its heading.

    Parameters
    ----------
    caption : str
        What it shows.
    head : tuple of str
        Names of the columns.
    rows : tuple of tuple of str
        Cells as text.
    numbers : tuple of bool
        Columns that are set to the right.
    note : str
        Below the table: what its signs mean.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[bool, ...] = ()
    note: str = ""

    def is_number(self, column: int) -> bool:
        """Return whether a column is set to the right."""
        return column < len(self.numbers) and self.numbers[column]


@dataclass(frozen=True)
class Picture:
    """A figure with its caption.

    Parameters
    ----------
    name : str
        Of its file, without suffix.
    caption, alt : str
        What a reader sees below it, and what it shows for those who do not see it.
    png, svg : bytes, optional
        Without metadata; HTML takes SVG where both are there, PDF takes PNG.
    size_px : (int, int), optional
        Width and height of the PNG, or of the SVG in its own units.
    """

    name: str
    caption: str
    alt: str
    png: bytes | None = None
    svg: bytes | None = None
    size_px: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Verbatim:
    """Text that keeps its lines: commands, recipes."""

    text: str
    caption: str = ""


@dataclass(frozen=True)
class Folded:
    """Blocks that HTML shows when asked to."""

    title: str
    blocks: tuple[Block, ...]


Block = Words | Sentences | Terms | ReportTable | Picture | Verbatim | Folded


@dataclass(frozen=True)
class ReportSection:
    """A heading, its blocks, and the sections within it."""

    title: str
    blocks: tuple[Block, ...] = ()
    parts: tuple[ReportSection, ...] = ()
    folded: bool = False


@dataclass(frozen=True)
class Report:
    """A whole report.

    Parameters
    ----------
    title, subtitle : str
        What was studied; by which program, and when.
    sections : tuple of ReportSection
    references : tuple of Reference
        In the order of their first citation.
    """

    title: str
    subtitle: str
    sections: tuple[ReportSection, ...]
    references: tuple[Reference, ...] = ()
