"""Temporary arrays of a run: in memory, or in memory-mapped files beyond the memory limit."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from napari_snpore.errors import OutputError

_LARGEST_SHARE = 1 / 16
"""Share of the memory limit above which one array becomes a file: about five arrays exist at a
time, and a step needs a third of the limit for itself."""


@dataclass(frozen=True)
class ScratchSpace:
    """Memory limit and folder of temporary arrays.

    Attributes
    ----------
    memory_limit : int, optional
        Bytes that arrays may occupy in memory; an array of more than a sixteenth of it becomes a
        file. None: no limit.
    folder : Path, optional
        Folder of the files. None: all arrays are in memory.
    """

    memory_limit: int | None = None
    folder: Path | None = None

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> Any:
        """Return an uninitialized array.

        Parameters
        ----------
        shape : tuple of int
            Any shape.
        dtype : dtype
            Default float32.

        Returns
        -------
        array or numpy.memmap

        Raises
        ------
        OutputError
            The disk has too little space: the file is allocated here, before anything is computed.
        """
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if self.folder is None or not self.file_bytes(shape, dtype):
            return np.empty(shape, dtype)
        handle, name = tempfile.mkstemp(dir=self.folder, suffix=".raw")
        try:
            _reserve(handle, size)
        except OSError as error:
            free = shutil.disk_usage(self.folder).free
            raise OutputError(
                f"{self.folder.parent} has {free / 1e6:.0f} MB free, and {size / 1e6:.0f} MB are needed for an array that is "
                f"larger than the memory limit: {error.strerror or error}."
            ) from error
        finally:
            os.close(handle)
        return np.memmap(name, dtype, "r+", shape=shape)

    def file_bytes(self, shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> int:
        """Return the bytes that an array takes on disk; 0 for one that stays in memory."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if self.folder is None or self.memory_limit is None:
            return 0
        return size if size > _LARGEST_SHARE * self.memory_limit else 0


IN_MEMORY = ScratchSpace()


@contextmanager
def mapped_within(scratch: ScratchSpace | None) -> Iterator[ScratchSpace]:
    """Yield scratch space whose arrays are in memory or mapped files, which are removed at the end; all
    in memory without one.
    """
    if scratch is None or scratch.folder is None:
        yield IN_MEMORY
        return
    folder = Path(tempfile.mkdtemp(dir=scratch.folder))
    try:
        yield ScratchSpace(scratch.memory_limit, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _reserve(handle: int, size: int) -> None:
    """Allocate the file on disk: a write into a sparse file on a full disk ends the process with a
    bus error.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)
    else:
        os.truncate(handle, size)


@contextmanager
def scratch_beside(path: str | Path, memory_limit: int | None) -> Iterator[ScratchSpace]:
    """Yield the scratch space of a run that writes ``path``.

    Parameters
    ----------
    path : str or Path
        Output of the run; temporary files lie in a hidden folder beside it, which is removed at the
        end.
    memory_limit : int or None
        Bytes; None keeps all arrays in memory.
    """
    if memory_limit is None:
        yield IN_MEMORY
        return
    place = Path(path).absolute()
    place.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{place.name}-scratch-", dir=place.parent))
    try:
        yield ScratchSpace(memory_limit, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
