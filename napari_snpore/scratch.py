"""Arrays that a run fills on its way: in memory, or on disk where they are more than the caller allows."""

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

_LARGE = 1 / 16  # of the limit: some five arrays live at a time, and a step takes a third of it beside them


@dataclass(frozen=True)
class ScratchSpace:
    """Where arrays are made.

    Attributes
    ----------
    memory_limit : int, optional
        Bytes that arrays may take in memory; those of more than a sixteenth of it become files.
    folder : Path, optional
        Where the files lie.
    """

    memory_limit: int | None = None
    folder: Path | None = None

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> Any:
        """Return an array to be filled.

        Raises
        ------
        OutputError
            The disk has not enough space; found before anything is computed, not half-way.
        """
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if self.folder is None or self.memory_limit is None or size <= _LARGE * self.memory_limit:
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


IN_MEMORY = ScratchSpace()


def _reserve(handle: int, size: int) -> None:
    """Take the space on the disk: writing into a hole of a full disk would end the process with a bus error."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)
    else:
        os.truncate(handle, size)


@contextmanager
def scratch_beside(path: str | Path, memory_limit: int | None) -> Iterator[ScratchSpace]:
    """Yield room for a run that writes ``path``; files lie in a folder beside it, which goes at the end."""
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
