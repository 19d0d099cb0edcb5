"""Many files of one image each as one stack: read again when they are needed, so that neither open
files nor memory run out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_snpore.errors import FileFormatError
from napari_snpore.files.formats import parse

MANY_FILES = 64
"""From this number of files on, their images are not kept: a mapped file stays open, and systems
allow some thousand."""

_LAZY_BYTES = 2**30


class StoredImage:
    """One image in a file, read when its values are needed.

    Parameters
    ----------
    path : Path
        The file.
    shape : sequence of int
        Shape of its image.
    dtype : dtype
        Its type.
    image : str, optional
        Its name, in a file that holds several.
    """

    def __init__(
        self, path: Path, shape: Sequence[int], dtype: np.dtype[Any], image: str | None = None
    ) -> None:
        self.path, self.shape, self.dtype = path, tuple(shape), np.dtype(dtype)
        self.image = image
        self.ndim = len(self.shape)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        del copy  # what is read from a file is always new
        data = np.asarray(parse(self.path, image=self.image, wanted="image").data)
        if data.shape != self.shape or data.dtype != self.dtype:
            raise FileFormatError(f"{self.path} changed since it was opened; open it again.")
        return data if dtype is None else data.astype(dtype, copy=False)

    def __getitem__(self, key: Any) -> Any:
        if key == 0 and self.ndim == 3:  # the one plane of a volume of one plane
            return StoredPlane(self)
        return np.asarray(self)[key]


class StoredPlane:
    """The one plane of a :class:`StoredImage` of shape (1, y, x)."""

    def __init__(self, image: StoredImage) -> None:
        self._image = image
        self.shape, self.dtype, self.ndim = image.shape[1:], image.dtype, 2

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        del copy
        plane: NDArray[Any] = self._image.__array__(dtype)[0]
        return plane

    def __getitem__(self, key: Any) -> Any:
        return np.asarray(self)[key]


def stacked(images: Sequence[Any]) -> Any:
    """Return images of one shape as one array (image, y, x): lazy from 1 GB on.

    Parameters
    ----------
    images : sequence of array, shape (y, x)
        Arrays, or images that are read when they are needed.
    """
    dtype = np.result_type(*{np.dtype(image.dtype) for image in images})
    size = dtype.itemsize * int(np.prod(images[0].shape, dtype=np.int64)) * len(images)
    if size <= _LAZY_BYTES:
        return np.stack([np.asarray(image) for image in images])
    # imported here: a second that only large stacks need
    import dask.array as da

    planes = [da.from_array(image, chunks=image.shape, asarray=True) for image in images]
    return da.stack(planes)


def gap_in_numbers(paths: Sequence[Path]) -> str | None:
    """Return a sentence about the first number that is missing among files that are numbered one by
    one; None where they are not, or none is missing.

    Examples
    --------
    >>> gap_in_numbers([Path("a1.tif"), Path("a2.tif"), Path("a4.tif"), Path("a5.tif")])
    'a2.tif is followed by a4.tif: files between them may be missing'
    """
    words = [re.findall(r"\d+", path.stem) for path in paths]
    if len({len(one) for one in words}) != 1 or not words[0]:
        return None
    varying = [k for k in range(len(words[0])) if len({one[k] for one in words}) > 1]
    if len(varying) != 1:
        return None
    steps = np.diff([float(one[varying[0]]) for one in words])
    usual = float(np.median(steps)) if len(steps) > 1 else 0.0
    wrong = np.flatnonzero(steps != usual)
    if usual <= 0 or len(wrong) == 0:
        return None
    at = int(wrong[0])
    return (
        f"{paths[at].name} is followed by {paths[at + 1].name}: files between them may be missing"
    )
