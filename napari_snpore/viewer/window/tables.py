"""Tables (the features of a layer) into JSON and arrays, and back with the dtype of every column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.viewer.window.plain import NotKeptError, unpack

if TYPE_CHECKING:
    from napari_snpore.viewer.window.plain import Packer


def pack_table(packer: Packer, table: pd.DataFrame, where: str) -> dict[str, Any]:
    """Return a table as JSON; a column that cannot be kept is left out and noted."""
    columns = []
    for place, name in enumerate(table.columns):
        try:
            columns.append({"name": packer.pack(name, where), **_pack_column(packer, table.iloc[:, place], where)})
        except NotKeptError as error:
            packer.notes.append(f"The column {name} of {where} holds what is not kept ({error}); it was left out.")
    plain = isinstance(table.index, pd.RangeIndex) and table.index.equals(pd.RangeIndex(len(table)))
    index = None if plain else packer.pack(np.asarray(table.index), where)
    return {"rows": len(table), "index": index, "columns": columns}


def unpack_table(value: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    """Return the table behind what :func:`pack_table` made."""
    index = pd.RangeIndex(value["rows"]) if value["index"] is None else pd.Index(unpack(value["index"], arrays))
    if not value["columns"]:
        return pd.DataFrame(index=index)
    table = pd.concat([_unpack_column(one, arrays, index) for one in value["columns"]], axis=1)
    table.columns = pd.Index([unpack(one["name"], arrays) for one in value["columns"]])
    return table


def _pack_column(packer: Packer, column: pd.Series[Any], where: str) -> dict[str, Any]:
    dtype = column.dtype
    about = {"dtype": str(dtype)}
    if isinstance(dtype, pd.CategoricalDtype):
        categories = _pack_column(packer, pd.Series(dtype.categories), where)
        codes = packer.pack(np.asarray(column.cat.codes), where)
        return {"dtype": "category", "categories": categories, "ordered": bool(dtype.ordered), "codes": codes}
    if isinstance(dtype, np.dtype) and dtype.kind in "biufcmM":
        return {**about, "values": packer.pack(column.to_numpy(), where)}
    if isinstance(dtype, np.dtype):
        return {**about, "values": [packer.pack(one, where) for one in column.tolist()]}
    missing = column.isna().tolist()
    values = column.astype(object).tolist()
    return {
        **about,
        "values": [packer.pack(None if no else one, where) for one, no in zip(values, missing, strict=True)],
    }


def _unpack_column(
    value: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], index: pd.Index[Any]
) -> pd.Series[Any]:
    if value["dtype"] == "category":
        held = value["categories"]
        categories = pd.Index(_unpack_column(held, arrays, pd.RangeIndex(_length(held, arrays))))
        codes = unpack(value["codes"], arrays)
        return pd.Series(pd.Categorical.from_codes(codes, categories, ordered=value["ordered"]), index=index)
    found = unpack(value["values"], arrays)
    dtype = found.dtype if isinstance(found, np.ndarray) else value["dtype"]
    column: pd.Series[Any] = pd.Series(found, index=index, dtype=dtype)
    return column


def _length(value: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> int:
    return len(unpack(value["values"], arrays))
