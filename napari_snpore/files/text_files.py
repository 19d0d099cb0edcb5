"""Text of side files in the encodings that programs and people save it in."""

from __future__ import annotations

import codecs
from pathlib import Path

from napari_snpore.errors import FileFormatError
from napari_snpore.files.guarded_reading import bounded_bytes

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks; that of UTF-32 begins like that of UTF-16, so it comes first."""


def text_of(path: Path) -> str:
    """Return the text of a side file; one of more than 1 MB is refused unread.

    It is decoded by its byte order mark, as UTF-16 without a mark where every other byte is zero,
    as UTF-8, or, where that fails, as Latin-1, which microscopes write.

    Raises
    ------
    FileFormatError
        The file is larger, or cut short within a letter of UTF-16.
    """
    raw = bounded_bytes(path, what="a side file")
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return _decoded(raw[len(mark) :], encoding, path)
    start = raw[:200]
    if len(start) > 3 and set(start[1::2]) == {0}:
        return _decoded(raw, "utf-16-le", path)
    if len(start) > 3 and set(start[0::2]) == {0}:
        return _decoded(raw, "utf-16-be", path)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def number_of(word: str, path: Path) -> float:
    """Return a word as a number; refuse another word in a sentence about the file."""
    try:
        return float(word)
    except ValueError:
        raise FileFormatError(
            f"{path} is damaged: {word[:40]!r} stands where a number should."
        ) from None


def _decoded(raw: bytes, encoding: str, path: Path) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        raise FileFormatError(
            f"{path} is damaged: its byte order mark says {encoding.upper()}, its content is not."
        ) from None
