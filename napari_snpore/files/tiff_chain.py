"""The chain of pages of a TIFF file, followed before the file is parsed.

Each page (image file directory) names the offset of the next one. A damaged offset can lead back to
an earlier page, and a parser that follows it never ends; this happens as soon as a file is dropped
on the window, before anybody has chosen to read it.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from napari_snpore.errors import FileFormatError

_FEWEST_TAGS = 4
"""A page needs at least its width, its length, and offsets and sizes of its data."""

_WIDTH, _LENGTH, _BITS, _COMPRESSION, _SAMPLES, _ROWS_PER_STRIP = 256, 257, 258, 259, 277, 278
_TILE_WIDTH, _TILE_LENGTH = 322, 323
_TAGS = {
    _WIDTH, _LENGTH, _BITS, _COMPRESSION, _SAMPLES, _ROWS_PER_STRIP, _TILE_WIDTH, _TILE_LENGTH,
}  # fmt: skip
_INTEGERS = {3: "H", 4: "I"}
"""Types of a tag that hold one number, as struct names them."""

_LARGEST_RATIO = {1: 2, 5: 1500, 8: 1100, 32946: 1100, 32773: 64}
"""Bytes of pixels that one byte can hold, by compression: none (2, for colours that share samples),
LZW (4094 codes of 12 bits for strings of up to 4094 bytes), Deflate (1032), PackBits."""

_LARGEST_RATIO_OF_OTHERS = 50_000

_LAYOUTS = {42: ("H", 2, 12, "I", 4, 4), 43: ("Q", 8, 20, "Q", 8, 8)}
"""By the version of the file, classic and BigTIFF: type and bytes of the number of tags, bytes of a
tag, type and bytes of an offset, place of the first offset."""


def check_page_chain(path: Path) -> None:
    """Refuse a TIFF file whose pages do not follow each other to an end.

    Only the pages themselves are read, no values that they point at. What is no TIFF file at all, or
    is cut short, passes: the parser has sentences for that.

    Raises
    ------
    FileFormatError
        The chain leads back to an earlier page, its pages overlap, one is no image, or they promise
        more parts or pixels than there can be, for each of which a parser takes memory.
    """
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(16)
        order = {b"II": "<", b"MM": ">"}.get(start[:2])
        if order is None or len(start) < 16:
            return
        layout = _LAYOUTS.get(struct.unpack(f"{order}H", start[2:4])[0])
        if layout is None:
            return
        count_type, count_bytes, tag_bytes, offset_type, offset_bytes, first = layout
        offset = struct.unpack_from(order + offset_type, start, first)[0]
        earlier: set[int] = set()
        taken = stored = 0
        while offset:
            if offset in earlier:
                raise FileFormatError(
                    f"{path} is damaged: page {len(earlier)} is followed by an earlier page."
                )
            earlier.add(offset)
            file.seek(min(offset, size))
            tags = _number(file.read(count_bytes), order + count_type)
            if tags is None or offset + count_bytes + tags * tag_bytes > size:
                return
            if tags < _FEWEST_TAGS:
                raise FileFormatError(
                    f"{path} is damaged: page {len(earlier)} has {tags} tags, too few for an image."
                )
            entries = file.read(tags * tag_bytes)
            page = _Page.of(entries, order, tag_bytes, offset_bytes)
            if page.part_count > size:
                raise FileFormatError(
                    f"{path} is damaged: page {len(earlier)} promises more strips or tiles than the "
                    f"file has bytes ({size})."
                )
            stored += page.stored_bytes
            if stored > size:
                raise FileFormatError(
                    f"{path} is damaged or cut short: its pages promise more pixels than can be "
                    f"in {size} bytes."
                )
            taken += count_bytes + tags * tag_bytes + offset_bytes
            if taken > size:
                raise FileFormatError(
                    f"{path} is damaged: its pages overlap, {len(earlier)} do not fit into {size} bytes."
                )
            following = _number(file.read(offset_bytes), order + offset_type)
            if following is None:
                return
            offset = following


@dataclass(frozen=True)
class _Page:
    """What a page promises: values by the code of their tag, where the tag holds one number."""

    values: Mapping[int, int]

    @classmethod
    def of(cls, entries: bytes, order: str, tag_bytes: int, offset_bytes: int) -> _Page:
        values: dict[int, int] = {}
        for start in range(0, len(entries), tag_bytes):
            code, kind = struct.unpack_from(f"{order}HH", entries, start)
            if code in _TAGS and kind in _INTEGERS:
                layout = order + _INTEGERS[kind]
                place = start + tag_bytes - offset_bytes
                values[code] = struct.unpack_from(layout, entries, place)[0]
        return cls(values)

    @property
    def part_count(self) -> int:
        """Number of strips or tiles."""
        width, length = self.values.get(_WIDTH, 0), self.values.get(_LENGTH, 0)
        across, down = self.values.get(_TILE_WIDTH), self.values.get(_TILE_LENGTH)
        if across and down:
            return math.ceil(width / across) * math.ceil(length / down)
        return math.ceil(length / (self.values.get(_ROWS_PER_STRIP) or length or 1))

    @property
    def stored_bytes(self) -> int:
        """The fewest bytes that can hold its pixels, one bit for each where the depth is not one
        number.
        """
        bits = self.values.get(_BITS, 1) if self.values.get(_SAMPLES, 1) == 1 else 1
        pixels = self.values.get(_WIDTH, 0) * self.values.get(_LENGTH, 0)
        ratio = _LARGEST_RATIO.get(self.values.get(_COMPRESSION, 1), _LARGEST_RATIO_OF_OTHERS)
        return pixels * bits // 8 // ratio


def _number(raw: bytes, layout: str) -> int | None:
    """Return the number that bytes hold; None where there are too few."""
    if len(raw) < struct.calcsize(layout):
        return None
    value: int = struct.unpack(layout, raw)[0]
    return value
