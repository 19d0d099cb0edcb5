"""Conversion of images in time, drawn rectangles and outlines of the fibre to napari layers and
back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pint

from napari_snpore.errors import InputError, MissingScaleError
from napari_snpore.history import stored_history
from napari_snpore.in_situ import ImageSeries, Rectangle
from napari_snpore.in_situ.rectangle import directions
from napari_snpore.viewer.shared.layers import (
    FRAMES,
    KEY,
    OUTLINES,
    LayerData,
    add_layer,
    kind_of,
    record_of,
    steps_of,
)
from napari_snpore.viewer.shared.units import UNIT

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer, Shapes

DRAWN = "drawn"
FRAME_AXES = ("frame", "y", "x")
EDGE_COLOR = "#ff922b"
BOX_COLORS = ("#ff6b6b", "#51cf66", "#cc5de8", "#22b8cf", "#ff922b", "#94d82d")
VACUUM_COLOR = "#adb5bd"


def frames_data(series: ImageSeries, name: str, **options: Any) -> LayerData:
    """Return the layer data of images in time: axis 0 one pixel size a frame, true times in the
    metadata.
    """
    record: dict[str, Any] = {
        "kind": FRAMES,
        **stored_history(series.history),
        "pixel_size_nm": series.pixel_size_nm,
    }
    if series.times_s is not None:
        record["times_s"] = series.times_s.tolist()
    place = {"scale": (series.pixel_size_nm,) * 3, "units": (UNIT,) * 3, "axis_labels": FRAME_AXES}
    return series.images, {"name": name, **place, "metadata": {KEY: record}, **options}, "image"


def may_be_frames(layer: Layer) -> bool:
    """Return whether a layer can be chosen: any image but a preview; a missing pixel size is
    refused when it is measured.
    """
    from napari.layers import Image

    return isinstance(layer, Image) and kind_of(layer) in (None, "volume", "series", FRAMES)


def times_of(layer: Layer | None) -> list[float] | None:
    """Return the times in the record of a layer, None where it has none."""
    return record_of(layer).get("times_s")


def images_from_layer(layer: Layer, *, seconds: float | None = None) -> ImageSeries:
    """Return the images of a layer with their pixel size, and times from its record or from the
    seconds per frame.

    Raises
    ------
    InputError
        One image, a colour image, or something that is turned against the axes.
    MissingScaleError
        No pixel size in a unit of length.
    """
    if getattr(layer, "rgb", False):
        raise InputError(
            f"The layer '{layer.name}' is in colour; grey images (frame, y, x) are needed."
        )
    data = layer.data[0] if getattr(layer, "multiscale", False) else layer.data
    if data.ndim != 3:
        what = "is one image" if data.ndim == 2 else f"has shape {tuple(data.shape)}"
        raise InputError(
            f"The layer '{layer.name}' {what}; a series of images (frame, y, x) is needed."
        )
    height, width = (
        _length_nm(scale, unit, layer.name)
        for scale, unit in zip(layer.scale[1:], layer.units[1:], strict=True)
    )
    if abs(height - width) > 0.01 * min(height, width):
        raise InputError(
            f"The layer '{layer.name}' has pixels of {height:.4g} × {width:.4g} nm; square ones are needed."
        )
    times: Any = times_of(layer)
    if times is None and seconds:
        times = seconds * np.arange(len(data))
    return ImageSeries(data, width, times, steps_of(record_of(layer)))


def rectangles_in(shapes: Shapes, images: Layer, pixel_size_nm: float) -> list[Rectangle]:
    """Return the rectangles of a shapes layer as they lie on the images.

    Raises
    ------
    InputError
        Nothing is drawn, or another shape than rectangles.
    """
    other = next((kind for kind in shapes.shape_type if kind != "rectangle"), None)
    if other is not None:
        article = "an" if other[0] in "aeiou" else "a"
        raise InputError(
            f"The layer '{shapes.name}' holds {article} {other}; draw rectangles alone."
        )
    if not len(shapes.data):
        raise InputError(
            f"The layer '{shapes.name}' holds no rectangle yet; draw one on the images."
        )
    found = []
    for corners in shapes.data:
        world = [np.asarray(shapes.data_to_world(corner))[-2:] for corner in corners]
        still = np.zeros(images.ndim - 2)
        pixels = [np.asarray(images.world_to_data((*still, *place)))[-2:] for place in world]
        found.append(Rectangle.from_corners(np.array(pixels) * pixel_size_nm))
    return found


def drawing_data(images: Layer, name: str, color: str) -> LayerData:
    """Return the layer data of an empty shapes layer that lies on the images, for rectangles in all
    frames.
    """
    meta = {
        "name": name,
        **_flat_place(images),
        "metadata": {KEY: {"kind": DRAWN, "history": []}},
        "edge_color": color,
        "face_color": "transparent",
        "edge_width": max(images.data.shape[-2:]) / 200,
        "opacity": 1.0,
        "ndim": 2,
    }
    return None, meta, "shapes"


def fibre_outlines(
    table: pd.DataFrame, series: ImageSeries, region: Rectangle
) -> tuple[list[Any], pd.DataFrame]:
    """Return the outline of the fitted fibre in each frame, cut at the region, as polygons in px,
    and their rows of the table.
    """
    outlines, rows = [], []
    middle = (np.array(series.shape) - 1) / 2
    for index, row in enumerate(table.to_dict("records")):
        if not row["fitted"]:
            continue
        along, across = directions(row["angle_deg"])
        edges = [
            _within(
                region,
                middle * series.pixel_size_nm
                + (row["center_nm"] + side * row["diameter_nm"] / 2) * across,
                along,
            )
            for side in (-1, 1)
        ]
        corners = np.concatenate([edges[0], edges[1][::-1]]) / series.pixel_size_nm
        for frame in range(row["frame"], row["frame"] + row["frames_averaged"]):
            outlines.append(np.column_stack([np.full(4, frame), corners]))
            rows.append(index)
    return outlines, table.iloc[rows].reset_index(drop=True)


def box_outlines(
    boxes: Mapping[str, Rectangle], table: pd.DataFrame, pixel_size_nm: float
) -> tuple[list[Any], list[str]]:
    """Return each box in each frame where it was measured, as polygons in px, and their names."""
    outlines, names = [], []
    for row in table[table["inside"]].to_dict("records"):
        moved = boxes[row["box"]].moved(row["drift_y_nm"], row["drift_x_nm"])
        outlines.append(
            np.column_stack([np.full(4, row["frame"]), moved.corners_nm / pixel_size_nm])
        )
        names.append(row["box"])
    return outlines, names


def box_color(name: str) -> str:
    """Return the colour of a box, the same in the picture and in the plot; boxes are named by their
    number.
    """
    return BOX_COLORS[(int(name) - 1) % len(BOX_COLORS)]


def show_box_numbers(drawn: Shapes, vacuum: str) -> None:
    """Write its number into each drawn box, and give it its colour; that of the vacuum is grey."""
    names = [str(k) for k in range(1, len(drawn.data) + 1)]
    drawn.features = pd.DataFrame({"box": names})
    colors = [VACUUM_COLOR if name == vacuum else box_color(name) for name in names]
    if names:
        drawn.edge_color = colors
    drawn.text = numbers_text("{box}", colors)


def numbers_text(string: str, colors: Sequence[str]) -> dict[str, Any]:
    """Return text for a layer of outlines, each in its colour."""
    return {"string": string, "size": 12, "color": {"array": list(colors), "default": VACUUM_COLOR}}


def show_outlines(viewer: ViewerModel, images: Layer, made: LayerData) -> Layer:
    """Add a layer of outlines in place of the last one of this name; the images stay selected."""
    for old in [one for one in viewer.layers if one.name == made[1]["name"]]:
        viewer.layers.remove(old)
    shown = add_layer(viewer, made)
    viewer.layers.selection.active = images
    return shown


def outlines_data(
    images: Layer, outlines: Sequence[Any], features: pd.DataFrame, name: str, *, colors: Any
) -> LayerData:
    """Return the layer data of outlines that follow the frame slider."""
    place = {key: getattr(images, key) for key in ("scale", "translate", "units", "axis_labels")}
    meta = {
        "name": name,
        **place,
        "metadata": {KEY: {"kind": OUTLINES, "history": []}},
        "shape_type": "polygon",
        "edge_color": colors,
        "face_color": "transparent",
        "edge_width": max(images.data.shape[-2:])
        / 200,  # px: as thick on a large camera as on a small one
        "opacity": 1.0,
        "features": features,
        "ndim": 3,
    }
    return list(outlines) or None, meta, "shapes"


def _within(region: Rectangle, point: Any, along: Any) -> Any:
    """Return both ends of the part of a line that lies in a rectangle; the whole diagonal where it
    misses it.
    """
    axes = directions(region.angle_deg)
    start, stop = -np.hypot(*region.size_nm), np.hypot(*region.size_nm)
    shift = float((np.array(region.center_nm) - point) @ along)
    point = point + shift * along
    low, high = start, stop
    for axis, size in zip(axes, region.size_nm, strict=True):
        speed, place = float(along @ axis), float((point - np.array(region.center_nm)) @ axis)
        if abs(speed) > 1e-9:
            ends = sorted(((-size / 2 - place) / speed, (size / 2 - place) / speed))
            low, high = max(low, ends[0]), min(high, ends[1])
    low, high = (low, high) if low < high else (start, stop)
    return np.array([point + low * along, point + high * along])


def _flat_place(images: Layer) -> dict[str, Any]:
    return {
        key: tuple(getattr(images, key))[-2:]
        for key in ("scale", "translate", "units", "axis_labels")
    }


def _length_nm(scale: float, unit: Any, name: str) -> float:
    try:
        return float(
            pint.get_application_registry().Quantity(float(scale), unit).to(UNIT).magnitude
        )
    except pint.DimensionalityError:
        raise MissingScaleError(
            f"The layer '{name}' has no pixel size (unit {unit}); set its scale, and nm on y and x."
        ) from None
