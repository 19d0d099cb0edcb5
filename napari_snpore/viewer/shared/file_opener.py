"""The function that opens files dropped on a window.

The package registers it here, because the folder ``open`` asks its questions with forms, and every form takes drops:
importing it from the forms would be a circle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Opener = Callable[[Any, Sequence[str]], bool]
"""``opener(viewer, paths)``: opens all paths in a window; False where it reads one of them not, and opens none."""

_registered: list[Opener] = []


def register_opener(opener: Opener) -> None:
    """Use a function for all drops from now on."""
    _registered[:] = [opener]


def open_files(viewer: Any, paths: Sequence[str]) -> bool:
    """Open paths in a window with the registered function; return False where they are left to napari."""
    return bool(_registered) and _registered[-1](viewer, paths)
