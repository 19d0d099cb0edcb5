"""Layers that are tools of the mouse and not part of the specimen: no picture shows them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from napari_snpore.viewer.shared.layers import kind_of

TOOL_KINDS = frozenset({"box handles", "cut line"})


@contextmanager
def without_tools(viewer: Any) -> Iterator[None]:
    """Hide handles and the like while pictures are taken, and show them again afterwards."""
    hidden = [layer for layer in viewer.layers if kind_of(layer) in TOOL_KINDS and layer.visible]
    for layer in hidden:
        layer.visible = False
    try:
        yield
    finally:
        for layer in hidden:
            if layer in viewer.layers:
                layer.visible = True
