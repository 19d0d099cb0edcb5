"""The function that opens files dropped on a window.

The package ``open`` registers its function here: it uses forms for its questions, and every form
takes dropped files, so an import of ``open`` in the forms would be a circle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Opener = Callable[[Any, Sequence[str]], bool]
"""``opener(viewer, paths)``: opens all paths in a window; False, with nothing opened, when one of
them is of no known format.
"""

_registered: list[Opener] = []


def register_opener(opener: Opener) -> None:
    """Use a function for all drops from now on."""
    _registered[:] = [opener]


def open_files(viewer: Any, paths: Sequence[str]) -> bool:
    """Open paths in a window with the registered function; return False when napari must open
    them.
    """
    return bool(_registered) and _registered[-1](viewer, paths)
