"""The viewer on whose behalf napari calls a reader or a sample.

napari passes no viewer to readers and samples, and its ``current_viewer()`` is the window that was
activated last: with several windows, another one than the one in which a file is opened.
"""

from __future__ import annotations

import sys
from typing import Any

from napari import current_viewer
from napari.components import ViewerModel

_OPENING = {"open", "open_sample", "_open_or_raise_error", "_add_layers_with_plugins"}
"""Methods of napari's viewer that call readers and samples."""


def calling_viewer() -> Any:
    """Return the viewer whose ``open`` or ``open_sample`` called this; else the current one, or
    None.

    Found on the call stack, the only place that knows it.
    """
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name in _OPENING:
            viewer = frame.f_locals.get("self")
            if isinstance(viewer, ViewerModel):
                # a bare model has no window to ask in
                return viewer if getattr(viewer, "window", None) is not None else None
        frame = frame.f_back  # type: ignore[assignment]
    return current_viewer()
