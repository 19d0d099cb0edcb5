"""A report as PDF: the same sections as the HTML page, laid out by ReportLab.

ReportLab is pure Python under the BSD licence and needs no library of the system, unlike printers of
HTML (WeasyPrint: pango) or a browser; text flows over pages, and tables repeat their heads.
"""

from __future__ import annotations

import html
import io
import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from PIL import Image as PillowImage
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    Image,
    KeepTogether,
    LongTable,
    PageTemplate,
    Paragraph,
    Preformatted,
    Spacer,
)

from napari_snpore.compute import ShouldStop, check_stop
from napari_snpore.figures.style import font_file
from napari_snpore.report.content import (
    Block,
    Folded,
    Picture,
    Report,
    ReportSection,
    ReportTable,
    Sentences,
    Terms,
    Verbatim,
    Words,
)

_SANS, _BOLD, _OBLIQUE, _MONO = "SnporeSans", "SnporeSans-Bold", "SnporeSans-Oblique", "SnporeMono"
_MARGIN = 18 * mm
_WIDTH = A4[0] - 2 * _MARGIN
_HEIGHT = A4[1] - 2 * _MARGIN - 10 * mm
_INK, _SOFT, _LINE = (
    colors.HexColor("#1d2129"),
    colors.HexColor("#4c5564"),
    colors.HexColor("#d5dae1"),
)
_PALE, _WARM = colors.HexColor("#f5f7fa"), colors.HexColor("#fff8ec")
_FIGURE_DPI = 300  # at which figures are drawn
_DPI = 200  # at which they are printed: pages stay small
_MONO_LETTERS = 114  # per line
_HEADING_LETTERS = 16  # of the column of headings in a summary
_STRONG = re.compile(r"\*\*(.+?)\*\*")
_NARROWEST = 0.35  # of the page: words longer than that are broken
_PAD = 3.0


def _style(name: str, size: float, **options: Any) -> ParagraphStyle:
    options = {
        "fontName": _SANS,
        "bulletFontName": _SANS,
        "textColor": _INK,
        "leading": 1.4 * size,
        **options,
    }
    return ParagraphStyle(name, fontSize=size, **options)


_TEXT = _style("text", 9, spaceAfter=4)
_NOTE = _style("note", 8, textColor=_SOFT, spaceAfter=4)
_TITLE = _style("title", 18, fontName=_BOLD, spaceAfter=2)
_HEADS = (
    _style("h2", 13, fontName=_BOLD, spaceBefore=14, spaceAfter=5),
    _style("h3", 10.5, fontName=_BOLD, spaceBefore=9, spaceAfter=3),
    _style("h4", 9.5, fontName=_BOLD, spaceBefore=7, spaceAfter=2),
)
_FOLD = _style("folded", 9, fontName=_BOLD, spaceBefore=7, spaceAfter=2)
_POINT = _style("point", 9, leftIndent=10, bulletIndent=1, spaceAfter=2)
_CAVEAT = _style(
    "caveat", 9, leftIndent=14, bulletIndent=2, spaceAfter=4, backColor=_WARM, borderPadding=2
)
_ABSENT = _style(
    "absent", 9, textColor=_SOFT, spaceAfter=5, backColor=_PALE, borderPadding=3, leftIndent=3
)
_CODE = _style(
    "code",
    7,
    fontName=_MONO,
    backColor=_PALE,
    borderPadding=4,
    leftIndent=4,
    spaceBefore=4,
    spaceAfter=8,
)


def pdf_bytes(report: Report, *, should_stop: ShouldStop | None = None) -> bytes:
    """Return a report as the content of a PDF file; the same report gives the same bytes.

    Parameters
    ----------
    report : Report
    should_stop : callable, optional
        See :mod:`napari_snpore.compute`; asked at every block.
    """
    _register_fonts()
    target = io.BytesIO()
    document = _Pages(report, target, should_stop)
    document.build(list(_flowables(report)))
    return target.getvalue()


def _register_fonts() -> None:
    """Make the type of the figures known to ReportLab: it has °, Δ, θ, τ, ⚠ and †."""
    if _SANS in pdfmetrics.getRegisteredFontNames():
        return
    for name, file in (
        (_SANS, font_file()),
        (_BOLD, font_file(bold=True)),
        (_OBLIQUE, font_file(oblique=True)),
        (_MONO, font_file(mono=True)),
    ):
        pdfmetrics.registerFont(TTFont(name, str(file)))
    pdfmetrics.registerFontFamily(
        _SANS, normal=_SANS, bold=_BOLD, italic=_OBLIQUE, boldItalic=_BOLD
    )


class _Pages(BaseDocTemplate):  # type: ignore[misc]
    """A4 pages with a footer; headings become bookmarks."""

    def __init__(self, report: Report, target: io.BytesIO, should_stop: ShouldStop | None) -> None:
        super().__init__(
            target,
            pagesize=A4,
            leftMargin=_MARGIN,
            rightMargin=_MARGIN,
            topMargin=_MARGIN,
            bottomMargin=_MARGIN + 10 * mm,
            title=report.title,
            author="",
            subject=report.subtitle,
            creator="napari-snpore",
            lang="en-GB",
            invariant=1,  # no date, no random name
        )
        frame = Frame(_MARGIN, _MARGIN + 10 * mm, _WIDTH, _HEIGHT, 0, 0, 0, 0)
        self.addPageTemplates(PageTemplate(frames=[frame], onPage=self._footer))
        self._report, self._should_stop, self._count = report, should_stop, 0

    def _footer(self, canvas: Any, document: Any) -> None:
        canvas.saveState()
        canvas.setFont(_SANS, 7.5)
        canvas.setFillColor(_SOFT)
        canvas.drawString(_MARGIN, _MARGIN, self._report.title[:100])
        canvas.drawRightString(A4[0] - _MARGIN, _MARGIN, str(document.page))
        canvas.restoreState()

    def afterFlowable(self, flowable: Flowable) -> None:
        check_stop(self._should_stop)
        level = getattr(flowable, "outline_level", None)
        if level is not None:
            key = f"heading{self._count}"
            self._count += 1
            self.canv.bookmarkPage(key)
            self.canv.addOutlineEntry(flowable.getPlainText(), key, level, closed=level > 0)


def _flowables(report: Report) -> Iterator[Flowable]:
    yield Paragraph(_markup(report.title), _TITLE)
    yield Paragraph(_markup(report.subtitle), _NOTE)
    for section in report.sections:
        yield from _section(section, 0)
    if report.references:
        yield _heading("References", 0)
        for number, work in enumerate(report.references, 1):
            doi = f' <a href="https://doi.org/{html.escape(work.doi)}" color="#0b5394">doi {_markup(work.doi)}</a>'
            text = f"{_markup(work.text)}{doi if work.doi else ''} ({_markup(work.key)})"
            yield Paragraph(text, _POINT, bulletText=f"{number}")


def _section(section: ReportSection, level: int) -> Iterator[Flowable]:
    blocks = list(section.blocks)
    head: list[Flowable] = [_heading(section.title, level)]
    first = blocks[0] if blocks else None
    if isinstance(first, Picture):
        yield KeepTogether([*head, *_picture(first)])
        del blocks[0]
    else:
        yield CondPageBreak(35 * mm)
        yield from head
    for block in blocks:
        yield from _block(block)
    for part in section.parts:
        yield from _section(part, level + 1)


def _heading(title: str, level: int) -> Paragraph:
    found = Paragraph(_markup(title), _HEADS[min(level, len(_HEADS) - 1)])
    found.outline_level = level
    return found


def _block(block: Block) -> Iterator[Flowable]:
    match block:
        case Words(text, kind):
            yield Paragraph(_markup(text), {"note": _NOTE, "absent": _ABSENT}.get(kind, _TEXT))
        case Sentences(items, with_sign):
            for item in items:
                sign = "⚠" if with_sign else "•"
                yield Paragraph(_markup(item), _CAVEAT if with_sign else _POINT, bulletText=sign)
        case Terms(pairs):
            rows = [[f"**{term}**", said] for term, said in pairs]
            yield _table(rows, [32 * mm, _WIDTH - 32 * mm], 8.5, (), heads=0)
            yield Spacer(1, 6)
        case ReportTable():
            yield from _report_table(block)
        case Picture():
            yield KeepTogether(_picture(block))
        case Verbatim(text, _):
            yield Preformatted(_in_lines(text), _CODE)
        case Folded(title, blocks):
            yield CondPageBreak(35 * mm)
            yield Paragraph(_markup(title), _FOLD)
            for inner in blocks:
                yield from _block(inner)


def _in_lines(text: str) -> str:
    """Return a text with its long lines broken between words, below the column of their own text."""
    lines = []
    for line in text.expandtabs(4).rstrip().split("\n"):
        indent = len(line) - len(line.lstrip()) if line.startswith(" ") else _HEADING_LETTERS
        wrapped = textwrap.wrap(
            line, _MONO_LETTERS, subsequent_indent=" " * indent, drop_whitespace=False
        )
        lines += [one.rstrip() for one in wrapped] or [""]
    return "\n".join(lines)


def _report_table(block: ReportTable) -> Iterator[Flowable]:
    yield CondPageBreak(25 * mm)
    yield Paragraph(_markup(block.caption), _NOTE)
    rows = [[f"**{name}**" for name in block.head], *map(list, block.rows)]
    size = 7.5 if len(block.head) <= 7 and "sha256" not in block.head else 6.5
    numbers = tuple(k for k in range(len(block.head)) if block.is_number(k))
    yield _table(rows, column_widths(rows, size, numbers), size, numbers)
    yield Spacer(1, 4)
    if block.note:
        yield Paragraph(_markup(block.note), _NOTE)


def column_widths(
    rows: Sequence[Sequence[str]], size: float, numbers: Sequence[int] = ()
) -> list[float]:
    """Return the widths of columns (points) that fit the page: as wide as their texts where there is
    space for that, else shared out, no narrower than their longest words; numbers keep one line.
    """
    natural, least = [], []
    for index, column in enumerate(zip(*rows, strict=True)):
        texts = [text.replace("**", "") for text in column]
        bold = [pdfmetrics.stringWidth(text, _BOLD, size) for text in texts[:1]]
        whole = max(bold + [pdfmetrics.stringWidth(text, _SANS, size) for text in texts])
        body = texts[1:] if index in numbers else []
        words = [*body, *(word for text in texts for word in text.split())]
        longest = max((pdfmetrics.stringWidth(one, _BOLD, size) for one in words), default=0.0)
        word = min(longest, _NARROWEST * _WIDTH)
        natural.append(whole + 2 * _PAD + 1)
        least.append(min(word, whole) + 2 * _PAD + 1)
    if sum(natural) <= _WIDTH:
        return natural
    spare, wanted = _WIDTH - sum(least), sum(natural) - sum(least)
    if spare <= 0 or wanted <= 0:
        return [_WIDTH * one / sum(least) for one in least]
    return [low + spare * (high - low) / wanted for low, high in zip(least, natural, strict=True)]


def _table(
    rows: Sequence[Sequence[str]],
    widths: Sequence[float],
    size: float,
    numbers: tuple[int, ...],
    *,
    heads: int = 1,
) -> LongTable:
    left = _style("cell", size, leading=1.25 * size)
    right = _style("number", size, leading=1.25 * size, alignment=2)
    cells = [
        [Paragraph(_markup(text), right if k in numbers else left) for k, text in enumerate(row)]
        for row in rows
    ]
    table = LongTable(cells, colWidths=list(widths), repeatRows=heads, hAlign="LEFT")
    rules: list[Any] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        ("LEFTPADDING", (0, 0), (-1, -1), _PAD),
        ("RIGHTPADDING", (0, 0), (-1, -1), _PAD),
    ]
    if heads:
        rules.append(("LINEBELOW", (0, 0), (-1, 0), 0.9, _SOFT))
    table.setStyle(rules)
    return table


def _picture(picture: Picture) -> list[Flowable]:
    """Return a figure at its own size, at most as large as the page, with its caption."""
    caption = Paragraph(_markup(picture.caption), _NOTE)
    if picture.png is None:
        text = (
            f"The figure {picture.name} is there as SVG alone: see the HTML page. {picture.caption}"
        )
        return [Paragraph(_markup(text), _ABSENT)]
    width, height = (side * 72 / _FIGURE_DPI for side in picture.size_px)
    scale = min(1.0, _WIDTH / width, (_HEIGHT - 20 * mm) / height)
    width, height = scale * width, scale * height
    content = io.BytesIO(_thinned(picture.png, math.ceil(width / 72 * _DPI)))
    drawn = Image(content, width, height, hAlign="LEFT")
    return [Spacer(1, 4), drawn, Spacer(1, 3), caption, Spacer(1, 6)]


def _thinned(png: bytes, width_px: int) -> bytes:
    """Return a picture on white with at most so many pixels across."""
    with PillowImage.open(io.BytesIO(png)) as opened:
        image = opened.convert("RGBA")
    white = PillowImage.new("RGBA", image.size, "white")
    flat = PillowImage.alpha_composite(white, image).convert("RGB")
    if flat.width > width_px:
        tall = max(1, round(flat.height * width_px / flat.width))
        flat = flat.resize((width_px, tall), PillowImage.Resampling.LANCZOS)
    target = io.BytesIO()
    flat.save(target, format="PNG", compress_level=1)
    return target.getvalue()


def _markup(text: str) -> str:
    return _STRONG.sub(r"<b>\1</b>", html.escape(text, quote=False))
