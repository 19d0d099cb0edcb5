"""What becomes of one damaged input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from napari_snpore.errors import LONGEST_SENTENCE, InputError

CLASSES = {
    "own sentence": "refused in one sentence of our own",
    "opened": "read to the end",
    "foreign exception": "an exception of another package or of Python",
    "hang": "no end within the time limit",
    "memory": "more memory than the size of the input allows",
    "bad sentence": f"a sentence of several lines or of more than {LONGEST_SENTENCE} characters",
    "crash": "the process died",
}
"""Classes of outcomes, the two that are right first."""

RIGHT = ("own sentence", "opened")

MEMORY_BASE = 64 * 2**20
MEMORY_PER_BYTE = 20
"""Bytes of memory that reading may take: a base, and so many per byte that the input really has."""


@dataclass(frozen=True)
class Outcome:
    """Class of one case, with the kind of its input, the file that was damaged, and the words."""

    number: int
    kind: str
    result: str
    change: str = ""
    words: str = ""

    @property
    def is_right(self) -> bool:
        return self.result in RIGHT


def class_of(error: BaseException | None) -> tuple[str, str]:
    """Return class and words of what a reader raised; None for what it opened."""
    if error is None:
        return "opened", ""
    words = str(error)
    if not isinstance(error, InputError):
        return "foreign exception", f"{type(error).__name__}: {words}"
    long = len(words) > LONGEST_SENTENCE or len(words.splitlines()) != 1
    return ("bad sentence" if long else "own sentence"), words


def table_of(outcomes: Mapping[tuple[str, str], int]) -> str:
    """Return the counts by kind of input (rows) and class (columns) as text."""
    kinds = sorted({kind for kind, _ in outcomes})
    rows = [("input", *CLASSES, "all")]
    for kind in [*kinds, "all"]:
        counts = [
            sum(n for (of, result), n in outcomes.items() if result == name and kind in (of, "all"))
            for name in CLASSES
        ]
        rows.append((kind, *map(str, counts), str(sum(counts))))
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            [
                row[0].ljust(widths[0]),
                *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)),
            ]
        )
        for row in rows
    )
