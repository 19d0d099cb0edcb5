"""Reports as statements (heading, sentence), printed as text for summaries and as HTML for forms.

Statements are made once, where the numbers are known; nothing reads a printed report back.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

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


def number(value: float, digits: int = 3) -> str:
    """Write a number with three significant digits, without an exponent where that reads well.

    Examples
    --------
    >>> number(0.04567), number(1204.4), number(float("nan"))
    ('0.0457', '1204', '–')
    """
    if not math.isfinite(value):
        return "–"
    if value and not 1e-4 <= abs(value) < 1e7:
        return f"{value:.{digits - 1}e}"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:.0f}"
    return str(
        np.format_float_positional(
            value, precision=digits, unique=False, fractional=False, trim="k"
        )
    ).rstrip(".")


def signed(value: float, decimals: int = 0) -> str:
    """Write a number with a true minus sign."""
    return f"{value:.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def percent(share: float) -> str:
    """Write a share as per cent with one decimal."""
    return "–" if not math.isfinite(share) else f"{100 * share:.1f} %"
