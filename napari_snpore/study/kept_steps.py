"""Finished steps of a run on disk, so that an interrupted run goes on after the last of them.

A step is kept as a pickle: what steps return is made of dataclasses, arrays and tables, and comes
back with the same bits. A pickle can run code, even one of arrays alone (the state of a numpy dtype
is not checked). Each step is therefore sealed with a secret of the user's
(:func:`~napari_snpore.study.own_secret.own_secret`), and a file without that seal, such as one in a
folder that somebody else sent, counts as absent and is never unpickled. Beside that only the types
that steps return are accepted (:data:`_ALLOWED`). Steps are kept under a key of inputs, parameters
and code, so that those of another run are never used.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import hmac
import io
import json
import pickle
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import numpy as np

from napari_snpore.files.atomic import atomic_path
from napari_snpore.outputs.places import resolved
from napari_snpore.study.own_secret import own_secret
from napari_snpore.study.provenance import Record, code_version, versions
from napari_snpore.study.recipe import Recipe

Made = TypeVar("Made")

_SUFFIX = ".step"
_FREE_FOR_RESULT = 2
"""A result takes about as much as its kept steps; so many times a step has to be free beside it."""

_SEAL_BYTES = 65
"""64 hexadecimal digits and the end of their line."""

_LONGEST_LINE = 200
_BLOCK = 2**20

_PACKAGE = "napari_snpore"
_ALLOWED = {
    ("builtins", name) for name in ("set", "frozenset", "slice", "range", "complex", "bytearray")
} | {
    ("pathlib", "PosixPath"),
    ("pathlib", "WindowsPath"),
    ("types", "MappingProxyType"),
    ("collections", "OrderedDict"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    *(
        (f"numpy.{core}.{module}", name)
        for core in ("_core", "core")
        for module, name in (
            ("multiarray", "_reconstruct"),
            ("multiarray", "scalar"),
            ("numeric", "_frombuffer"),
        )
    ),
}
"""What a kept step may be made of beside the dataclasses of this package and the tables of pandas."""

_PANDAS = {
    "DataFrame", "Series", "Index", "RangeIndex", "MultiIndex", "BlockManager", "SingleBlockManager",
    "_new_Index", "_unpickle_block", "new_block", "StringDtype", "ArrowStringArray", "StringArray",
    "CategoricalDtype", "Categorical", "__pyx_unpickle_BlockManager", "__pyx_unpickle_NDArrayBacked",
    "_unpickle_array",
}  # fmt: skip


@dataclass(frozen=True)
class KeptSteps:
    """A folder of finished steps.

    Attributes
    ----------
    folder : Path or None
        None: nothing is kept.
    key : str
        Of the run, see :func:`run_key`; steps under another key are removed.
    say : callable
        Hears which step was taken from there.
    """

    folder: Path | None = None
    key: str = ""
    say: Callable[[str], None] = lambda sentence: None

    def keep(self, name: str, record: Record, make: Callable[[], Made]) -> Made:
        """Return what an earlier start made in a step, else make it and keep it.

        Parameters
        ----------
        name : str
            Of the step.
        record : Record
            Of the run: times and results that were noted in it are kept as well.
        make : callable
            Does the step.
        """
        if self.folder is None:
            return make()
        path = self.folder / f"{name.replace(' ', '-')}{_SUFFIX}"
        kept = self._read(path)
        if kept is not None:
            made, timings, results = kept
            record.timings_s |= timings
            record.results |= results
            self.say(f"{name}: kept from an earlier start")
            return cast(Made, made)
        made = make()
        self._write(path, (made, dict(record.timings_s), copy.deepcopy(record.results)))
        return made

    def remove(self) -> None:
        """Remove all kept steps."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _read(self, path: Path) -> tuple[Any, dict[str, float], dict[str, Any]] | None:
        secret = own_secret()
        if secret is None:
            return None
        try:
            with path.open("rb") as file:
                if file.readline(_LONGEST_LINE) != f"{self.key}\n".encode("ascii"):
                    return None
                given = file.readline(_LONGEST_LINE)
                begin = file.tell()
                if not hmac.compare_digest(given, self._seal(path, file, secret)):
                    return None
                file.seek(begin)
                found = _Reader(file).load()
        except FileNotFoundError:
            return None
        except Exception:  # cut short, damaged, of another version: pickles fail in many ways
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        return cast("tuple[Any, dict[str, float], dict[str, Any]]", found)

    def _write(self, path: Path, content: Any) -> None:
        """Keep a step where the disk has space for it and for the result: without it a later start
        does the step again, and nothing else is lost.
        """
        secret = own_secret()
        if secret is None:
            return
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(path) as part, part.open("w+b") as file:
                file.write(f"{self.key}\n".encode("ascii"))
                place = file.tell()
                file.write(bytes(_SEAL_BYTES))  # its place: the seal is known at the end
                _Writer(file, protocol=5).dump(content)
                file.seek(place + _SEAL_BYTES)
                seal = self._seal(path, file, secret)
                file.seek(place)
                file.write(seal)
            if shutil.disk_usage(path).free < _FREE_FOR_RESULT * path.stat().st_size:
                path.unlink()

    def _seal(self, path: Path, file: BinaryIO, secret: bytes) -> bytes:
        """Return the line that only this user's program can write for the rest of a file, under this
        key and name.
        """
        found = hashlib.blake2b(f"{self.key}\n{path.name}\n".encode(), key=secret, digest_size=32)
        while block := file.read(_BLOCK):
            found.update(block)
        return f"{found.hexdigest()}\n".encode("ascii")


NO_STEPS: KeptSteps = KeptSteps()


class _Writer(pickle.Pickler):
    """Writes arrays that are files as what they hold."""

    def reducer_override(self, value: Any) -> Any:
        if type(value) is np.memmap:
            return np.asarray(value).view(np.ndarray).__reduce_ex__(5)
        return NotImplemented


class _Reader(pickle.Unpickler):
    """Reads what steps return, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return super().find_class(module, name)
        if module.split(".")[0] == "pandas" and name in _PANDAS:
            return super().find_class(module, name)
        if module.split(".")[0] == _PACKAGE and "." not in name:
            found = getattr(import_module(module), name, None)
            if isinstance(found, type) and (is_dataclass(found) or hasattr(found, "model_fields")):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a step")


def readable(content: bytes) -> Any:
    """Return what a pickle holds, if that is made of what steps return.

    Raises
    ------
    pickle.UnpicklingError
        It names anything else.
    """
    return _Reader(io.BytesIO(content)).load()


def run_key(recipe: Recipe, inputs: list[dict[str, Any]]) -> str:
    """Return the key of a run: sha256 of its inputs, its parameters, the code and the libraries.

    Parameters
    ----------
    recipe : Recipe
        Its name and the places of its inputs are no part of the key.
    inputs : list of dict
        As a :class:`~napari_snpore.study.provenance.Record` notes them: ``sha256`` counts.
    """
    content = {
        "inputs": [one["sha256"] for one in inputs],
        "parameters": parameters_of(recipe),
        "code": code_version(),
        "versions": versions(),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def parameters_of(recipe: Recipe | Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides on the numbers of a run beside its inputs: all parameters but names and
    places.
    """
    given = (
        recipe if isinstance(recipe, Mapping) else recipe.model_dump(mode="json", exclude_none=True)
    )
    found: dict[str, Any] = copy.deepcopy(dict(given))
    found.pop("name", None)
    for section, keys in (("input", ("tilt_series", "volume")), ("align", ("xf",))):
        for key in keys:
            if key in found.get(section, {}):
                found[section][key] = "given"
    return found


def inputs_of(paths: list[str], *, folder: Path | None = None) -> list[dict[str, Any]]:
    """Return inputs with size and sha256, as a record notes them."""
    record = Record("")
    for path in paths:
        record.add_input(path, folder=None if folder is None else resolved(folder))
    return record.inputs
