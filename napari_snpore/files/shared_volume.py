"""A volume in a file that several processes read: each opens it by its path."""

from __future__ import annotations

import secrets
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.files.read import read_volume
from napari_snpore.volume import Triple, Volume


class SharedVolume:
    """The voxels of a volume in a file, for reading by blocks.

    Parameters
    ----------
    path : str
        As :func:`~napari_snpore.files.read.read_volume` takes it.
    image : str or None
        Which volume of the file.
    spacing : (float, float, float)
        Voxel size in nm; files without one are not opened else.
    shape : (int, int, int)
        Of the volume.
    dtype : dtype
        Of its voxels.
    block_shape : (int, int, int)
        In which steps read it.
    mark : str
        Of this opening: a process opens the file once for it.
    """

    shared = True
    ndim = 3

    def __init__(
        self,
        path: str,
        image: str | None,
        spacing: Triple,
        shape: tuple[int, int, int],
        dtype: np.dtype[Any],
        block_shape: tuple[int, int, int],
        mark: str = "",
    ) -> None:
        self._path, self._image, self._spacing = path, image, spacing
        self._mark = mark or secrets.token_hex(8)
        self.shape, self.dtype, self.block_shape = shape, dtype, block_shape

    @classmethod
    def of(
        cls, path: str, volume: Volume, block_shape: tuple[int, int, int], image: str | None = None
    ) -> SharedVolume:
        """Return the voxels of a volume that was read from a path."""
        return cls(path, image, volume.spacing, volume.shape, volume.dtype, block_shape)

    def __reduce__(self) -> tuple[Any, ...]:
        about = (self._path, self._image, self._spacing)
        return _opened, (*about, self.shape, self.dtype, self.block_shape, self._mark)

    def moved(self, folder: Path, to: Path) -> SharedVolume:
        """Return the volume where it is once a folder was moved; itself where it does not lie in it."""
        path = Path(self._path)
        if not path.is_relative_to(folder.absolute()):
            return self
        place = str(to / path.relative_to(folder.absolute()))
        about = (self._image, self._spacing, self.shape, self.dtype, self.block_shape)
        return SharedVolume(place, *about)

    @cached_property
    def _data(self) -> Any:
        return read_volume(self._path, spacing=self._spacing, image=self._image).data

    def __getitem__(self, key: Any) -> NDArray[Any]:
        part = self._data[key]
        if hasattr(part, "compute"):
            # the reading itself has threads; dask's would ask a cluster of its own
            part = part.compute(scheduler="synchronous")
        return np.asarray(part)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[...], dtype)


@lru_cache(maxsize=4)
def _opened(*about: Any) -> SharedVolume:
    """Return the volume of an opening that this process may know."""
    return SharedVolume(*about)
