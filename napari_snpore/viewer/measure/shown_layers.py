"""Shows one thing of a specimen at a time over its grey volume: objects, phases, or nothing."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING

from napari_snpore.viewer.shared.layers import SEPARATOR, is_volume, kind_of, stem_of
from napari_snpore.viewer.shared.view_kept import keeping_choice

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

GRAY, EARLIER = "grey values alone", "as it was"

_COLORED = ("phases", "objects", "preview", "envelope", "dead pores")
"""Kinds of layers that colour the volume; two of them on top of each other show neither."""


class ShownLayers:
    """Which layers of one specimen are visible.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._earlier: weakref.WeakKeyDictionary[Layer, bool] = weakref.WeakKeyDictionary()

    def choices(self, layer: Layer | None) -> Mapping[str, Layer | None]:
        """Return what can be shown of the specimen of a layer, by its words: objects, phases, grey
        values, and what was shown before the first choice.
        """
        if layer is None:
            return {}
        own = self._own(layer)
        found: dict[str, Layer | None] = {}
        for kind in ("objects", "phases"):
            for one in own:
                if kind_of(one) == kind:
                    found[_words(one)] = one
        found[GRAY] = None
        if self._earlier:
            found[EARLIER] = None
        return found

    def show_made(self, layer: Layer, choice: str) -> None:
        """Show a layer that was just made, which nobody has seen before."""
        self._earlier.setdefault(layer, False)
        self.show(layer, choice)

    def show(self, layer: Layer, choice: str) -> Layer | None:
        """Show one of the :meth:`choices` of the specimen of a layer, and return the layer that is
        coloured now.
        """
        own = [one for one in self._own(layer) if kind_of(one) in _COLORED]
        if choice == EARLIER:
            for one in own:
                one.visible = self._earlier.get(one, one.visible)
            self._earlier.clear()
            return None
        for one in own:
            self._earlier.setdefault(one, one.visible)
        wanted = self.choices(layer).get(choice)
        with keeping_choice(self._viewer):
            for one in own:
                one.visible = one is wanted
            gray = [one for one in self._own(layer) if is_volume(one)]
            if gray and not any(one.visible for one in gray):
                gray[-1].visible = True
        return wanted

    def shown(self, layer: Layer | None) -> str:
        """Return the choice that the window shows now; empty where it shows several."""
        if layer is None:
            return ""
        colored = [one for one in self._own(layer) if kind_of(one) in _COLORED and one.visible]
        if not colored:
            return GRAY
        words = [words for words, one in self.choices(layer).items() if one in colored]
        return words[0] if len(words) == 1 and len(colored) == 1 else ""

    def _own(self, layer: Layer) -> list[Layer]:
        stem = stem_of(layer.name)
        return [one for one in self._viewer.layers if stem_of(one.name) == stem]


def _words(layer: Layer) -> str:
    """Return the name of a layer without its specimen: ``Sn objects`` of ``needle · Sn objects``."""
    return str(layer.name).partition(SEPARATOR)[2].strip() or str(layer.name)
