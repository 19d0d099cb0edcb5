"""Record of a run as JSON: inputs with their sha256, parameters, results, versions and timings."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from napari_snpore import __version__
from napari_snpore.files.atomic import atomic_path
from napari_snpore.files.formats import parts_of
from napari_snpore.files.small_files import read_json
from napari_snpore.history import SCHEMA, check_schema
from napari_snpore.threads import thread_count

_VERSIONS_OF = (
    "numpy scipy scikit-image numba connected-components-3d pandas tifffile mrcfile nionswift-io h5py zarr"
    " matplotlib"
).split()

_NO_RESULTS = ("viewer/", "cli/")


@dataclass
class Record:
    """What ``record.json`` holds; filled during a run."""

    command: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    results: dict[str, Any] = field(default_factory=dict)
    timings_s: dict[str, float] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    seed: int | None = None
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def add_input(self, path: str | Path, *, folder: Path | None = None) -> None:
        """Note an input: a file and those that it names as parts with size and sha256, a folder
        with all its files; named relative to ``folder``.
        """
        path = Path(path)
        for file in sorted(path.rglob("*")) if path.is_dir() else [path, *parts_of(path)]:
            if file.is_file():
                name = (
                    str(file) if folder is None else Path(os.path.relpath(file, folder)).as_posix()
                )
                self.inputs.append(
                    {"path": name, "bytes": file.stat().st_size, "sha256": sha256(file)}
                )

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Note how long a step took (s)."""
        start = time.perf_counter()
        yield
        self.timings_s[step] = round(time.perf_counter() - start, 3)

    def write(self, path: str | Path) -> Path:
        """Write the record as JSON, beside its place and renamed into it."""
        content = {
            "program": "napari-snpore",
            "version": __version__,
            "code": code_version(),
            "schema": SCHEMA,
            **plain(asdict(self)),
            "versions": versions(),
            "machine": {
                "python": platform.python_version(),
                "system": platform.platform(),
                "threads": thread_count(),
            },
        }
        path = Path(path)
        with atomic_path(path) as part:
            part.write_text(
                json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
                encoding="utf-8",
            )
        return path


def check_record(path: Path) -> dict[str, Any]:
    """Return the content of a ``record.json``; refuse one that cannot be read, or that another version of its format wrote.

    Raises
    ------
    FileFormatError
        One sentence: which version it has, and what to do.
    """
    content = read_json(path, what="a record of a run")
    check_schema(content.get("schema", 1), str(path.parent))
    return content


def versions() -> dict[str, str]:
    """Versions of the libraries that decide numbers or files."""
    found = {}
    for name in _VERSIONS_OF:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


@cache
def code_version() -> str:
    """Return the hex sha256 of the source of all that computes or writes a result: window and command
    line are left out. Between two releases the number of the version stays, and this does not.
    """
    package = Path(__file__).parents[1]
    found = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if not name.startswith(_NO_RESULTS):
            found.update(name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def sha256(path: str | Path) -> str:
    """Return the hex sha256 of a file, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def plain(value: Any) -> Any:
    """Turn a value into what JSON holds; arrays become lists, NaN and infinity null."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)
