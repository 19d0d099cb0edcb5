"""Chunks of a Zarr array read straight from their files, in threads.

Zarr takes a tenth of a millisecond and more for each chunk that it reads, whatever its size; a
slice of a large volume crosses thousands of them. Here are the layouts that can be read with a few
lines: Zarr 3, chunks alone or in shards, without compression or with Blosc or Zstandard. Every other
array is read by Zarr itself.

Why not by TensorStore: every process that is forked after its import ends at once, those of other
plugins too.
"""

from __future__ import annotations

import itertools
import math
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import run_blocks
from napari_snpore.files.compressed_chunks import ChunkChain, codec_name

crc32c: Callable[[bytes], int] | None
try:
    from google_crc32c import value as crc32c  # the module that Zarr takes
except ImportError:
    crc32c = None

_PLACE_BYTES = 16
"""Bytes of one chunk in the index of a shard: where it begins, and how long it is."""

ABSENT = 2**64 - 1
"""Begin and length of a chunk that a shard does not hold."""

_MOST_INDICES = 512
"""Indices of shards that are kept: some 200 kB each."""

_BATCH = 64
"""Chunks that a thread reads at a time."""


class DamagedFile(Exception):
    """A file of chunks that does not hold what its array says."""


@dataclass(frozen=True)
class ShardIndex:
    """How the index of a shard is stored.

    Parameters
    ----------
    count : int
        Chunks in a shard.
    at_end : bool
        Whether it is at the end of the file.
    checksum : bool
        Whether a CRC-32C follows it.
    """

    count: int
    at_end: bool
    checksum: bool

    def places(self, file: BinaryIO, size: int) -> NDArray[np.uint64]:
        """Return where the chunks of an open file of ``size`` bytes begin, and how long they are.

        Returns
        -------
        array of uint64, shape (chunk, 2)
            Both 2⁶⁴ - 1 for a chunk that is not stored.

        Raises
        ------
        DamagedFile
            No index, one whose checksum is wrong, or places beyond the file.
        """
        length, after = self.count * _PLACE_BYTES, 4 * self.checksum
        if length + after > size:
            raise DamagedFile
        file.seek(size - length - after if self.at_end else 0)
        raw = file.read(length + after)
        if len(raw) < length + after:
            raise DamagedFile
        places = np.frombuffer(raw[:length], "<u8").astype(np.uint64).reshape(-1, 2)
        starts, sizes = places.T
        beyond = (starts > size) | (sizes > size) | (starts + sizes > size)
        if np.any(beyond & ~np.all(places == ABSENT, axis=1)):
            raise DamagedFile
        if self.checksum and crc32c is not None and crc32c(raw[:length]) != _number(raw[length:]):
            raise DamagedFile
        return places


def _number(raw: bytes) -> int:
    return int(struct.unpack("<I", raw)[0])


def stored_places(index: ShardIndex | None, file: BinaryIO, size: int) -> Iterator[tuple[int, int]]:
    """Yield where the chunks of a file lie and how long they are; of one that is no shard, the file
    as it is.

    Raises
    ------
    DamagedFile
        As in :meth:`ShardIndex.places`.
    """
    if index is None:
        yield 0, size
        return
    for start, extent in index.places(file, size).tolist():
        if (start, extent) != (ABSENT, ABSENT):
            yield start, extent


class ChunkReader:
    """Parts of one array, whose chunks are checked before they are unpacked.

    Parameters
    ----------
    stored : zarr.Array
        One for which :func:`reads_directly` is true.
    file_of : callable
        ``file_of(place)`` returns the checked file at a place of the grid of files, or None where
        there is none.
    chain : ChunkChain
        Compression of a chunk.
    index : ShardIndex, optional
        Of arrays with shards.
    """

    def __init__(
        self,
        stored: Any,
        file_of: Callable[[tuple[int, ...]], tuple[Path, int, int] | None],
        chain: ChunkChain,
        index: ShardIndex | None,
    ) -> None:
        self._shape, self._dtype = tuple(stored.shape), np.dtype(stored.dtype)
        self._chunk = tuple(int(size) for size in stored.chunks)
        shard = self._chunk if index is None else tuple(int(size) for size in stored.shards)
        self._per_file = tuple(s // c for s, c in zip(shard, self._chunk, strict=True))
        self._fill, self._file_of, self._chain, self._index = (
            stored.fill_value,
            file_of,
            chain,
            index,
        )
        self._decode = _decoder(chain)
        self._indices: dict[tuple[Path, int, int], list[tuple[int, int]]] = {}

    def read(self, keys: Sequence[int | slice]) -> NDArray[Any]:
        """Return the part that whole numbers and slices with rising steps select.

        Raises
        ------
        DamagedFile
            Its first argument is the file.
        """
        axes = [
            _parts(key, length, chunk)
            for key, length, chunk in zip(keys, self._shape, self._chunk, strict=True)
        ]
        out = np.empty([sum(part.count for part in parts) for parts in axes], self._dtype)
        work = []
        grouped = [_by_file(parts, n) for parts, n in zip(axes, self._per_file, strict=True)]
        for of_file in itertools.product(*grouped):
            place = tuple(
                parts[0].chunk // n for parts, n in zip(of_file, self._per_file, strict=True)
            )
            chunks = list(itertools.product(*of_file))
            work += [(place, chunks[k : k + _BATCH]) for k in range(0, len(chunks), _BATCH)]

        def one(batch: tuple[tuple[int, ...], list[tuple[_Part, ...]]]) -> None:
            self._read_batch(*batch, out)

        if len(work) == 1:
            one(work[0])
        else:
            run_blocks(one, work)
        return out[tuple(0 if isinstance(key, int) else slice(None) for key in keys)]

    def _read_batch(
        self, place: tuple[int, ...], chunks: list[tuple[_Part, ...]], out: NDArray[Any]
    ) -> None:
        """Put parts of the chunks of one file into an array."""
        known = self._file_of(place)
        if known is None:
            for parts in chunks:
                out[tuple(part.to for part in parts)] = self._fill
            return
        path = known[0]
        unpacked = np.empty(self._chunk, self._dtype)
        # one buffer for all: the system gives and takes back each of a chunk's size
        buffer = bytearray(2 * unpacked.nbytes)
        with path.open("rb", buffering=0) as file:
            try:
                places = self._places(known, file)
                for parts in chunks:
                    number = 0
                    for part, n in zip(parts, self._per_file, strict=True):
                        number = number * n + part.chunk % n
                    start, extent = places[number]
                    to = tuple([part.to for part in parts])
                    if start == ABSENT:
                        out[to] = self._fill
                        continue
                    if extent > len(buffer):
                        buffer = bytearray(extent)
                    raw = memoryview(buffer)[:extent]
                    file.seek(start)
                    if file.readinto(raw) != extent:
                        raise DamagedFile
                    self._unpack(raw, unpacked)
                    out[to] = unpacked[tuple([part.taken for part in parts])]
            except DamagedFile as error:
                raise DamagedFile(path) from error

    def _unpack(self, raw: memoryview, unpacked: NDArray[Any]) -> None:
        if not self._chain.fits(_InMemory(raw), 0, len(raw), unpacked.nbytes):
            raise DamagedFile
        try:
            self._decode(raw, unpacked)
        except (RuntimeError, ValueError) as error:  # those of imagecodecs are RuntimeErrors
            raise DamagedFile from error

    def _places(self, known: tuple[Path, int, int], file: Any) -> list[tuple[int, int]]:
        """Return begin and length of the chunks of a file; of one that is no shard, all of it."""
        if self._index is None:
            return [(0, known[1])]
        places = self._indices.get(known)
        if places is None:
            places = list(map(tuple, self._index.places(file, known[1]).tolist()))
            if len(self._indices) >= _MOST_INDICES:
                self._indices.clear()
            self._indices[known] = places
        return places


class _InMemory:
    """A chunk that was read, as the file that its check asks for a few bytes of."""

    def __init__(self, raw: memoryview) -> None:
        self._raw, self._at = raw, 0

    def seek(self, place: int) -> None:
        self._at = place

    def read(self, size: int) -> bytes:
        start, self._at = self._at, self._at + size
        return bytes(self._raw[start : self._at])


def reads_directly(stored: Any, chain: ChunkChain, index: ShardIndex | None) -> bool:
    """Return whether the layout of an array is one of those that are read here."""
    about = stored.metadata
    codecs: Sequence[Any] = getattr(about, "codecs", ())  # none in version 2
    if index is not None:
        if (index.checksum and crc32c is None) or len(codecs) != 1:
            return False
        codecs = codecs[0].codecs
    names = [codec_name(one) for one in codecs]
    if not names or names[0] != "bytes" or chain.checksum or tuple(names[1:]) != chain.names:
        return False
    endian = getattr(codecs[0].endian, "value", codecs[0].endian)
    return endian in (None, sys.byteorder) and chain.names in ((), ("blosc",), ("zstd",))


def _by_file(parts: Sequence[_Part], per_file: int) -> list[list[_Part]]:
    """Return the parts along one axis, those of each file together."""
    groups = itertools.groupby(parts, lambda one: one.chunk // per_file)
    return [list(group) for _, group in groups]


def _decoder(chain: ChunkChain) -> Callable[[Any, NDArray[Any]], None]:
    """Return what unpacks a chunk into an array of its size."""
    import imagecodecs

    def copied(raw: Any, out: NDArray[Any]) -> None:
        out[...] = np.frombuffer(raw, out.dtype).reshape(out.shape)

    def blosc(raw: Any, out: NDArray[Any]) -> None:
        imagecodecs.blosc_decode(raw, numthreads=1, out=_bytes_of(out))

    def zstd(raw: Any, out: NDArray[Any]) -> None:
        imagecodecs.zstd_decode(raw, out=_bytes_of(out))

    decoders = {(): copied, ("blosc",): blosc, ("zstd",): zstd}
    return decoders[chain.names]


def _bytes_of(array: Any) -> memoryview:
    return memoryview(array).cast("B")


@dataclass(frozen=True)
class _Part:
    """What is taken of one chunk along one axis: its number, which of its voxels, where they belong,
    and how many they are.
    """

    chunk: int
    taken: slice
    to: slice

    count: int


def _parts(key: int | slice, length: int, chunk: int) -> list[_Part]:
    """Return the parts of the chunks along an axis that a key selects.

    Examples
    --------
    >>> [(one.chunk, one.taken, one.to) for one in _parts(slice(3, 9, 2), 10, 4)]
    [(0, slice(3, 4, 2), slice(0, 1, None)), (1, slice(1, 4, 2), slice(1, 3, None))]
    """
    if isinstance(key, int):
        key = slice(key, key + 1)
    start, stop, step = key.indices(length)
    found: list[_Part] = []
    done = 0
    while start < stop:
        number = start // chunk
        end = min(stop, (number + 1) * chunk)
        count = math.ceil((end - start) / step)
        first = start - number * chunk
        taken = slice(first, end - number * chunk, step)
        found.append(_Part(number, taken, slice(done, done + count), count))
        start, done = start + count * step, done + count
    return found
