"""NumPy's NPY files: memory-mapped arrays without voxel size or angles."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_snpore.errors import FileFormatError
from napari_snpore.files.parsed_file import ParsedFile


def read_npy(path: Path) -> ParsedFile:
    """Return the array of an NPY file; pickled objects are refused.

    Raises
    ------
    FileFormatError
        The file is damaged or holds something other than numbers.
    """
    try:
        data = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise FileFormatError(f"{path} is not a readable NPY file of numbers.") from error
    return ParsedFile(data)
