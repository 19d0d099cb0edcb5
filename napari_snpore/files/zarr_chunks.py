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
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_snpore.errors import FileFormatError
from napari_snpore.files.chunk_reader import (
    ChunkReader,
    DamagedFile,
    ShardIndex,
    reads_directly,
    stored_places,
)
from napari_snpore.files.compressed_chunks import ChunkChain, codec_name
from napari_snpore.files.guarded_reading import checked_path, guarded

_MOST_REMEMBERED = 100_000
_LEFT_OUT = -1
"""Stands for the size of a file that a writer left out."""

_UNFINISHED = (".partial", ".__lock")
"""Ends of the names that Zarr and TensorStore give to a file while they write it."""

_BLOCK_VOXELS = 32 * 1024 * 1024
"""Voxels that one task of a lazy array may span, and so the most that it reads at a time."""


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
        self._chain, self._shard = compression_of(stored, path)
        if self._chain.twice:
            raise FileFormatError(f"{path} is compressed twice, which is not read: save it again.")
        self._known: dict[Path, tuple[Path, int, int]] = {}
        self._sound: set[Path] = set()
        self._described = self._description()
        self._direct: ChunkReader | None = None
        if reads_directly(stored, self._chain, self._shard):
            self._direct = ChunkReader(stored, self._file_at, self._chain, self._shard)

    def __getitem__(self, key: Any) -> Any:
        with guarded(self.path):
            if self._description() != self._described:
                raise self._changed()
            keys = all_keys(key, self.shape)
            rising = all(isinstance(one, int) or (one.step or 1) > 0 for one in keys or ())
            if keys is not None and rising and self._direct is not None:
                return self._read(keys)
            for place in self._places(keys):
                self._check(place)
            try:
                return self.stored[key]
            except Exception as error:  # codecs raise many kinds
                raise FileFormatError(
                    f"{self.path} holds a chunk that is damaged or cut short: {error}."
                ) from error

    def _read(self, keys: Sequence[int | slice]) -> Any:
        assert self._direct is not None
        try:
            return self._direct.read(keys)
        except DamagedFile as error:
            raise self._damaged(error.args[0]) from error

    def _damaged(self, file: Path) -> FileFormatError:
        inside = file.relative_to(self.path) if file.is_relative_to(self.path) else file
        return FileFormatError(f"{self.path} holds a chunk that is damaged or cut short: {inside}.")

    def _changed(self) -> FileFormatError:
        return FileFormatError(
            f"{self.path} changed since it was opened: open it again when it is written completely."
        )

    def _description(self) -> tuple[int, int] | None:
        """Return what changes where the array is written anew, in its place or as another folder."""
        for name in ("zarr.json", ".zarray"):
            try:
                about = os.stat(self._folder / name)
            except OSError:
                continue
            return about.st_ino, about.st_mtime_ns
        return None

    def _places(self, keys: Sequence[int | slice] | None) -> Iterator[tuple[int, ...]]:
        """Yield the places in the grid of files that a key of slices and numbers needs."""
        if keys is None:
            return
        grid = []
        for one, length, chunk in zip(keys, self.shape, _file_shape(self.stored), strict=True):
            taken = range(length)[one] if isinstance(one, slice) else range(one, one + 1)
            if len(taken) == 0:
                return
            grid.append(range(min(taken[0], taken[-1]) // chunk, max(taken) // chunk + 1))
        yield from itertools.product(*grid)

    def _file_at(self, place: tuple[int, ...]) -> tuple[Path, int, int] | None:
        """Return the file at a place, its size and when it was written; None where chunks may be
        left out and it is.

        Raises
        ------
        FileFormatError
            It is gone, is no file, or was written since it was read first.
        """
        file = self._folder / self.stored.metadata.encode_chunk_key(place)
        known, there = self._known.get(file), os.path.lexists(file)
        if not there and not self.complete:
            checked_path(self.path)
            now = file, _LEFT_OUT, 0
        else:
            if known is None or not file.exists():
                checked_path(
                    file, "{path} is missing: a chunk was removed since the image was opened."
                )
            about = os.stat(file)
            now = file, about.st_size, about.st_mtime_ns
        if known is not None and known != now:
            raise self._changed()
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
            self._sound.clear()
        self._known[file] = now
        return None if now[1] == _LEFT_OUT else now

    def _check(self, place: tuple[int, ...]) -> None:
        """Check all chunks of a file that Zarr is about to read; a shard is read once for each of
        them.
        """
        known = self._file_at(place)
        if known is None or known[0] in self._sound:
            return
        file, size, _ = known
        try:
            with file.open("rb") as opened:
                for start, extent in stored_places(self._shard, opened, size):
                    if not self._chain.fits(opened, start, extent, self._chunk_bytes()):
                        raise DamagedFile
        except DamagedFile as error:
            raise self._damaged(file) from error
        self._sound.add(file)

    def _chunk_bytes(self) -> int | None:
        """Bytes of a chunk that is not compressed; None where filters may change them."""
        if getattr(self.stored.metadata, "filters", None):
            return None
        return math.prod(int(size) for size in self.stored.chunks) * int(self.dtype.itemsize)


def all_keys(key: Any, shape: Sequence[int]) -> list[int | slice] | None:
    """Return a number from 0 or a slice for each axis; None for a key of anything else."""
    given = key if isinstance(key, tuple) else (key,)
    if len(given) > len(shape):
        return None
    found: list[int | slice] = []
    given = (*given, *(slice(None),) * (len(shape) - len(given)))
    for one, length in zip(given, shape, strict=True):
        if isinstance(one, slice):
            found.append(one)
        elif isinstance(one, (int, np.integer)) and -length <= one < length:
            found.append(int(one) % length)
        else:
            return None
    return found


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


def file_count(stored: Any) -> int:
    """Return how many files the chunks of an array take: one per shard where there are shards."""
    return math.prod(_file_grid(stored))


def files_there(stored: Any, *, most: int | None = None) -> set[str]:
    """Return the names of the files in the folder of an array, below it; ``most`` of them, or a few
    more, are enough.
    """
    folder = Path(stored.store.root) / stored.path
    found: set[str] = set()
    for place, _, files in os.walk(folder):
        below = Path(place).relative_to(folder)
        found.update((below / name).as_posix() for name in files)
        if most is not None and len(found) >= most:
            break
    return found


def chunk_files_there(stored: Any, path: Path) -> int:
    """Return how many of the files that an array needs are there.

    Raises
    ------
    FileFormatError
        Another program is writing one of them.
    """
    there = files_there(stored)
    for name in there:
        if name.endswith(_UNFINISHED):
            raise FileFormatError(
                f"{path} holds a file that another program is writing, or left when it was stopped: "
                f"open it again when that is done, or write it anew ({stored.path}/{name})."
            )
    key = stored.metadata.encode_chunk_key
    return sum(key(place) in there for place in itertools.product(*map(range, _file_grid(stored))))


def task_shape(stored: Any) -> tuple[int, ...]:
    """Return the part of an array that is one task of a lazy array: whole files, one behind the
    other along x, then y, until a task is worth its overhead; one file along the first axes, whose
    slices are what steps work through.
    """
    block = list(_file_shape(stored))
    for axis in (-1, -2)[: len(block)]:
        files = -(-int(stored.shape[axis]) // block[axis])
        block[axis] *= max(1, min(files, _BLOCK_VOXELS // max(math.prod(block), 1)))
    return tuple(min(size, int(n)) for size, n in zip(block, stored.shape, strict=True))


def _file_grid(stored: Any) -> list[int]:
    return [-(-int(n) // size) for n, size in zip(stored.shape, _file_shape(stored), strict=True)]


def _is_plain(entry: os.DirEntry[str]) -> bool:
    """Return whether a link leads to a file or a folder; a folder is not walked, it may be one
    above.
    """
    try:
        kind = stat.S_IFMT(entry.stat().st_mode)
    except OSError:
        return False
    return kind in (stat.S_IFREG, stat.S_IFDIR)


def _file_shape(stored: Any) -> tuple[int, ...]:
    """Return the shape of what one file holds: a shard where there are shards."""
    shape = getattr(stored, "shards", None) or stored.chunks
    return tuple(int(size) for size in shape)


def compression_of(stored: Any, path: Path) -> tuple[ChunkChain, ShardIndex | None]:
    """Return the compression of the chunks of an array, and how the index of its shards is stored.

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
    return ChunkChain(_after_bytes(shard.codecs)), ShardIndex(count, at_end, len(index) > 1)


def _after_bytes(codecs: Sequence[Any]) -> list[Any]:
    """Return the codecs behind the one that makes bytes of an array."""
    names = [codec_name(one) for one in codecs]
    return list(codecs[names.index("bytes") + 1 :]) if "bytes" in names else []
