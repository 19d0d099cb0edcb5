"""Tables that runs write as CSV, read back."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd

from napari_snpore.errors import FileFormatError
from napari_snpore.files.guarded_reading import bounded_bytes, guarded

_LARGEST_TABLE = 2**28
_LONGEST_HEADER = 2**16
"""Most bytes of the line of names: pandas takes minutes for a million of equal ones."""


def read_table(path: str | Path, *, missing: str = "There is no table {path}.") -> pd.DataFrame:
    """Return a CSV table; lines that begin with ``#`` are comments.

    Parameters
    ----------
    path : path
        Written by :func:`~napari_snpore.files.write_table`, or of the same form.
    missing : str
        The sentence where there is no file, with ``{path}`` in it.

    Raises
    ------
    FileFormatError
        The file is damaged, no table, or larger than 256 MB.
    MissingFileError
        There is no such file.
    """
    raw = bounded_bytes(path, _LARGEST_TABLE, what="a table", missing=missing)
    with guarded(path):
        lines = (line for line in io.BytesIO(raw) if line.strip() and not line.startswith(b"#"))
        head, row = next(lines, b""), next(lines, b"")
        if len(head) > _LONGEST_HEADER:
            raise FileFormatError(f"{path} is not a readable table: its line of names is too long.")
        if _fields(row) > _fields(head):  # pandas would make index columns of them, slowly
            raise FileFormatError(
                f"{path} is not a readable table: its first row has {_fields(row)} values for"
                f" {_fields(head)} names."
            )
        last = raw.rstrip().rpartition(b"\n")[2]
        in_quotes = last.count(b'"') % 2 == 1  # of a value that is longer than a line
        if row and not last.startswith(b"#") and not in_quotes and _fields(last) < _fields(head):
            raise FileFormatError(
                f"{path} was cut short: its last line has {_fields(last)} values for"
                f" {_fields(head)} names."
            )
        try:
            return pd.read_csv(io.BytesIO(raw), comment="#")
        except pd.errors.EmptyDataError as error:
            raise FileFormatError(f"{path} is not a readable table: it is empty.") from error
        except ValueError as error:  # in words of its parser
            raise FileFormatError(
                f"{path} is not a readable table: a line is damaged, or it was cut short."
            ) from error


def _fields(line: bytes) -> int:
    text = line.decode("utf-8", "replace").partition("#")[0]
    return sum(len(row) for row in csv.reader([text]))
