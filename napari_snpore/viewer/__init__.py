"""The napari side: the only folder that imports napari, Qt or vispy.

The widgets of the menus are importable from here, each loaded when it is first asked for. Each
takes the viewer as its one argument and can be scripted. The manifest names them and all other
commands as attributes of this module, so that the window goes on being drawn while the first of
them is loaded.

Raises
------
MissingExtraError
    On import: napari is not installed, or is too old. The backend needs none, so that it can be
    installed beside any.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from napari_snpore.errors import MissingExtraError
from napari_snpore.viewer.ahead.loading import load_alive
from napari_snpore.viewer.shared.file_opener import register_opener

if TYPE_CHECKING:
    from napari_snpore.viewer.boxes.widget import SubvolumeWidget
    from napari_snpore.viewer.compare.widget import CompareWidget
    from napari_snpore.viewer.figure.widget import FigureWidget
    from napari_snpore.viewer.in_situ.widget import InSituWidget
    from napari_snpore.viewer.measure.widget import MeasureWidget
    from napari_snpore.viewer.reconstruct.widget import ReconstructWidget
    from napari_snpore.viewer.scene.widget import SceneWidget
    from napari_snpore.viewer.slices.widget import OrthoSlicesWidget
    from napari_snpore.viewer.threshold.widget import ThresholdWidget
    from napari_snpore.viewer.workbench.widget import WorkbenchWidget

__all__ = [
    "CompareWidget",
    "FigureWidget",
    "InSituWidget",
    "MeasureWidget",
    "OrthoSlicesWidget",
    "ReconstructWidget",
    "SceneWidget",
    "SubvolumeWidget",
    "ThresholdWidget",
    "WorkbenchWidget",
]

_PLACES = {
    "CompareWidget": "compare.widget",
    "FigureWidget": "figure.widget",
    "InSituWidget": "in_situ.widget",
    "MeasureWidget": "measure.widget",
    "OrthoSlicesWidget": "slices.widget",
    "ReconstructWidget": "reconstruct.widget",
    "SceneWidget": "scene.widget",
    "SubvolumeWidget": "boxes.widget",
    "ThresholdWidget": "threshold.widget",
    "WorkbenchWidget": "workbench.widget",
    "desodiated": "open.samples",
    "get_reader": "open.readers",
    "needle": "open.samples",
    "open_window_from": "window",
    "pristine": "open.samples",
    "save_recipe_as": "workbench.save_command",
    "save_window_as": "window",
    "sodiated": "open.samples",
    "start_tour": "tour.command",
    "swelling": "open.samples",
    "three_states": "compare.sample",
    "write_features": "open.writers",
    "write_other": "open.writers",
    "write_surface_layer": "open.writers",
    "write_tiff": "open.writers",
}
"""Modules of this folder, by what the manifest names in them."""


OLDEST_NAPARI = (0, 9, 2)
"""As in the extra ``window`` of pyproject.toml."""


def _check_napari() -> None:
    """Refuse to go on without napari, or with one that is too old."""
    needed = ".".join(str(part) for part in OLDEST_NAPARI)
    try:
        found = version("napari")
    except PackageNotFoundError:
        raise MissingExtraError(
            f"The window needs napari {needed} or newer, and none is installed: pip install 'napari-snpore[gui]'."
        ) from None  # the sentence alone
    numbers = re.findall(r"\d+", found)
    if tuple(int(number) for number in numbers[: len(OLDEST_NAPARI)]) < OLDEST_NAPARI:
        raise MissingExtraError(
            f"The window of snpore needs napari {needed} or newer, and {found} is installed: pip install --upgrade "
            f"'napari>={needed}'."
        )


_check_napari()


def _open_dropped(viewer: Any, paths: Sequence[str]) -> bool:
    from napari_snpore.viewer.open.opening import (
        open_dropped,
    )  # the readers of all formats: not needed before

    return open_dropped(viewer, paths)


register_opener(_open_dropped)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(load_alive(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
