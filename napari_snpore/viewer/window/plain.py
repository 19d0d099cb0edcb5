"""Values into JSON, and back exactly: numbers, texts, containers, arrays, tables and napari's colormaps. Nothing is executed.

What JSON does not know is an object with the key ``$``, which says what it is. Arrays of more than a few numbers go into a
store of their own. What cannot be kept is left out of the mapping that it stands in, and noted.
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
"""Numbers that an array may have to stand in the text itself, where it can be read."""

_COLORMAPS = {one.__name__: one for one in (Colormap, CyclicLabelColormap, DirectLabelColormap)}


class NotKeptError(TypeError):
    """A value of a type that is not kept."""


class Packer:
    """Turns values into JSON; ``arrays`` and ``notes`` fill up meanwhile."""

    def __init__(self) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}
        self.notes: list[str] = []

    def pack(self, value: Any, where: str) -> Any:
        """Return a value as JSON; ``where`` names its place in notes.

        Raises
        ------
        NotKeptError
            A type that is not kept, and no mapping around it to leave it out of.
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
            from napari_snpore.viewer.window.tables import pack_table

            return {_MARK: "table", **pack_table(self, value, where)}
        if isinstance(value, pint.Unit):
            return str(value)
        if isinstance(value, PurePath):
            return {_MARK: "path", "is": str(value)}
        if type(value).__name__ in _COLORMAPS:
            return {_MARK: "colormap", "type": type(value).__name__, "is": self.pack(value.model_dump(), where)}
        if value is pd.NA:
            return {_MARK: "missing"}
        raise NotKeptError(type(value).__name__)

    def _pack_mapping(self, value: Mapping[Any, Any], where: str) -> Any:
        kept: list[tuple[Any, Any]] = []
        for key, one in value.items():
            try:
                kept.append((self.pack(key, where), self.pack(one, f"{key} of {where}")))
            except NotKeptError as error:
                self.notes.append(f"{key} of {where} is a value that is not kept ({error}); it was left out.")
        if all(isinstance(key, str) for key, _ in kept) and _MARK not in value:
            return dict(kept)
        return {_MARK: "mapping", "of": [list(pair) for pair in kept]}

    def _pack_array(self, value: NDArray[Any], where: str) -> Any:
        values = np.asarray(value)
        about = {"dtype": values.dtype.str, "shape": list(values.shape)}
        if values.dtype.kind == "O":
            return {_MARK: "array", **about, "values": [self.pack(one, where) for one in values.ravel().tolist()]}
        if values.size <= _INLINE and values.dtype.kind in "biufU":
            return {_MARK: "array", **about, "values": self.pack(values.ravel().tolist(), where)}
        if values.dtype.hasobject:
            raise NotKeptError(f"array of {values.dtype}")
        name = f"a{len(self.arrays)}"
        self.arrays[name] = values
        return {_MARK: "array", "in": name}


def unpack(value: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """Return the value behind JSON that :class:`Packer` made.

    Raises
    ------
    FileFormatError
        Something that no packer writes.
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
        raise FileFormatError(f"holds a value that cannot be understood ({value[_MARK]}: {error})") from error


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
            from napari_snpore.viewer.window.tables import unpack_table

            return unpack_table(value, arrays)
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
