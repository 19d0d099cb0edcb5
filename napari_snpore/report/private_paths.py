"""Folders of the user's machine, kept out of reports: absolute paths in texts, metadata of figures."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath, PureWindowsPath

from napari_snpore.errors import FileFormatError

_LETTER = r"[^\s/\\:\"'`<>|*?(),;=]"
_PATH = re.compile(
    rf"(?<![\w.:/\\])(?:(?:[A-Za-z]:[/\\])(?:{_LETTER}+[/\\])*"  # a drive of Windows
    rf"|(?:~|(?:\.\.?[/\\])+|\\\\[^\\\s]+(?=\\))?[/\\]?(?:{_LETTER}+[/\\])+)(?P<name>{_LETTER}*)"
)
_QUOTED = re.compile(r"(['\"])((?:/|~/|\.\./|[A-Za-z]:[/\\]|\\\\)[^'\"\n]*)\1")
_ABSOLUTE = re.compile(r"^(?:~|[A-Za-z]:|[/\\]|\.\.?[/\\])")
_METADATA = re.compile(rb"<metadata>.*?</metadata>\s*", re.DOTALL)
_PNG = b"\x89PNG\r\n\x1a\n"
_KEPT_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"pHYs", b"gAMA", b"sRGB", b"cHRM")


def file_name(path: str) -> str:
    r"""Return the last part of a path of any system.

    Examples
    --------
    >>> file_name("../a/HAADF.dm3"), file_name("C:\\data\\b.mrc")
    ('HAADF.dm3', 'b.mrc')
    """
    flavour = PureWindowsPath if "\\" in path or re.match(r"[A-Za-z]:", path) else PurePosixPath
    return flavour(path).name or path


def without_folders(text: str) -> str:
    r"""Return a text with the file's name in place of each path that leaves the folder of the run.

    Examples
    --------
    >>> without_folders("The file /home/me/HAADF.dm3 holds two images (tables/tilts.csv).")
    'The file HAADF.dm3 holds two images (tables/tilts.csv).'
    >>> without_folders("C:\\data\\a.mrc and/or ../up/b.mrc: 3/4 nm")
    'a.mrc and/or b.mrc: 3/4 nm'
    """

    def shorter(found: re.Match[str]) -> str:
        whole = found[0]
        return (found["name"] or file_name(whole)) if _ABSOLUTE.match(whole) else whole

    quoted = _QUOTED.sub(lambda found: f"{found[1]}{file_name(found[2])}{found[1]}", text)
    return _PATH.sub(shorter, quoted)


def svg_without_metadata(content: bytes) -> bytes:
    """Return an SVG without its metadata, which holds the recipe."""
    return _METADATA.sub(b"", content)


def png_without_metadata(content: bytes) -> bytes:
    """Return a PNG without texts; pixels, palette, resolution and colour space stay.

    Raises
    ------
    FileFormatError
        It is no whole PNG.
    """
    kept = [_PNG]
    for name, chunk in _chunks(content):
        if name in _KEPT_CHUNKS:
            kept.append(chunk)
    return b"".join(kept)


def png_size(content: bytes) -> tuple[int, int]:
    """Return width and height of a PNG."""
    name, chunk = next(_chunks(content))
    if name != b"IHDR":
        raise FileFormatError("The figure is not a readable PNG: it does not begin with its size.")
    return int.from_bytes(chunk[8:12], "big"), int.from_bytes(chunk[12:16], "big")


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and bytes (length and checksum included) of the chunks of a PNG."""
    if not content.startswith(_PNG):
        raise FileFormatError("The figure is not a readable PNG.")
    start = len(_PNG)
    while start < len(content):
        length = int.from_bytes(content[start : start + 4], "big")
        chunk = content[start : start + 12 + length]
        name = chunk[4:8]
        if len(chunk) < 12 + length or zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big"):
            raise FileFormatError("The figure is not a readable PNG: it is cut or damaged.")
        yield name, chunk
        start += len(chunk)
