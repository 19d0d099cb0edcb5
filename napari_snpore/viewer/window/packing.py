"""Exact conversion of values to JSON and back: numbers, texts, containers, arrays, tables and
napari's colormaps.

A value of a type that JSON lacks is an object with the key ``$``, which names the type. Arrays of
more than a few numbers are stored separately. A value that cannot be converted is left out of its
mapping or table, with a note. Nothing is executed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd
import pint
from napari.utils.colormaps import Colormap, CyclicLabelColormap, DirectLabelColormap
from numpy.typing import NDArray

from napari_snpore.errors import FileFormatError

_MARK = "$"
_INLINE = 64
"""Largest number of elements of an array that is written into the JSON text itself, where people
can read it.
"""

_COLORMAPS = {one.__name__: one for one in (Colormap, CyclicLabelColormap, DirectLabelColormap)}


class NotKeptError(TypeError):
    """A value of a type that cannot be saved."""


class Packer:
    """Converts values to JSON; collects large arrays in ``arrays`` and sentences on values left out
    in ``notes``.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}
        self.notes: list[str] = []

    def pack(self, value: Any, where: str) -> Any:
        """Return a value as JSON; notes name it by ``where``.

        Raises
        ------
        NotKeptError
            The type cannot be saved, and the value is not in a mapping that it could be left out
            of.
        """
        if value is None or (isinstance(value, (bool, str)) and not isinstance(value, Enum)):
            return value
        if isinstance(value, Enum):
            return self.pack(value.value, where)
        if isinstance(value, np.generic):
            return self.pack(_python_number(value), where)
        if isinstance(value, int):
            return value
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else {_MARK: "float", "is": str(value)}
        return self._pack_container(value, where)

    def _pack_container(self, value: Any, where: str) -> Any:
        if isinstance(value, Mapping):
            return self._pack_mapping(value, where)
        if isinstance(value, list):
            return [self.pack(one, where) for one in value]
        if isinstance(value, tuple):
            return {_MARK: "tuple", "of": [self.pack(one, where) for one in value]}
        if isinstance(value, (set, frozenset)):
            return {_MARK: "set", "of": [self.pack(one, where) for one in value]}
        if isinstance(value, np.ndarray):
            return self._pack_array(value, where)
        if isinstance(value, pd.DataFrame):
            return {_MARK: "table", **self._pack_table(value, where)}
        if isinstance(value, pint.Unit):
            return str(value)
        if isinstance(value, PurePath):
            return {_MARK: "path", "is": str(value)}
        if type(value).__name__ in _COLORMAPS:
            return {
                _MARK: "colormap",
                "type": type(value).__name__,
                "is": self.pack(value.model_dump(), where),
            }
        if value is pd.NA:
            return {_MARK: "missing"}
        raise NotKeptError(type(value).__name__)

    def _pack_mapping(self, value: Mapping[Any, Any], where: str) -> Any:
        kept: list[tuple[Any, Any]] = []
        for key, one in value.items():
            try:
                kept.append((self.pack(key, where), self.pack(one, f"{key} of {where}")))
            except NotKeptError as error:
                self.notes.append(
                    f"{key} of {where} is a value that is not kept ({error}); it was left out."
                )
        if all(isinstance(key, str) for key, _ in kept) and _MARK not in value:
            return dict(kept)
        return {_MARK: "mapping", "of": [list(pair) for pair in kept]}

    def _pack_array(self, value: NDArray[Any], where: str) -> Any:
        values = np.asarray(value)
        about = {"dtype": values.dtype.str, "shape": list(values.shape)}
        if values.dtype.kind == "O":
            return {
                _MARK: "array",
                **about,
                "values": [self.pack(one, where) for one in values.ravel().tolist()],
            }
        if values.size <= _INLINE and values.dtype.kind in "biufU":
            return {_MARK: "array", **about, "values": self.pack(values.ravel().tolist(), where)}
        if values.dtype.hasobject:
            raise NotKeptError(f"array of {values.dtype}")
        name = f"a{len(self.arrays)}"
        self.arrays[name] = values
        return {_MARK: "array", "in": name}

    def _pack_table(self, table: pd.DataFrame, where: str) -> dict[str, Any]:
        """Return a table as JSON, each column with its dtype; a column that cannot be saved is left
        out, with a note.
        """
        columns = []
        for place, name in enumerate(table.columns):
            try:
                columns.append(
                    {
                        "name": self.pack(name, where),
                        **self._pack_column(table.iloc[:, place], where),
                    }
                )
            except NotKeptError as error:
                self.notes.append(
                    f"The column {name} of {where} holds what is not kept ({error}); it was left out."
                )
        plain = isinstance(table.index, pd.RangeIndex) and table.index.equals(
            pd.RangeIndex(len(table))
        )
        index = None if plain else self.pack(np.asarray(table.index), where)
        return {"rows": len(table), "index": index, "columns": columns}

    def _pack_column(self, column: pd.Series[Any], where: str) -> dict[str, Any]:
        dtype = column.dtype
        about = {"dtype": str(dtype)}
        if isinstance(dtype, pd.CategoricalDtype):
            categories = self._pack_column(pd.Series(dtype.categories), where)
            codes = self.pack(np.asarray(column.cat.codes), where)
            return {
                "dtype": "category",
                "categories": categories,
                "ordered": bool(dtype.ordered),
                "codes": codes,
            }
        if isinstance(dtype, np.dtype) and dtype.kind in "biufcmM":
            return {**about, "values": self.pack(column.to_numpy(), where)}
        if isinstance(dtype, np.dtype):
            return {**about, "values": [self.pack(one, where) for one in column.tolist()]}
        missing = column.isna().tolist()
        values = column.astype(object).tolist()
        return {
            **about,
            "values": [
                self.pack(None if no else one, where)
                for one, no in zip(values, missing, strict=True)
            ],
        }


def unpack(value: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """Return the value of JSON that :class:`Packer` made.

    Raises
    ------
    FileFormatError
        The JSON contains something that no packer writes.
    """
    if isinstance(value, list):
        return [unpack(one, arrays) for one in value]
    if not isinstance(value, dict):
        return value
    if _MARK not in value:
        return {key: unpack(one, arrays) for key, one in value.items()}
    try:
        return _unpack_marked(value, arrays)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, FileFormatError):
            raise
        raise FileFormatError(
            f"holds a value that cannot be understood ({value[_MARK]}: {error})"
        ) from error


def _unpack_marked(value: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Any:
    match value[_MARK]:
        case "float":
            return float(value["is"])
        case "tuple":
            return tuple(unpack(one, arrays) for one in value["of"])
        case "set":
            return {unpack(one, arrays) for one in value["of"]}
        case "mapping":
            return {unpack(key, arrays): unpack(one, arrays) for key, one in value["of"]}
        case "array" if "in" in value:
            return arrays[value["in"]]
        case "array":
            flat = np.empty(len(value["values"]), np.dtype(value["dtype"]))
            flat[:] = unpack(value["values"], arrays)
            return flat.reshape(value["shape"])
        case "table":
            return _unpack_table(value, arrays)
        case "path":
            return PurePath(value["is"])
        case "colormap":
            return _COLORMAPS[value["type"]](**unpack(value["is"], arrays))
        case "missing":
            return pd.NA
        case other:
            raise FileFormatError(f"holds a value of a kind that is not known here ({other})")


def _python_number(value: np.generic) -> Any:
    found = value.item()
    if not isinstance(found, (bool, int, float, str)):
        raise NotKeptError(f"number of type {value.dtype}")
    return found


def _unpack_table(value: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    """Return the table of JSON that :class:`Packer` made."""
    index = (
        pd.RangeIndex(value["rows"])
        if value["index"] is None
        else pd.Index(unpack(value["index"], arrays))
    )
    if not value["columns"]:
        return pd.DataFrame(index=index)
    table = pd.concat([_unpack_column(one, arrays, index) for one in value["columns"]], axis=1)
    table.columns = pd.Index([unpack(one["name"], arrays) for one in value["columns"]])
    return table


def _unpack_column(
    value: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], index: pd.Index[Any]
) -> pd.Series[Any]:
    if value["dtype"] == "category":
        held = value["categories"]
        categories = pd.Index(_unpack_column(held, arrays, pd.RangeIndex(_length(held, arrays))))
        codes = unpack(value["codes"], arrays)
        return pd.Series(
            pd.Categorical.from_codes(codes, categories, ordered=value["ordered"]), index=index
        )
    found = unpack(value["values"], arrays)
    dtype = found.dtype if isinstance(found, np.ndarray) else value["dtype"]
    column: pd.Series[Any] = pd.Series(found, index=index, dtype=dtype)
    return column


def _length(value: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> int:
    return len(unpack(value["values"], arrays))
