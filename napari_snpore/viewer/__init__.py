"""The napari side: the only folder that imports napari, Qt or vispy.

The widgets of the menus are importable from here, each loaded when it is first asked for. Each
takes the viewer as its one argument and can be scripted.

Raises
------
MissingExtraError
    On import: napari is not installed, or is too old. The backend needs none, so that it can be
    installed beside any.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from napari_snpore.errors import MissingExtraError
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

_FOLDERS = {
    "CompareWidget": "compare",
    "FigureWidget": "figure",
    "InSituWidget": "in_situ",
    "MeasureWidget": "measure",
    "OrthoSlicesWidget": "slices",
    "ReconstructWidget": "reconstruct",
    "SceneWidget": "scene",
    "SubvolumeWidget": "boxes",
    "ThresholdWidget": "threshold",
    "WorkbenchWidget": "workbench",
}


OLDEST_NAPARI = (0, 9)
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
    if name not in _FOLDERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FOLDERS[name]}.widget"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
