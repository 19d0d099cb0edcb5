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
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from napari_snpore.errors import FileFormatError
from napari_snpore.files.compressed_chunks import ChunkChain, codec_name
from napari_snpore.files.guarded_reading import checked_path, guarded

_PLACE_BYTES = 16
"""Bytes of one chunk in the index of a shard: where it begins, and how long it is."""

_ABSENT = 2**64 - 1
_MOST_REMEMBERED = 100_000


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
        self._chain, self._shard = _compression(stored, path)
        if self._chain.twice:
            raise FileFormatError(f"{path} is compressed twice, which is not read: save it again.")
        self._sound: set[tuple[Path, int, int]] = set()

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
        about = os.stat(file)
        key = file, about.st_size, about.st_mtime_ns
        if key in self._sound:  # a shard is read once for each of its chunks
            return
        with file.open("rb") as opened:
            for start, size in self._places(opened, about.st_size):
                if not self._chain.fits(opened, start, size, self._chunk_bytes()):
                    raise FileFormatError(f"{file} is a chunk that is damaged or cut short.")
        if len(self._sound) >= _MOST_REMEMBERED:
            self._sound.clear()
        self._sound.add(key)

    def _places(self, file: Any, size: int) -> Iterator[tuple[int, int]]:
        """Yield where the chunks of a file lie: of one that is no shard, the file as it is."""
        if self._shard is None:
            yield 0, size
            return
        count, at_end, checksum = self._shard
        length = count * _PLACE_BYTES
        if length + checksum > size:
            raise FileFormatError(f"{file.name} is a shard that is damaged or cut short.")
        file.seek(size - length - checksum if at_end else 0)
        for start, extent in struct.iter_unpack("<QQ", file.read(length)):
            if (start, extent) == (_ABSENT, _ABSENT):
                continue
            if start + extent > size:
                raise FileFormatError(f"{file.name} is a shard that is damaged or cut short.")
            yield start, extent

    def _chunk_bytes(self) -> int | None:
        """Bytes of a chunk that is not compressed; None where filters may change them."""
        if getattr(self.stored.metadata, "filters", None):
            return None
        return math.prod(int(size) for size in self.stored.chunks) * int(self.dtype.itemsize)


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


def _compression(stored: Any, path: Path) -> tuple[ChunkChain, tuple[int, bool, int] | None]:
    """Return the compression of the chunks of an array, and of shards how many chunks each has,
    whether its index is at its end, and the bytes of the checksum after the index.

    Raises
    ------
    FileFormatError
        Shards within shards, or an index that is compressed.
    """
    about = stored.metadata
    if hasattr(about, "compressor"):
        return ChunkChain([] if about.compressor is None else [about.compressor]), None
    codecs: Sequence[Any] = getattr(about, "codecs", ())
    shard = next((one for one in codecs if hasattr(one, "index_codecs")), None)
    if shard is None:
        return ChunkChain(_after_bytes(codecs)), None
    index = [codec_name(one) for one in shard.index_codecs]
    if index not in (["bytes", "crc32c"], ["bytes"]) or any(
        hasattr(one, "index_codecs") for one in shard.codecs
    ):
        raise FileFormatError(f"{path} has shards whose index, or whose own shards, are not read.")
    count = math.prod(
        -(-int(whole) // int(part))
        for whole, part in zip(stored.shards, shard.chunk_shape, strict=True)
    )
    at_end = getattr(shard.index_location, "value", shard.index_location) == "end"
    return ChunkChain(_after_bytes(shard.codecs)), (count, at_end, 4 * (len(index) - 1))


def _after_bytes(codecs: Sequence[Any]) -> list[Any]:
    """Return the codecs behind the one that makes bytes of an array."""
    names = [codec_name(one) for one in codecs]
    return list(codecs[names.index("bytes") + 1 :]) if "bytes" in names else []
