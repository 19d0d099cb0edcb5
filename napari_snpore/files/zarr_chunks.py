"""Files of a Zarr folder, checked before Zarr opens them.

Zarr opens whatever has the name of a chunk: a pipe it waits for, a device it reads without end.
Blosc, which compresses the chunks of many writers, trusts the sizes in the header of a chunk and
reads beyond its end where they are wrong, which ends the program; a chunk that is gone reads as the
fill value.
"""

from __future__ import annotations

import itertools
import math
import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from napari_snpore.errors import FileFormatError
from napari_snpore.files.guarded_reading import checked_path, guarded

_BLOSC_HEADER = 16
_BLOSC_SIZES = (4, 12)
"""Bytes of the header of a chunk, and where in it the bytes of its content and of itself stand
(c-blosc, README_CHUNK_FORMAT)."""


class CheckedArray:
    """A Zarr array whose chunk files are checked each time before they are read; what is wrong
    names the folder.

    Parameters
    ----------
    stored : zarr.Array
        In a folder on disk.
    path : path
        The folder, for sentences.
    complete : bool
        Whether each chunk has its file, so that one that is missing was removed.
    """

    def __init__(self, stored: Any, path: Path, *, complete: bool) -> None:
        self.stored, self.path, self.complete = stored, path, complete
        self.shape, self.dtype, self.ndim = stored.shape, stored.dtype, stored.ndim
        self._folder = Path(stored.store.root) / stored.path
        self._blosc = _last_codec_is_blosc(stored)

    def __getitem__(self, key: Any) -> Any:
        with guarded(self.path):
            for file in self._files(key):
                self._check(file)
            try:
                return self.stored[key]
            except Exception as error:  # codecs raise many kinds
                raise FileFormatError(
                    f"{self.path} holds a chunk that is damaged or cut short: {error}."
                ) from error

    def _files(self, key: Any) -> Iterator[Path]:
        """Yield the files of the chunks that a key of slices and numbers needs."""
        keys = key if isinstance(key, tuple) else (key,)
        if any(not isinstance(one, (int, slice)) for one in keys):
            return
        keys = (*keys, *(slice(None),) * (self.ndim - len(keys)))
        grid = []
        for one, length, chunk in zip(keys, self.shape, _chunk_shape(self.stored), strict=True):
            taken = range(length)[one] if isinstance(one, slice) else range(one, one + 1)
            if len(taken) == 0:
                return
            grid.append(range(min(taken[0], taken[-1]) // chunk, max(taken) // chunk + 1))
        for place in itertools.product(*grid):
            yield self._folder / self.stored.metadata.encode_chunk_key(place)

    def _check(self, file: Path) -> None:
        if not os.path.lexists(file) and not self.complete:
            checked_path(self.path)
            return
        checked_path(file, "{path} is missing: a chunk was removed since the image was opened.")
        if self._blosc:
            check_blosc(file, self._chunk_bytes())

    def _chunk_bytes(self) -> int | None:
        """Bytes of a chunk that is not compressed; None where filters may change them."""
        if getattr(self.stored.metadata, "filters", None):
            return None
        return math.prod(_chunk_shape(self.stored)) * int(self.dtype.itemsize)


def check_tree(path: Path) -> None:
    """Refuse a folder that holds anything but files and folders.

    Raises
    ------
    FileFormatError
        Something in it is a pipe, a device, or a link that leads nowhere.
    """
    waiting = [str(path)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif not entry.is_file(follow_symlinks=False) and not _is_plain(entry):
                    checked_path(entry.path)


def file_count(stored: Any, *, most: int) -> int:
    """Return the number of files in the folder of an array, counted to ``most``."""
    folders = os.walk(Path(stored.store.root) / stored.path)
    count = 0
    for _, _, files in folders:
        count += len(files)
        if count >= most:
            break
    return count


def check_blosc(file: Path, content_bytes: int | None) -> None:
    """Refuse a chunk whose Blosc header does not fit its size, or its content.

    Parameters
    ----------
    file : Path
        One chunk.
    content_bytes : int, optional
        Bytes that it should hold; None where they are not known.
    """
    with file.open("rb") as chunk:
        head = chunk.read(_BLOSC_HEADER)
        size = os.fstat(chunk.fileno()).st_size
    if len(head) == _BLOSC_HEADER:
        content, whole = (struct.unpack_from("<I", head, place)[0] for place in _BLOSC_SIZES)
        if whole == size and content_bytes in (None, content):
            return
    raise FileFormatError(f"{file} is a chunk that is damaged or cut short.")


def _is_plain(entry: os.DirEntry[str]) -> bool:
    """Return whether a link leads to a file or a folder; a folder is not walked, it may be one
    above.
    """
    try:
        kind = stat.S_IFMT(entry.stat().st_mode)
    except OSError:
        return False
    return kind in (stat.S_IFREG, stat.S_IFDIR)


def _chunk_shape(stored: Any) -> tuple[int, ...]:
    """Return the shape of what one file holds: a shard where there are shards."""
    shape = getattr(stored, "shards", None) or stored.chunks
    return tuple(int(size) for size in shape)


def _last_codec_is_blosc(stored: Any) -> bool:
    about = stored.metadata
    if hasattr(about, "compressor"):
        return getattr(about.compressor, "codec_id", None) == "blosc"
    codecs: Any = getattr(about, "codecs", ())
    return bool(codecs) and type(codecs[-1]).__name__ == "BloscCodec"
