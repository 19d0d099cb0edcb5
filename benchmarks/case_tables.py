"""Phantoms of the benchmarks by name, and tables to which one case after another is added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from napari_snpore.errors import InputError
from napari_snpore.files import write_table
from napari_snpore.phantom import Phantom, make_phantom, make_random_phantom

ANGLES_DEG = np.arange(-69.0, 70.0, 2.0)
"""Seventy images at 2° steps, as in the demo."""

CONTRASTS = {"easy": ("pristine", True), "realistic": ("pristine", False),
             "sodiated": ("sodiated", False)}  # fmt: skip
"""State of the fibre and ``easy`` of each contrast: Sn 2, 12 and 3.5 times carbon."""

FAMILIES = ("fibre", "field", "balls")


@dataclass(frozen=True, order=True)
class PhantomCase:
    """One phantom.

    Parameters
    ----------
    family : {"fibre", "field", "balls"}
    contrast : {"easy", "realistic", "sodiated"}
    seed : int
        Of the phantom, its noise and, outside the model, its gain, dark level and shifts.
    shape : tuple of int
        Voxels (z, y, x).
    dose : float
        Electrons per pixel over the fibre at tilt 0.
    """

    family: str
    contrast: str
    seed: int
    shape: tuple[int, int, int]
    dose: float

    def __post_init__(self) -> None:
        for name, allowed in (("family", FAMILIES), ("contrast", tuple(CONTRASTS))):
            if getattr(self, name) not in allowed:
                raise InputError(
                    f"{name} is {getattr(self, name)!r}; one of {', '.join(allowed)} is needed."
                )

    def make(self) -> Phantom:
        """Return the phantom."""
        state, easy = CONTRASTS[self.contrast]
        if self.family == "fibre":
            return make_phantom(state, shape=self.shape, seed=self.seed, easy=easy)
        return make_random_phantom(
            self.family, state=state, shape=self.shape, seed=self.seed, easy=easy
        )

    def columns(self) -> dict[str, Any]:
        """Return the case as columns of a table, the shape as ``176x176x176``."""
        return asdict(self) | {"shape": "x".join(map(str, self.shape)), "dose": float(self.dose)}


def shape_of(text: str) -> tuple[int, int, int]:
    """Return the shape (z, y, x) that ``176`` (a cube) or ``128x48x128`` says.

    >>> shape_of("96"), shape_of("128x48x128")
    ((96, 96, 96), (128, 48, 128))
    """
    sizes = [int(part) for part in text.split("x")]
    if len(sizes) not in (1, 3):
        raise ValueError(f"shape is {text!r}; one size or three as 128x48x128 are needed.")
    z, y, x = sizes * 3 if len(sizes) == 1 else sizes
    return z, y, x


def read_rows(path: Path) -> pd.DataFrame:
    """Return the rows of a table, none where there is no table yet."""
    return pd.read_csv(path) if path.exists() else pd.DataFrame()


def has_case(rows: pd.DataFrame, case: Mapping[str, Any]) -> bool:
    """Return whether a table has rows of a case."""
    return not rows.empty and bool(of_case(rows, case).any())


def of_case(rows: pd.DataFrame, case: Mapping[str, Any]) -> pd.Series:
    """Return which rows of a table belong to a case."""
    same = [rows[name] == value for name, value in case.items()]
    return pd.concat(same, axis=1).all(axis=1)


def replace_case(path: Path, case: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write the rows of a case in place of earlier ones, ordered by case; the table is always whole."""
    old = read_rows(path)
    if not old.empty:
        old = old[~of_case(old, case)]
    new = pd.DataFrame([{**case, **row} for row in rows])
    table = new if old.empty else pd.concat([old, new], ignore_index=True)
    write_table(path, table.sort_values(list(case), kind="stable", ignore_index=True))
