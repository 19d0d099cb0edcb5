"""Damage of TIFF files that no program can read past, found in their headers."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import tifffile

from napari_snpore.files.tiff_planes import end_of_page


@contextlib.contextmanager
def complaints_of_tifffile() -> Iterator[list[str]]:
    """Collect the errors that tifffile only logs: it reads a file whose tags lie beyond its end as
    one without metadata.
    """
    found: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: found.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("tifffile")
    propagates = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield found
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagates


def is_damaged_tiff(path: Path) -> bool:
    """Return whether a file named as TIFF is one that no other program reads either: it is empty, is
    no picture at all, or its first or last image reaches beyond its end.

    A sound file is not damaged because this package does not read it, nor is a picture of another
    kind, such as a JPEG that was given this suffix.
    """
    try:
        with complaints_of_tifffile() as complaints, tifffile.TiffFile(path) as tiff:
            size = tiff.filehandle.size
            end = max(end_of_page(tiff.pages.first), end_of_page(tiff.pages[-1]))
        return end > size or any("offset" in one for one in complaints)
    except tifffile.TiffFileError:
        return not _is_other_picture(path)
    except Exception:  # a damaged header ends in errors of any kind
        return True


def _is_other_picture(path: Path) -> bool:
    from PIL import Image  # comes with matplotlib, which scripts without figures do not import

    try:
        with Image.open(path):
            return True
    except Exception:
        return False
