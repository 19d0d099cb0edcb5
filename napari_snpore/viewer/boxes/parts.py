"""Crops of layers to boxes, with the colors, the position and the history of the whole layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from napari.layers import Labels, Layer

from napari_snpore.compute import Progress, ShouldStop, check_stop, run_apart
from napari_snpore.errors import InputError
from napari_snpore.history import stored_history
from napari_snpore.subvolume import NamedBox, extract_subvolume
from napari_snpore.viewer.boxes.label_layers import phase_scheme
from napari_snpore.viewer.shared.layers import (
    KEY,
    SEPARATOR,
    LayerData,
    is_phases,
    phases_data,
    record_of,
    volume_data,
)
from napari_snpore.volume import Volume


@dataclass(frozen=True)
class Whole:
    """A layer that a box is cut out of.

    Parameters
    ----------
    layer : Layer
        Whose look its part gets.
    name : str
        Of the layer.
    volume : Volume or InputError
        Its voxels, or why there are none.
    """

    layer: Layer
    name: str
    volume: Volume | InputError


@dataclass(frozen=True)
class Parts:
    """What came of cutting: layer data, the different shapes in voxels, and a sentence for each
    layer that was left out.
    """

    layers: tuple[LayerData, ...]
    shapes: tuple[tuple[int, ...], ...]
    left_out: tuple[str, ...]

    def words(self, box: str) -> str:
        """Say what was cut and what was not."""
        count = len(self.layers)
        said = f"Cut '{box}' out of {count} {'layer' if count == 1 else 'layers'}"
        if len(self.shapes) == 1:
            said += f", {' × '.join(map(str, self.shapes[0]))} voxels"
        return f"{said}." + (f" Left out: {'; '.join(self.left_out)}" if self.left_out else "")


def cut_box(
    box: NamedBox, wholes: Sequence[Whole], progress: Progress, should_stop: ShouldStop
) -> Parts:
    """Cut a box out of layers; those that it leaves are left out.

    Raises
    ------
    InputError
        It can be cut out of none.
    """
    layers, shapes, left_out = [], [], []
    for k, whole in enumerate(wholes):
        check_stop(should_stop)
        try:
            if isinstance(whole.volume, InputError):
                raise whole.volume
            own = run_apart(partial(_part_of, whole.volume, box), should_stop)
        except InputError as error:
            left_out.append(f"'{whole.name}': {error}")
            continue
        layers.append(part_data(whole.layer, own, f"{box.name} box{SEPARATOR}{whole.name}"))
        shapes.append(own.shape)
        progress(k + 1, len(wholes))
    if not layers:
        raise InputError(f"'{box.name}' could not be cut out of {'; '.join(left_out)}")
    return Parts(tuple(layers), tuple(dict.fromkeys(shapes)), tuple(left_out))


def _part_of(volume: Volume, box: NamedBox) -> Volume:
    """Return the voxels of a box, which lazy data are read for."""
    part = extract_subvolume(volume, center_nm=box.center_nm, size_nm=box.size_nm)
    return Volume(np.array(part.data), part.spacing, part.origin, part.history)


def part_data(layer: Layer, part: Volume, name: str) -> LayerData:
    """Return the layer data of a part of a layer, in its colors; labels that are looked through
    make this work for a thread.
    """
    if not isinstance(layer, Labels):
        look = {
            "colormap": layer.colormap.name,
            "contrast_limits": tuple(layer.contrast_limits),
            "gamma": layer.gamma,
        }
        return volume_data(part, name, **look)
    if is_phases(layer):
        try:
            return phases_data(part, name, phase_scheme(layer))
        except InputError:
            pass  # no phases: labels in the colours that they have
    data, meta, _ = volume_data(part, name)
    own: dict[str, Any] = {**record_of(layer), **stored_history(part.history)}
    return (
        data,
        {**meta, "colormap": layer.colormap, "metadata": {**layer.metadata, KEY: own}},
        "labels",
    )
