"""Saving of figures as PNG, SVG and PDF with the recipe inside; the same figure gives the same
bytes.

PNG carries the recipe in a text chunk, SVG and PDF in their metadata. SVG keeps text as text, so
that a journal's artist can edit labels and a search finds them; its type is DejaVu Sans with
Verdana, which is as wide, named as substitute. No file holds a date.
"""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image, UnidentifiedImageError

from napari_snpore.errors import FileFormatError, InputError
from napari_snpore.figures.style import FONT, FigureStyle
from napari_snpore.files.atomic import atomic_path
from napari_snpore.files.guarded_reading import checked_path, guarded
from napari_snpore.memory import check_memory

Format = Literal["png", "svg", "pdf"]
_FORMATS = ("png", "svg", "pdf")
_PIXEL_BYTES = 27.0  # peak while a PNG is drawn and written
_CREATOR = "napari-snpore"
_CHUNK = "Recipe"
_SUBSTITUTES = f"'{FONT}', Verdana, Arial, sans-serif"
_UNESCAPED = {b"n": b"\n", b"r": b"\r"}
_DESCRIPTION = "{http://purl.org/dc/elements/1.1/}description"


def save_figure(
    figure: Figure,
    path_without_suffix: str | Path,
    *,
    formats: Sequence[Format] = ("png", "svg"),
    recipe: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Write a figure in one or more formats.

    Parameters
    ----------
    figure : Figure
        Drawn at its own size and dots per inch.
    path_without_suffix : str or Path
        Where; each format adds its suffix. Missing folders are made, existing figures replaced.
    formats : sequence of {"png", "svg", "pdf"}
        Which files.
    recipe : mapping, optional
        How the figure was made, as JSON values; read back by :func:`recipe_of`.

    Returns
    -------
    list of Path
        The files, in the order of ``formats``.

    Raises
    ------
    InputError
        An unknown format, or a recipe that JSON cannot hold.
    OutputError
        A place that cannot be written.
    """
    unknown = [name for name in formats if name not in _FORMATS]
    if unknown or not formats:
        raise InputError(
            f"formats is {tuple(formats)}; one or more of {', '.join(_FORMATS)} are needed."
        )
    width, height = (round(side * figure.dpi) for side in figure.get_size_inches())
    if "png" in formats:
        check_memory(
            f"A figure of {width} × {height} pixels",
            _PIXEL_BYTES * width * height,
            advice="take fewer dots per inch, PDF or SVG",
        )
    text = None if recipe is None else recipe_text(recipe)
    paths = []
    with FigureStyle(dpi=int(figure.dpi)).in_force():
        for name in formats:
            path = Path(f"{path_without_suffix}.{name}")
            with atomic_path(path) as part:
                figure.savefig(part, format=name, dpi=figure.dpi, metadata=_metadata(name, text))
                if name == "svg":
                    _name_substitutes(part)
            paths.append(path)
    return paths


def png_bytes(figure: Figure) -> bytes:
    """Return a figure as the content of a PNG file, without a recipe; the same figure gives the same
    bytes.
    """
    target = io.BytesIO()
    with FigureStyle(dpi=int(figure.dpi)).in_force():
        figure.savefig(target, format="png", dpi=figure.dpi, metadata=_metadata("png", None))
    return target.getvalue()


def recipe_of(path: str | Path) -> dict[str, Any] | None:
    """Return the recipe inside a PNG, SVG or PDF figure, None where it has none.

    Raises
    ------
    FileFormatError
        The file is not there, or none of the three.
    """
    path = checked_path(path)
    with guarded(path):
        try:
            if path.suffix.lower() == ".svg":
                text = ElementTree.parse(path).findtext(f".//{_DESCRIPTION}")
            elif path.suffix.lower() == ".pdf":
                text = _subject_of(path.read_bytes())
            else:
                with Image.open(path) as image:
                    text = image.info.get(_CHUNK)
            return None if text is None else dict(json.loads(text))
        except (
            OSError,
            UnidentifiedImageError,
            ElementTree.ParseError,
            ValueError,
            TypeError,
            SyntaxError,  # of Pillow, for a PNG whose chunks are damaged
        ) as problem:
            raise FileFormatError(
                f"{path} cannot be read as a figure with a recipe; a PNG, SVG or PDF is needed."
            ) from problem


def _subject_of(pdf: bytes) -> str | None:
    """Return the subject in the information dictionary of a PDF, which matplotlib writes
    uncompressed, as a literal string.
    """
    if not pdf.startswith(b"%PDF-"):
        raise ValueError("no PDF")
    trailer = re.search(rb"/Info (\d+) 0 R", pdf)
    about = (
        None
        if trailer is None
        else re.search(rb"(?:^|\n)%b 0 obj\n(.*?)\nendobj" % trailer[1], pdf, re.DOTALL)
    )
    found = (
        None
        if about is None
        else re.search(rb"/Subject \(((?:[^\\()]|\\.)*)\)", about[1], re.DOTALL)
    )
    if found is None:
        return None
    plain = re.sub(
        rb"\\(.)", lambda mark: _UNESCAPED.get(mark[1], mark[1]), found[1], flags=re.DOTALL
    )
    return (
        plain[2:].decode("utf-16-be")
        if plain.startswith(codecs.BOM_UTF16_BE)
        else plain.decode("ascii")
    )


def recipe_text(recipe: Mapping[str, Any]) -> str:
    """Return a recipe as JSON with sorted keys; numpy numbers and arrays become plain, paths become
    text.
    """
    try:
        return json.dumps(
            recipe, sort_keys=True, ensure_ascii=False, allow_nan=False, default=_plain
        )
    except (TypeError, ValueError) as problem:
        raise InputError(
            f"recipe cannot be written as JSON ({problem}); plain numbers, texts and lists are needed."
        ) from None


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _metadata(name: str, text: str | None) -> dict[str, Any]:
    """Return the metadata of a format, without dates and without matplotlib's version."""
    if name == "png":
        return {"Software": _CREATOR, **({} if text is None else {_CHUNK: text})}
    if name == "svg":
        return {
            "Creator": _CREATOR,
            "Date": None,
            **({} if text is None else {"Description": text}),
        }
    about = {} if text is None else {"Subject": text}
    return {
        "Creator": _CREATOR,
        "Producer": f"matplotlib {matplotlib.__version__}",
        "CreationDate": None,
        **about,
    }


def _name_substitutes(path: Path) -> None:
    """Name substitute fonts for machines without DejaVu Sans."""
    text = Path(path).read_text(encoding="utf-8")
    Path(path).write_text(text.replace(f"'{FONT}'", _SUBSTITUTES), encoding="utf-8")
