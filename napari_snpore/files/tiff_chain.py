"""The chain of pages of a TIFF file, followed before the file is parsed.

Each page (image file directory) names the offset of the next one. A damaged offset can lead back to
an earlier page, and a parser that follows it never ends; this happens as soon as a file is dropped
on the window, before anybody has chosen to read it.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

from napari_snpore.errors import FileFormatError

_FEWEST_TAGS = 4
"""A page needs at least its width, its length, and offsets and sizes of its data."""

_LAYOUTS = {42: ("H", 2, 12, "I", 4, 4), 43: ("Q", 8, 20, "Q", 8, 8)}
"""By the version of the file, classic and BigTIFF: type and bytes of the number of tags, bytes of a
tag, type and bytes of an offset, place of the first offset."""


def check_page_chain(path: Path) -> None:
    """Refuse a TIFF file whose pages do not follow each other to an end.

    Only the number of tags and the next offset of each page are read. What is no TIFF file at all,
    or is cut short, passes: the parser has sentences for that.

    Raises
    ------
    FileFormatError
        The chain leads back to an earlier page, its pages overlap, or one is no image.
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
        taken = 0
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
            taken += count_bytes + tags * tag_bytes + offset_bytes
            if taken > size:
                raise FileFormatError(
                    f"{path} is damaged: its pages overlap, {len(earlier)} do not fit into {size} bytes."
                )
            file.seek(offset + count_bytes + tags * tag_bytes)
            following = _number(file.read(offset_bytes), order + offset_type)
            if following is None:
                return
            offset = following


def _number(raw: bytes, layout: str) -> int | None:
    """Return the number that bytes hold; None where there are too few."""
    if len(raw) < struct.calcsize(layout):
        return None
    value: int = struct.unpack(layout, raw)[0]
    return value
