"""Planes of a TIFF file: whether all that are promised are in it, because what is missing would read
as zeros; and how those of a volume are written.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from napari_snpore.errors import FileFormatError
from napari_snpore.volume import Volume

LARGEST_TAG = 2**31
"""Greatest number, and one over the least, that a tag of a resolution holds without loss of digits."""


def check_planes(series: Any, path: Path) -> None:
    """Refuse an image series with planes that are missing, empty or cut short.

    Parameters
    ----------
    series : tifffile.TiffPageSeries
        The series, of an open file.
    path : Path
        The file, for the sentence.

    Raises
    ------
    FileFormatError
        A plane is not there, holds no data, or ends after the end of its file.
    """
    pages = list(series._pages)  # not series.pages, which stands for planes without a page too
    there = [page for page in pages if page is not None]
    promised = plane_count(series)
    found = promised if _is_one_block(series, pages, promised) else len(there)
    if found < promised:
        raise FileFormatError(
            f"{path} promises {promised} planes and holds {found}, as after a recording that was "
            "interrupted: save the planes that are there as a file of their own."
        )
    for number, page in enumerate(there):
        _check_page(page, number, path)


def plane_count(series: Any) -> int:
    """Return the number of planes that the shape of a series promises."""
    return int(max(1, math.prod(series.shape) // max(1, math.prod(series.keyframe.shape))))


def _is_one_block(series: Any, pages: list[Any], promised: int) -> bool:
    """Return whether one page stands for all planes, which follow each other without a gap."""
    if len(pages) >= promised or series.dataoffset is None or None in pages:
        return False
    end = series.dataoffset + int(series.nbytes)
    return bool(end <= series.keyframe.parent.filehandle.size)


def end_of_page(page: Any) -> int:
    """Return the byte behind the data of a page; 0 for a page without data."""
    if not page.dataoffsets:
        return 0
    if page.is_contiguous:  # the sizes of uncompressed strips are often rounded up
        return int(page.dataoffsets[0]) + int(page.nbytes)
    parts = zip(page.dataoffsets, page.databytecounts, strict=False)
    return max((int(offset) + int(count) for offset, count in parts), default=0)


def _check_page(page: Any, number: int, path: Path) -> None:
    offsets, counts = page.dataoffsets, page.databytecounts
    if not counts or 0 in counts or 0 in offsets:
        raise FileFormatError(
            f"{path} holds no data for plane {number}, or for a part of it, which would read as "
            "zeros: the file was not written to its end."
        )
    end = end_of_page(page)
    size = page.parent.filehandle.size
    if size > 0 and end > size:
        raise FileFormatError(
            f"{path} is cut short: plane {number} ends at byte {end}, the file has {size}."
        )


def write_plane_by_plane(tiff: tifffile.TiffWriter, volume: Volume, **about: Any) -> None:
    """Write a volume as one contiguous grey series; of a lazy one a plane at a time is in memory.

    Parameters
    ----------
    tiff : tifffile.TiffWriter
        An open file.
    volume : Volume
    **about
        Resolution and metadata, see ``tifffile.TiffWriter.write``.
    """
    tiff.write(
        (np.ascontiguousarray(volume.data[z]) for z in range(volume.shape[0])),
        shape=volume.shape,
        dtype=volume.dtype,
        photometric="minisblack",
        contiguous=True,
        **about,
    )
