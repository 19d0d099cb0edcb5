"""Voxels behind or beside a header: raw (memory-mapped), gzip, zlib, bzip2 or text.

What a header promises is compared with the file before memory is asked for.
"""

from __future__ import annotations

import bz2
import gzip
import math
import re
import zlib
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import FileFormatError, MissingFileError
from napari_snpore.files.guarded_reading import checked_path

Encoding = Literal["raw", "gzip", "zlib", "bzip2", "text"]

HEADER_LIMIT = 1 << 20
"""Bytes that a header may have."""

_PIECE = 1 << 20
_FEW_FILES = 64
_MOST_FILES = 100_000
_LAZY_BYTES = 2**30
_DEFLATE_RATIO = 1100
"""Deflate packs at most 1032 bytes into one: a header that promises more than this is wrong."""


def shown(value: object) -> str:
    """Return a value of a file for a sentence: one line of at most 60 characters."""
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def head_of(path: Path) -> bytes:
    """Return the first MB of a regular file, where its header is.

    Raises
    ------
    FileFormatError
        The path is no regular file.
    """
    with _regular(path).open("rb") as file:
        return file.read(HEADER_LIMIT)


def data_file(header: Path, name: str) -> Path:
    """Return the data file that a header names, relative to the header.

    Raises
    ------
    MissingFileError
        It is not there.
    """
    place = header.parent / name.strip().strip('"')
    missing = f"{header} says that its voxels are in '{shown(name)}', and there is no such file."
    if not name.strip():
        raise MissingFileError(missing)
    return checked_path(place, missing.replace("{", "{{").replace("}", "}}"))


def numbered_files(header: Path, words: Sequence[str]) -> list[tuple[Path, int]] | None:
    """Return the files that a pattern with one number names, ``slab%03d.raw first last [step]``, and
    byte 0 for each; None where the words are no such pattern.

    Raises
    ------
    FileFormatError
        The numbers name no files, or too many.
    MissingFileError
        One of them is not there.
    """
    if len(words) < 3 or not re.fullmatch(r"[^%]*%\d{0,2}d[^%]*", words[0]):
        return None
    numbers = [int(word) for word in words[1:4] if re.fullmatch(r"[-+]?\d{1,9}", word)]
    first, last, step = (*numbers, 1)[:3] if len(numbers) >= 2 else (0, 0, 0)
    found = range(first, last + 1, step) if step > 0 else range(0)
    if len(numbers) != len(words[1:4]) or not 0 < len(found) <= _MOST_FILES:
        raise FileFormatError(
            f"{header} is damaged: '{shown(' '.join(words))}' names no data files."
        )
    return [(data_file(header, words[0] % number), 0) for number in found]


def checked_shape(sizes: Sequence[Any], path: Path) -> tuple[int, ...]:
    """Return the numbers of voxels of a header as positive whole numbers."""
    try:
        shape = tuple(int(size) for size in sizes)
    except (TypeError, ValueError, OverflowError):
        shape = ()
    if not shape or min(shape) < 1 or math.prod(shape) >= 2**60:
        raise FileFormatError(
            f"{path} is damaged: its numbers of voxels are '{shown(sizes)}', positive whole numbers are needed."
        )
    return shape


def read_voxels(
    path: Path,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    *,
    offset: int | None = 0,
    skip: int = 0,
    encoding: Encoding = "raw",
) -> NDArray[Any]:
    """Return the voxels of a file.

    Parameters
    ----------
    path : Path
        File that holds them.
    dtype : dtype
        Type of a voxel with its byte order.
    shape : (int, ...)
        Voxels along each axis, the slowest first.
    offset : int, optional
        Byte in the file where they (or the packed stream) begin; None: raw voxels that end with the
        file.
    skip : int
        Bytes to leave out after unpacking.
    encoding : {"raw", "gzip", "zlib", "bzip2", "text"}
        How they are stored.

    Returns
    -------
    array
        Memory-mapped where raw; other encodings are read into memory.

    Raises
    ------
    FileFormatError
        The file is shorter than promised, damaged, or too large for the memory.
    """
    have = _regular(path).stat().st_size
    need = math.prod(shape) * dtype.itemsize
    if encoding == "raw":
        start = have - need if offset is None else offset + skip
        if start < 0 or start + need > have:
            raise FileFormatError(
                f"{path} is cut short: its header promises {need + max(start, 0)} bytes, the file has {have}."
            )
        return np.memmap(path, dtype, "r", offset=start, shape=shape)
    packed = have - (offset or 0)
    if encoding in ("gzip", "zlib") and need > _DEFLATE_RATIO * max(packed, 0) + _PIECE:
        raise FileFormatError(
            f"{path} is cut short: {need} bytes of voxels are promised, {max(packed, 0)} packed bytes are there."
        )
    try:
        with path.open("rb") as file:
            file.seek(offset or 0)
            if encoding == "text":
                return _of_text(file.read(), dtype, shape, path)
            return _unpacked(_pieces(file, encoding), skip, dtype, shape, path)
    except (EOFError, OSError, zlib.error) as error:
        if getattr(error, "errno", None) is not None:
            raise
        raise FileFormatError(f"{path} is damaged: {encoding} says '{shown(error)}'.") from error
    except MemoryError:
        raise FileFormatError(
            f"{path} unpacks to {need / 1e9:.3g} GB, which is more than there is memory for."
        ) from None


def joined(slabs: Iterator[Any], count: int) -> Any:
    """Return slabs of equal shape as one array along the first axis.

    They are read one by one into memory, because each mapped file stays open; a few large ones stay
    mapped, as a lazy array.

    Parameters
    ----------
    slabs : iterator of array
        What :func:`read_voxels` returns for each file.
    count : int
        Their number.
    """
    first = next(slabs)
    if count == 1:
        return first
    if count <= _FEW_FILES and count * first.nbytes > _LAZY_BYTES:
        # imported here: a second that only large files need
        import dask.array as da

        return da.concatenate([da.from_array(slab) for slab in (first, *slabs)])
    whole = np.empty((count * first.shape[0], *first.shape[1:]), first.dtype)
    for number, slab in enumerate(chain((first,), slabs)):
        whole[number * len(first) : (number + 1) * len(first)] = slab
    return whole


def _regular(path: Path) -> Path:
    if checked_path(path).is_dir():
        raise FileFormatError(f"{path} is a folder; a file of voxels is needed.")
    return path


def _pieces(file: IO[bytes], encoding: Encoding) -> Iterator[bytes]:
    """Yield the unpacked bytes of a stream in pieces of at most 1 MB."""
    if encoding in ("gzip", "bzip2"):
        stream: Any = gzip.GzipFile(fileobj=file) if encoding == "gzip" else bz2.BZ2File(file)
        while piece := stream.read(_PIECE):
            yield piece
        return
    one = zlib.decompressobj()
    while not one.eof:
        packed = one.unconsumed_tail or file.read(_PIECE)
        if not packed:
            return
        yield one.decompress(packed, _PIECE)


def _unpacked(
    pieces: Iterator[bytes], skip: int, dtype: np.dtype[Any], shape: tuple[int, ...], path: Path
) -> NDArray[Any]:
    """Return the unpacked voxels; the stream is read to its end, which is where its check sum is."""
    data = np.empty(shape, dtype)
    target = data.reshape(-1).view(np.uint8)
    at = -skip
    for piece in pieces:
        part = piece[-at:] if at < 0 else piece
        start = max(at, 0)
        room = len(target) - start
        if part and room > 0:
            target[start : start + min(len(part), room)] = np.frombuffer(part[:room], np.uint8)
        at += len(piece)
        if at - len(target) > _PIECE:  # far more than promised: no need to unpack the rest
            break
    if at < len(target):
        raise FileFormatError(
            f"{path} is cut short: {len(target)} bytes of voxels are promised, {max(at, 0)} are there."
        )
    return data


def _of_text(raw: bytes, dtype: np.dtype[Any], shape: tuple[int, ...], path: Path) -> NDArray[Any]:
    words = raw.split()
    count = math.prod(shape)
    if len(words) != count:
        raise FileFormatError(
            f"{path} is damaged: {count} values are promised, {len(words)} are there."
        )
    plain = dtype.newbyteorder("=")
    try:
        numbers = [float(word) if plain.kind == "f" else int(word) for word in words]
        return np.array(numbers, plain).reshape(shape)
    except (ValueError, OverflowError) as error:
        raise FileFormatError(
            f"{path} is damaged: one of its values is no {plain} number."
        ) from error
