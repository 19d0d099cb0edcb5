"""The napari side: the only folder that imports napari, Qt, vispy or magicgui.

The widgets of the menus are importable from here, each loaded when it is first asked for. Each
takes the viewer as its one argument and can be scripted.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_snpore.viewer.shared.file_opener import register_opener

if TYPE_CHECKING:
    from napari_snpore.viewer.boxes.widget import SubvolumeWidget
    from napari_snpore.viewer.figure.widget import FigureWidget
    from napari_snpore.viewer.in_situ.widget import InSituWidget
    from napari_snpore.viewer.measure.widget import MeasureWidget
    from napari_snpore.viewer.reconstruct.widget import ReconstructWidget
    from napari_snpore.viewer.scene.widget import SceneWidget
    from napari_snpore.viewer.slices.widget import OrthoSlicesWidget
    from napari_snpore.viewer.threshold.widget import ThresholdWidget
    from napari_snpore.viewer.workbench.widget import WorkbenchWidget

__all__ = [
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
