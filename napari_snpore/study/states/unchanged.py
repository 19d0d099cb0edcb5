"""Whether the folder of a finished run is what its recipe would make again: same inputs by their
sha256, same parameters, same code and libraries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_snpore.errors import InputError
from napari_snpore.outputs.own_files import RECORD
from napari_snpore.study.kept_steps import parameters_of
from napari_snpore.study.provenance import check_record, code_version, versions
from napari_snpore.study.recipe import Recipe


def what_changed(folder: Path, recipe: Recipe, inputs: Sequence[Mapping[str, Any]]) -> str | None:
    """Return what sets a recipe apart from the finished run in a folder, in words after "because";
    None where the run is what the recipe would make.

    Parameters
    ----------
    folder : Path
        May be absent.
    recipe : Recipe
    inputs : sequence of mapping
        Of the recipe, as a record notes them.
    """
    if not (folder / RECORD).is_file():
        return "there is no finished run"
    try:
        record = check_record(folder / RECORD)
    except InputError:
        return "another version of the program made its result"
    if record.get("command") != "run":
        return "its folder holds another result"
    earlier = [one.get("sha256") for one in record.get("inputs", []) if isinstance(one, dict)]
    if earlier != [one["sha256"] for one in inputs]:
        return "its input changed"
    before, now = parameters_of(record.get("parameters", {})), parameters_of(recipe)
    if before != now:
        return f"its recipe changed ({_first_difference(before, now)})"
    if record.get("code") != code_version():
        return "the program changed"
    if record.get("versions") != versions():
        return "a library of the program changed"
    gone = [name for name in record.get("outputs", []) if not (folder / str(name)).exists()]
    return f"its file {gone[0]} is gone" if gone else None


def _first_difference(before: Mapping[str, Any], now: Mapping[str, Any], place: str = "") -> str:
    """Return the first option that differs, such as ``threshold.method``."""
    for key in [*now, *(key for key in before if key not in now)]:
        one, other = before.get(key), now.get(key)
        if one == other:
            continue
        name = f"{place}.{key}" if place else str(key)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            return _first_difference(one, other, name)
        return name
    return place
