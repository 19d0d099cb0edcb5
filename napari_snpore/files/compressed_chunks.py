"""Compressed chunks of a Zarr array, checked before a codec opens them: whether they hold as many
bytes as the array says.

A codec that trusts the header of a chunk reads beyond its end (Blosc), and one that unpacks until
it is done makes a gigabyte of a megabyte. The formats: Blosc (c-blosc, README_CHUNK_FORMAT),
Zstandard (RFC 8878), LZ4 as numcodecs writes it (its size in front).
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

_BLOSC_HEADER = 16
_BLOSC_SIZES = (4, 12)
"""Bytes of the header of a chunk, and where in it the bytes of its content and of itself stand."""

_ZSTD_MARK = b"\x28\xb5\x2f\xfd"
_HEAD = 18
"""Bytes from the beginning in which every header ends."""

_CHECKSUM_BYTES = 4
_HARMLESS_BYTES = 1 << 26
"""What a chunk may unpack to at the most without being unpacked for its size first."""

_LARGEST_RATIO = {"gzip": 1032, "zlib": 1032, "bz2": 1 << 22, "lzma": 1 << 16}
"""Most bytes that one byte can become. For bz2 and lzma a bound of experience."""

_PIECE = 1 << 22


_UNPACKERS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "zlib": lambda: zlib.decompressobj(wbits=15),
    "bz2": bz2.BZ2Decompressor,
    "lzma": lzma.LZMADecompressor,
}


class ChunkChain:
    """The compression of a chunk as the metadata of an array state it.

    Parameters
    ----------
    codecs : sequence of zarr or numcodecs codecs
        From bytes to bytes, in the order in which they were applied.
    """

    def __init__(self, codecs: Sequence[Any]) -> None:
        names = [codec_name(codec) for codec in codecs]
        self.checksum = names[-1:] == ["crc32c"]
        self.names = tuple(names[:-1] if self.checksum else names)

    @property
    def twice(self) -> bool:
        """Whether a chunk is compressed more than once, so that nothing bounds its size."""
        return len(self.names) > 1

    def fits(self, file: Any, start: int, size: int, content_bytes: int | None) -> bool:
        """Return whether a chunk in an open file unpacks to what it should.

        Parameters
        ----------
        file : binary file
        start, size : int
            Where the chunk lies, bytes.
        content_bytes : int, optional
            What it should hold; None where that is not known.
        """
        size -= _CHECKSUM_BYTES * self.checksum
        if size <= 0:
            return False
        if not self.names:
            return content_bytes in (None, size)
        name = self.names[0]
        file.seek(start)
        if name == "blosc":
            return _blosc_fits(file.read(min(size, _HEAD)), size, content_bytes)
        if content_bytes is None:
            return True
        if name == "lz4":
            head = file.read(4)
            return len(head) == 4 and struct.unpack("<I", head)[0] == content_bytes
        if name == "zstd":
            stated = _zstd_content(file.read(min(size, _HEAD)))
            if stated is not None:
                return stated == content_bytes
            file.seek(start)
            return _zstd_unpacks(file.read(size), content_bytes)
        if size * _LARGEST_RATIO.get(name, 0) <= max(_HARMLESS_BYTES, 2 * content_bytes):
            return True
        return _unpacks(_UNPACKERS[name](), file, size, content_bytes)


def codec_name(codec: Any) -> str:
    """Return the name of a codec, whichever version of Zarr describes it.

    Examples
    --------
    >>> import numcodecs, zarr.codecs
    >>> codec_name(numcodecs.Zlib()), codec_name(zarr.codecs.GzipCodec())
    ('zlib', 'gzip')
    """
    named = getattr(codec, "codec_id", None) or getattr(codec, "codec_name", None)
    name = str(named or type(codec).__name__.removesuffix("Codec")).lower()
    return name.removeprefix("numcodecs.")


def _blosc_fits(head: bytes, size: int, content_bytes: int | None) -> bool:
    if len(head) < _BLOSC_HEADER:
        return False
    content, whole = (struct.unpack_from("<I", head, place)[0] for place in _BLOSC_SIZES)
    return whole == size and content_bytes in (None, content)


def _zstd_content(head: bytes) -> int | None:
    """Return the bytes of content that the header of a frame states; None where it states none, and
    -1 where it is no header.
    """
    if len(head) < 6 or not head.startswith(_ZSTD_MARK):
        return -1
    about = head[4]
    single, flag = about >> 5 & 1, about >> 6
    width = (1 if single else 0, 2, 4, 8)[flag]
    if width == 0:
        return None
    place = 5 + (0 if single else 1) + (0, 1, 2, 4)[about & 3]
    if len(head) < place + width:
        return -1
    content = int.from_bytes(head[place : place + width], "little")
    return content + 256 if width == 2 else content


def _zstd_unpacks(raw: bytes, content_bytes: int) -> bool:
    import imagecodecs

    try:  # no more than this is unpacked
        return len(imagecodecs.zstd_decode(raw, out=content_bytes)) == content_bytes
    except (imagecodecs.ZstdError, ValueError, RuntimeError):
        return False


def _unpacks(unpacker: Any, file: Any, size: int, content_bytes: int) -> bool:
    """Unpack a chunk piece by piece, keeping nothing, until it ends or is longer than it should
    be; what follows its end would be unpacked too, and is no chunk.
    """
    found, waiting = 0, b""
    try:
        while not unpacker.eof:
            if not waiting and getattr(unpacker, "needs_input", True):
                waiting = file.read(min(size, _PIECE))
                size -= len(waiting)
            piece = unpacker.decompress(waiting, _PIECE)
            found += len(piece)
            if found > content_bytes or not (piece or waiting):
                return False
            waiting = getattr(unpacker, "unconsumed_tail", b"")
    except (zlib.error, OSError, EOFError, lzma.LZMAError):
        return False
    return found == content_bytes and size == 0 and not unpacker.unused_data
