"""Named boxes of a window, kept in a layer of their edges that is saved with the window."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from napari.components import ViewerModel
from napari.layers import Layer, Vectors
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_snpore.errors import InputError
from napari_snpore.subvolume import NamedBox
from napari_snpore.viewer.shared.layers import KEY, VOLUME_AXES, kind_of
from napari_snpore.viewer.shared.slider_steps import keep_steps_on_voxels
from napari_snpore.viewer.shared.undo import Undo
from napari_snpore.viewer.shared.units import UNIT
from napari_snpore.viewer.shared.view_kept import add_keeping_selection, keeping_position

KIND = "boxes"
COLORS = ("#cc5de8", "#ff922b", "#00d5c8", "#a9763c", "#d0bfff", "#f03ed6")
"""Of the boxes in their order; none is the colour of a phase or of a line of the cross-hair."""

_COLUMNS = [f"{what}_{axis}_nm" for what in ("center", "size") for axis in "zyx"]
_EDGES = [(a, b) for a in range(8) for b in range(a) if (a ^ b).bit_count() == 1]
"""The twelve pairs of corners (z, y, x as bits) that an edge joins."""


@dataclass(frozen=True)
class _BoxesState:
    """The boxes of a window as they were; another one selected is no change to take back."""

    boxes: tuple[NamedBox, ...]
    selected: int = field(compare=False)


class Boxes(QObject):
    """The boxes of one window; get them with :func:`boxes_of`.

    ``drawing`` says whether a drag on any slice draws a new one.

    Signals
    -------
    changed
        A box was added, moved, sized, named or removed, or another one was selected.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.history: Undo[_BoxesState] = Undo()
        self.drawing = False
        self._viewer = weakref.ref(viewer)
        self._boxes: list[NamedBox] = []
        self._selected = -1
        self._layer: Vectors | None = None
        self._writing = False
        keep_steps_on_voxels(viewer)
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.removed.connect(self._on_removed)
        for layer in viewer.layers:
            self._take(layer)

    def __len__(self) -> int:
        return len(self._boxes)

    def __getitem__(self, index: int) -> NamedBox:
        return self._boxes[index]

    def __iter__(self) -> Iterator[NamedBox]:
        return iter(self._boxes)

    @property
    def selected(self) -> int:
        """Index of the box that is being edited; -1 without one."""
        return self._selected

    @selected.setter
    def selected(self, index: int) -> None:
        index = index if 0 <= index < len(self._boxes) else -1
        if index != self._selected:
            self._selected = index
            self._write()

    def named(self, name: str) -> NamedBox:
        """Return the box of a name.

        Raises
        ------
        InputError
            There is none.
        """
        for box in self._boxes:
            if box.name == name:
                return box
        raise InputError(
            f"No box is called {name!r}; there are {', '.join(b.name for b in self._boxes) or 'none'}."
        )

    def put(self, box: NamedBox) -> None:
        """Add a box, or replace the one of its name; it becomes the selected one."""
        names = [one.name for one in self._boxes]
        if box.name in names:
            self._selected = names.index(box.name)
            self._boxes[self._selected] = box
        else:
            self._boxes.append(box)
            self._selected = len(self._boxes) - 1
        self._write()

    def change(self, index: int, box: NamedBox) -> None:
        """Replace a box; its name is kept unique."""
        others = [one.name for k, one in enumerate(self._boxes) if k != index]
        if box.name in others:
            box = replace(box, name=free_name(others, box.name))
        self._boxes[index] = box
        self._write()

    def remove(self, index: int) -> None:
        """Take a box away."""
        del self._boxes[index]
        self._selected = min(self._selected, len(self._boxes) - 1)
        self._write()

    def remember(self) -> None:
        """Keep the boxes as they are, to come back to with ``undo``; called before a user changes
        them.
        """
        self.history.remember(self._now())

    def undo(self) -> None:
        """Go back to the boxes before the last change."""
        self._return_to(self.history.back(self._now()))

    def redo(self) -> None:
        """Take back an undo."""
        self._return_to(self.history.forth(self._now()))

    def new_name(self) -> str:
        """Return a name that is free."""
        return free_name([box.name for box in self._boxes], "box")

    def _now(self) -> _BoxesState:
        return _BoxesState(tuple(self._boxes), self._selected)

    def _return_to(self, then: _BoxesState | None) -> None:
        if then is not None:
            self._boxes, self._selected = list(then.boxes), then.selected
            self._write()

    def _write(self) -> None:
        """Update the layer of edges, then emit ``changed``."""
        viewer = self._viewer()
        if viewer is None:
            return
        self._writing = True
        try:
            if not self._boxes:
                if self._layer is not None and self._layer in viewer.layers:
                    viewer.layers.remove(self._layer)
                self._layer = None
            elif self._layer is None:
                self._layer = self._new_layer()
                add_keeping_selection(viewer, self._layer)
            else:
                counted = len(self._layer.data) == len(_EDGES) * len(self._boxes)
                with keeping_position(viewer):
                    self._layer.data = self._edges()
                self._layer.features = self._features()
                self._layer.edge_width = self._width()
                if not counted:
                    self._layer.edge_color = self._colors()
        finally:
            self._writing = False
        self.changed.emit()

    def _new_layer(self) -> Vectors:
        return Vectors(
            self._edges(),
            name="boxes",
            features=self._features(),
            edge_color=self._colors(),
            edge_width=self._width(),
            vector_style="line",
            out_of_slice_display=False,
            blending="translucent_no_depth",  # to be seen through what it encloses
            units=(UNIT,) * 3,
            axis_labels=VOLUME_AXES,
            metadata={KEY: {"kind": KIND, "history": []}},
        )

    def _edges(self) -> NDArray[np.float64]:
        return np.concatenate([edges(box) for box in self._boxes])

    def _width(self) -> float:
        return max(max(box.size_nm) for box in self._boxes) / 60

    def _features(self) -> pd.DataFrame:
        """Return name, centre and size of each box, once for each of its edges."""
        rows = [[box.name, *box.center_nm, *box.size_nm] for box in self._boxes for _ in _EDGES]
        return pd.DataFrame(rows, columns=["name", *_COLUMNS])

    def _colors(self) -> list[str]:
        return [color_of(k) for k in range(len(self._boxes)) for _ in _EDGES]

    def _on_inserted(self, event: Any) -> None:
        if not self._writing and self._take(event.value):
            self.changed.emit()

    def _take(self, layer: Layer) -> bool:
        """Take over the boxes of a layer that came from a saved window."""
        if not isinstance(layer, Vectors) or kind_of(layer) != KIND or self._layer is not None:
            return False
        if not {"name", *_COLUMNS} <= set(layer.features.columns):
            return False
        self._layer = layer
        self._boxes = [
            NamedBox(
                str(row["name"]),
                *(
                    tuple(float(row[f"{what}_{axis}_nm"]) for axis in "zyx")
                    for what in ("center", "size")
                ),  # type: ignore[arg-type]
            )
            for row in layer.features.drop_duplicates("name").to_dict("records")
        ]
        self._selected = len(self._boxes) - 1
        return True

    def _on_removed(self, event: Any) -> None:
        if event.value is self._layer and not self._writing:
            self._layer, self._boxes, self._selected = None, [], -1
            self.changed.emit()


_OF: weakref.WeakKeyDictionary[Any, Boxes] = weakref.WeakKeyDictionary()


def boxes_of(viewer: ViewerModel) -> Boxes:
    """Return the one set of boxes of a window."""
    found = next((boxes for known, boxes in _OF.items() if known is viewer), None)
    if found is None:
        found = _OF[viewer] = Boxes(viewer)
    return found


def color_of(index: int) -> str:
    """Return the colour of the box of an index."""
    return COLORS[index % len(COLORS)]


def edges(box: NamedBox) -> NDArray[np.float64]:
    """Return the twelve edges of a box as vectors, shape (12, 2, 3): where each starts, and how far
    it goes.
    """
    corners = np.array(list(product(*zip(box.low, box.high, strict=True))))
    one, two = (corners[[pair[k] for pair in _EDGES]] for k in (0, 1))
    return np.stack([one, two - one], axis=1)


def free_name(taken: Sequence[str], stem: str) -> str:
    """Return ``stem``, or ``stem 2``, ``stem 3`` … where it is taken."""
    return next(
        name
        for k in range(1, len(taken) + 2)
        if (name := stem if k == 1 else f"{stem} {k}") not in taken
    )
