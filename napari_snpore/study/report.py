"""Reports as statements (heading, sentence), printed as text for summaries and as HTML for forms.

Statements are made once, where the numbers are known; nothing reads a printed report back.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from napari_snpore.numerals import error_text as error_text
from napari_snpore.numerals import number as number
from napari_snpore.numerals import percent as percent
from napari_snpore.numerals import signed as signed
from napari_snpore.numerals import with_error as with_error

CAVEAT = "⚠"

_COLUMN = 16  # characters of the heading's column in printed text
_STRONG = re.compile(r"\*\*(.+?)\*\*")


@dataclass(frozen=True)
class Statement:
    """One sentence of a report.

    Parameters
    ----------
    heading : str
        What the sentence is about; empty where it continues the heading above.
    sentence : str
        Plain text; numbers between pairs of asterisks (``**3.2 nm**``) are bold where the printer
        can do so.
    kind : {"main", "detail", "caveat"}
        A detail is indented below the statement before it, a caveat carries a sign.
    """

    heading: str
    sentence: str
    kind: Literal["main", "detail", "caveat"] = "main"


def detail(heading: str, sentence: str) -> Statement:
    """Return a statement that is indented below the one before it."""
    return Statement(heading, sentence, "detail")


def caveat(sentence: str) -> Statement:
    """Return a sentence that limits what was said before it."""
    return Statement("", sentence, "caveat")


def text_of(statements: Iterable[Statement]) -> str:
    """Print statements as text: headings in a column, sentences beside them, one line per
    statement.

    Examples
    --------
    >>> print(text_of([Statement("Objects, Sn", "**12** in all"), detail("resolved", "9"), caveat("few")]))
    Objects, Sn     12 in all
      resolved      9
                    ! few
    """
    listed = list(statements)
    longest = max((len(one.heading) for one in listed if one.kind == "detail"), default=0)
    lines = []
    for one in listed:
        sentence = _STRONG.sub(r"\1", one.sentence)
        if one.kind == "caveat":
            lines.append(f"{'':<{_COLUMN}}! {sentence}")
        elif one.kind == "detail":
            lines.append(f"  {one.heading:<{max(_COLUMN - 2, longest + 2)}}{sentence}")
        else:
            lines.append(f"{one.heading:<{_COLUMN - 1}} {sentence}")
    return "\n".join(lines)


def html_of(statements: Iterable[Statement], *, headings: bool = True) -> list[str]:
    """Print statements as rich text, one string per statement; without headings where a form has
    its own.

    Examples
    --------
    >>> html_of([Statement("Shells", "pore **5 %** < 9 %"), caveat("few")])
    ['<b>Shells</b>: pore <b>5 %</b> &lt; 9 %', '⚠ few']
    """
    lines = []
    for one in statements:
        sentence = _STRONG.sub(r"<b>\1</b>", html.escape(one.sentence, quote=False))
        sentence = sentence.replace(
            "   ", "&nbsp;&nbsp; "
        )  # rich text would join the spaces between columns
        if one.kind == "caveat":
            lines.append(f"{CAVEAT} {sentence}")
        elif headings and one.heading:
            lines.append(f"<b>{html.escape(one.heading, quote=False)}</b>: {sentence}")
        else:
            lines.append(sentence)
    return lines
