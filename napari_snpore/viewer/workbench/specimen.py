"""Layers of one specimen, and those of them that a step takes as its input.

They share the first part of their name (``needle`` of ``needle · SIRT 50``); a box that was cut out
is a specimen of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from napari.layers import Layer

from napari_snpore.viewer.shared.layer_history import has_step, path
from napari_snpore.viewer.shared.layers import is_phases, is_series, is_volume, kind_of, stem_of

EditedSince = Callable[[Layer, Layer], bool]
"""``edited_since(source, result)``: whether a layer's voxels were changed by hand after a result
was made of them.
"""


@dataclass(frozen=True)
class Specimen:
    """The layers of one specimen by what they are, and everything else that is in the window."""

    layers: tuple[Layer, ...]
    window: tuple[Layer, ...]
    active: Layer | None
    edited_since: EditedSince

    def of(self, fits: Callable[[Layer], bool]) -> list[Layer]:
        """Return its layers that fit, in their order."""
        return [layer for layer in self.layers if fits(layer)]

    def chosen(self, found: Sequence[Layer]) -> Layer | None:
        """Return the one that is selected, else the newest."""
        if self.active is not None and self.active in found:
            return self.active
        return found[-1] if found else None

    @property
    def all_series(self) -> list[Layer]:
        """Tilt series; the one as it was opened comes last, after those that were prepared or
        aligned.
        """
        return sorted(self.of(is_series), key=lambda layer: -len(path(layer)))

    @property
    def volumes(self) -> list[Layer]:
        """Grey volumes."""
        return self.of(is_volume)

    @property
    def all_phases(self) -> list[Layer]:
        """Phases; those that a phantom was planted with come first, for they are the last to be
        worked on.
        """
        return sorted(self.of(is_phases), key=lambda layer: not has_step(layer, "planted phases"))

    @property
    def series(self) -> Layer | None:
        """The tilt series to work on."""
        return self.chosen(self.all_series)

    @property
    def volume(self) -> Layer | None:
        """The volume to work on."""
        return self.chosen(self.volumes)

    @property
    def phases(self) -> Layer | None:
        """The phases to work on."""
        return self.chosen(self.all_phases)


def specimens_of(layers: Iterable[Layer]) -> list[str]:
    """Return the first part of the names of all layers that a step works on, in their order, each
    once.
    """
    return list(dict.fromkeys(stem_of(layer.name) for layer in layers if _is_worked_on(layer)))


def _is_worked_on(layer: Layer) -> bool:
    return is_series(layer) or is_volume(layer) or is_phases(layer) or kind_of(layer) == "objects"
