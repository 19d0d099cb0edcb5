"""Layers of a plate: which can be read, what is left out without the others, and whether they are
of one specimen.
"""

from __future__ import annotations

from collections.abc import Sequence

from napari.layers import Layer

from napari_snpore.errors import InputError
from napari_snpore.figures.plate_spec import PARTS
from napari_snpore.viewer.shared.layers import stem_of, volume_from_layer

OF_VOLUME = ("scene", "grey", "gray_values")
OF_PHASES = ("phases", "fractions", "pair")
OF_OBJECTS = ("histograms",)
_BOXES = "boxes"
"""Of the volume, of the phases, or of both."""


class Sources:
    """The chosen layers of a plate.

    Parameters
    ----------
    parts : sequence of str
        Keys of :data:`~napari_snpore.figures.plate_spec.PARTS` that are wanted.
    volume, phases, objects : Layer, optional
        The chosen ones.
    oblique_of : Layer, optional
        That of the oblique slice.

    Attributes
    ----------
    parts : tuple of str
        Those that can be drawn.
    volume, phases, objects : Layer or None
        None also for one that cannot be read, such as a volume without voxel size.
    left_out : tuple of str
        A sentence for every layer whose parts are left out.
    """

    def __init__(
        self,
        parts: Sequence[str],
        volume: Layer | None,
        phases: Layer | None,
        objects: Layer | None,
        oblique_of: Layer | None,
    ) -> None:
        self.parts = tuple(parts)
        self.left_out: tuple[str, ...] = ()
        self.volume = self._readable(volume, OF_VOLUME, "grey")
        self.phases = self._readable(phases, OF_PHASES, "phases")
        self.objects = self._readable(objects, OF_OBJECTS)
        self._readable(oblique_of, ("oblique",))
        if self.volume is None and self.phases is None:
            self.parts = tuple(part for part in self.parts if part != _BOXES)

    def mixed(self) -> str:
        """Return a sentence where what is drawn belongs to different specimens, by the names of the
        layers; else nothing.
        """
        chosen = (
            ("volume", self.volume, (*OF_VOLUME, _BOXES)),
            ("phases", self.phases, (*OF_PHASES, _BOXES)),
            ("objects", self.objects, OF_OBJECTS),
        )
        drawn = {
            what: layer.name
            for what, layer, its_parts in chosen
            if layer is not None and any(part in its_parts for part in self.parts)
        }
        if len({stem_of(name) for name in drawn.values()}) < 2:
            return ""
        named = ", ".join(f"{what} '{name}'" for what, name in drawn.items())
        return f"Different specimens side by side: {named}."

    def _readable(
        self, layer: Layer | None, its_parts: Sequence[str], in_boxes: str = ""
    ) -> Layer | None:
        """Return a layer that can be read; without it its parts are left out by name."""
        if layer is None:
            return None
        try:
            volume_from_layer(layer)
        except InputError as error:
            lost = [PARTS[part] for part in self.parts if part in its_parts]
            if in_boxes and _BOXES in self.parts:
                lost.append(f"{PARTS[_BOXES]}, {in_boxes}")
            if lost:
                self.left_out += (f"Left out: {'; '.join(lost)}. {error}",)
            self.parts = tuple(part for part in self.parts if part not in its_parts)
            return None
        return layer
