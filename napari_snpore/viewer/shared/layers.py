"""Conversion of volumes, series, phases and objects to napari layers and back; no other module
makes layers.

Every layer has a scale, nm on **every** axis and axis labels. A tilt series has no length along its
first axis; it gets one pixel size there, because one axis in another unit would switch off nm for
the whole window. What a layer is, the steps that made it and, for a series, its true angles are
kept in ``layer.metadata[KEY]`` as JSON values.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_snpore.errors import InputError
from napari_snpore.files.surfaces import surface_of
from napari_snpore.gray_limits import level_limits
from napari_snpore.history import HistoryStep, parsed_history, stored_history
from napari_snpore.measurement.surface_mesh import SurfaceMesh
from napari_snpore.segmentation.phases import MOST_PHASES, PORE_C_SN, PhaseScheme, numbered_scheme
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.viewer.preferences import preferences
from napari_snpore.viewer.shared.units import UNIT, nm_factors
from napari_snpore.volume import Triple, Volume, writable

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

KEY = "napari_snpore"
"""Key of the plugin's record in the metadata of a layer."""

FRAMES, OUTLINES = "frames", "outlines"
"""Kinds of the layers of an in situ series: its images, and the fitted edges drawn over them."""

ENVELOPE_COLOR = "#e8590c"
DEAD_COLOR = "#d6336c"
VOLUME_AXES = ("z", "y", "x")
SERIES_AXES = ("tilt", "y", "x")
SEPARATOR = " · "

_TWO_PARTS = (".ome.tif", ".ome.tiff", ".ome.zarr", ".imagej.tif", ".imagej.tiff", ".nii.gz")
"""Suffixes of two parts, which are no part of a layer's name."""

LARGEST_WHOLE = 512**3
"""Voxels of the largest volume that is shown as it is. Of a larger one the coarser levels are shown,
where its file has them: napari takes the one that fills the canvas, and in 3D the coarsest."""

LayerData = tuple[Any, dict[str, Any], str]


def volume_data(
    volume: Volume, name: str, *, levels: Sequence[Any] = (), **options: Any
) -> LayerData:
    """Return the layer data of a grey volume; of a large one with its coarser levels, which are for
    display alone.
    """
    meta = {
        "name": name,
        **_place(volume.spacing, volume.origin),
        "metadata": _record("volume", volume.history),
    }
    data, shown = _with_levels(volume.data, levels)
    if shown:  # napari looks at the first plane of the coarsest level, often nothing but vacuum
        shown["contrast_limits"] = level_limits(levels[-1])
    return data, {**meta, **shown, **options}, "image"


def series_data(series: TiltSeries, name: str, **options: Any) -> LayerData:
    """Return the layer data of a tilt series: axis 0 one pixel size a tilt, true angles in the
    metadata.
    """
    record = _record(
        "series",
        series.history,
        angles_deg=series.angles_deg.tolist(),
        pixel_size_nm=series.pixel_size_nm,
        tilt_axis_angle_deg=series.tilt_axis_angle_deg,
    )
    meta = {
        "name": name,
        **_place((series.pixel_size_nm,) * 3, axes=SERIES_AXES),
        "metadata": record,
    }
    return series.images, {**meta, **options}, "image"


def phases_data(
    phases: Volume,
    name: str,
    scheme: PhaseScheme | None = None,
    *,
    levels: Sequence[Any] = (),
    **options: Any,
) -> LayerData:
    """Return the layer data of phase labels in the colours of their scheme, by default those that
    the user prefers for pore, C and Sn; label 0 (exterior) is transparent. Large ones with coarser
    levels are shown by these, and cannot be painted on.
    """
    scheme = preferences().scheme(len(PORE_C_SN.names)) if scheme is None else scheme
    record = _record(
        "phases", phases.history, phase_names=list(scheme.names), phase_colors=list(scheme.colors)
    )
    meta = {
        "name": name,
        **_place(phases.spacing, phases.origin),
        "metadata": record,
        "colormap": phase_colormap(scheme),
        "features": pd.DataFrame(
            {"index": range(len(scheme.names) + 1), "phase": ["exterior", *scheme.names]}
        ),
    }
    data, shown = _with_levels(writable(phases.data), levels)
    return data, {**meta, **shown, **options}, "labels"


def phases_like(layer: Layer, phases: Volume, name: str, scheme: PhaseScheme) -> LayerData:
    """Return the layer data of phases in the place of the layer that they were made from, which may
    have no length.
    """
    data, meta, kind = phases_data(phases, name, scheme)
    place = {key: getattr(layer, key) for key in ("scale", "translate", "units", "axis_labels")}
    return data, {**meta, **place}, kind


def objects_data(
    labels: Volume, table: pd.DataFrame, name: str, *, phase: str, **options: Any
) -> LayerData:
    """Return the layer data of labelled objects with their table as features.

    Parameters
    ----------
    labels : Volume
        Whole numbers 1..N without gaps, 0 is background.
    table : DataFrame
        One row per object, with a column ``label``, as ``measure_objects`` returns it.
    name, phase : str
        Of the layer, and of the phase whose objects these are.

    Raises
    ------
    InputError
        A table that does not name every label once.
    """
    meta = {
        "name": name,
        **_place(labels.spacing, labels.origin),
        "metadata": _record("objects", labels.history, phase=phase),
        "features": object_features(table),
    }
    # napari neither draws 32-bit labels nor paints any that may not be written to
    return writable(labels.data), {**meta, **options}, "labels"


def envelope_data(skin: Volume, name: str, **options: Any) -> LayerData:
    """Return the layer data of the skin of an envelope (bool): an outline in 2D, and a surface in
    3D.
    """
    from napari.utils.colormaps import DirectLabelColormap

    meta = {
        "name": name,
        **_place(skin.spacing, skin.origin),
        "metadata": _record("envelope", skin.history),
        "colormap": DirectLabelColormap(
            color_dict={0: "transparent", 1: ENVELOPE_COLOR, None: "transparent"}
        ),
        "opacity": 1.0,
    }
    return np.asarray(skin.data).view(np.uint8), {**meta, **options}, "labels"


def dead_data(mask: Volume, name: str) -> LayerData:
    """Return the layer data of dead pores (bool), in red."""
    from napari.utils.colormaps import DirectLabelColormap

    meta = {
        "name": name,
        **_place(mask.spacing, mask.origin),
        "metadata": _record("dead pores", mask.history),
        "colormap": DirectLabelColormap(
            color_dict={0: "transparent", 1: DEAD_COLOR, None: "transparent"}
        ),
    }
    return np.asarray(mask.data).view(np.uint8), meta, "labels"


def _with_levels(data: Any, levels: Sequence[Any]) -> tuple[Any, dict[str, Any]]:
    """Return what a layer shows of an array, and the option that says whether these are levels."""
    if not len(levels) or math.prod(data.shape) <= LARGEST_WHOLE:
        return data, {}
    return [data, *levels], {"multiscale": True}


def add_layer(viewer: ViewerModel, data: LayerData) -> Layer:
    """Make a layer of layer data and add it to the viewer; the first one switches on the scale
    bar.
    """
    from napari.layers import Layer

    layer = Layer.create(*data)
    visible = layer.visible
    # napari looks up what lies under the mouse when a layer is added; in 3D, before the mouse has
    # moved, that fails on labels
    layer.visible = visible and viewer.dims.ndisplay == 2
    viewer.add_layer(layer)
    if visible and not layer.visible:
        from napari_snpore.viewer.shared.events import breathe

        breathe(viewer)  # ortho slices mirror it when it is shown
    layer.visible = visible
    viewer.canvas.overlays.scale_bar.visible = True
    return layer


def select(viewer: ViewerModel, layer: Layer) -> None:
    """Select one layer alone, as a click on its row does; in 3D without napari's look-up, which
    fails as in ``add_layer``.
    """
    from napari.layers import Labels

    if viewer.dims.ndisplay == 2 or not layer.visible or not isinstance(layer, Labels):
        viewer.layers.selection.active = layer
        return
    with (
        layer.events.visible.blocker()
    ):  # hidden for the look-up alone, so other listeners are not called
        layer.visible = False
        viewer.layers.selection.active = layer
        layer.visible = True


def put_layer(viewer: ViewerModel, data: LayerData) -> Layer:
    """Add a layer, or give its data to the layer of this name, kind and type that is there: a
    result that was made again.
    """
    array, meta, type_name = data
    record = meta["metadata"][KEY]
    for layer in viewer.layers:
        if (
            layer.name == meta["name"]
            and kind_of(layer) == record["kind"]
            and type(layer).__name__.lower() == type_name
        ):
            if bool(getattr(layer, "multiscale", False)) != bool(meta.get("multiscale")):
                viewer.layers.remove(layer)  # napari does not give a layer levels, or take them
                break
            layer.data = array
            layer.metadata = {**layer.metadata, KEY: record}
            for key in ("scale", "translate", "units", "features", "colormap"):
                if key in meta:
                    setattr(layer, key, meta[key])
            return layer
    return add_layer(viewer, data)


def phase_colormap(scheme: PhaseScheme) -> Any:
    """Return the label colours of a scheme; everything that it does not name is transparent."""
    from napari.utils.colormaps import DirectLabelColormap

    colors: dict[int | None, str] = {None: "transparent", 0: "transparent"}
    colors.update(enumerate(scheme.colors, 1))
    return DirectLabelColormap(color_dict=colors)


def object_features(table: pd.DataFrame) -> pd.DataFrame:
    """Return the N + 1 feature rows that napari wants: row 0 is the background, ``index`` is the
    label.
    """
    count = len(table)
    if "label" not in table or sorted(table["label"]) != list(range(1, count + 1)):
        raise InputError(
            "The table of objects needs a column 'label' with the numbers 1 to N, each once."
        )
    rows = table.sort_values("label").reset_index(drop=True)
    columns: dict[str, Any] = {"index": np.arange(count + 1)}
    for name in rows:
        values = rows[name]
        first: Any = np.nan if values.dtype.kind == "f" else 0 if values.dtype.kind in "iub" else ""
        background = pd.Series(
            [first], dtype=values.dtype if values.dtype.kind in "iubf" else object
        )
        columns[str(name)] = pd.concat(
            [background, values.astype(background.dtype)], ignore_index=True
        )
    return pd.DataFrame(columns)


def object_table(features: pd.DataFrame) -> pd.DataFrame:
    """Return the table of objects behind feature rows: the background row and the ``index`` column
    left out.
    """
    return features.iloc[1:].drop(columns="index", errors="ignore").reset_index(drop=True)


def kind_of(layer: Layer | None) -> str | None:
    """Say what our record calls a layer: ``volume``, ``series``, ``phases``, ``objects``,
    ``envelope``, ``preview`` or None.
    """
    record = record_of(layer)
    return str(record["kind"]) if "kind" in record else None


def record_of(layer: Layer | None) -> Mapping[str, Any]:
    """Return our record in the metadata of a layer; empty where there is none."""
    found = getattr(layer, "metadata", {}).get(KEY, {})
    return found if isinstance(found, Mapping) else {}


def is_series(layer: Layer) -> bool:
    """Say whether a layer is a tilt series with its angles."""
    return kind_of(layer) == "series"


def is_volume(layer: Layer) -> bool:
    """Say whether a layer holds grey values of a volume: a 3D image that is not a series, a preview
    or in colour.
    """
    from napari.layers import Image

    return (
        isinstance(layer, Image)
        and layer.ndim == 3
        and not layer.rgb
        and kind_of(layer) in ("volume", None)
    )


def is_phases(layer: Layer) -> bool:
    """Say whether a layer can hold phases: 3D labels that are neither objects nor an envelope."""
    from napari.layers import Labels

    return isinstance(layer, Labels) and layer.ndim == 3 and kind_of(layer) in ("phases", None)


def array_from_layer(layer: Layer) -> Any:
    """Return the full-resolution array of a layer; never what is displayed."""
    if getattr(layer, "rgb", False):
        raise InputError(f"The layer '{layer.name}' is in colour; grey values are needed.")
    data = layer.data[0] if getattr(layer, "multiscale", False) else layer.data
    if getattr(data, "ndim", 0) != 3:
        raise InputError(
            f"The layer '{layer.name}' has shape {np.shape(data)}; three axes (z, y, x) are needed."
        )
    return data


def same_array(one: Layer, other: Layer) -> bool:
    """Return whether two layers show the same array; of levels, which napari wraps anew for each
    layer, the first ones count.
    """
    first, second = (
        layer.data[0] if getattr(layer, "multiscale", False) else layer.data
        for layer in (one, other)
    )
    return first is second


def refuse_turned(state: Any, name: str) -> None:
    """Refuse a layer, or the state of one, that is turned or sheared against the axes."""
    for what, still in (("rotate", np.eye(3)), ("shear", np.zeros(3)), ("affine", np.eye(4))):
        turned = state.get(what) if isinstance(state, Mapping) else getattr(state, what)
        turned = getattr(turned, "affine_matrix", turned)
        if (
            turned is not None
            and np.shape(turned) == still.shape
            and not np.allclose(turned, still)
        ):
            raise InputError(
                f"The layer '{name}' is turned or sheared ({what}); a volume along its axes is needed."
            )


def volume_from_layer(layer: Layer) -> Volume:
    """Return the volume behind an Image or Labels layer.

    Raises
    ------
    MissingScaleError
        The layer has no voxel size in a unit of length.
    InputError
        Not three axes, in colour, or turned and sheared against the axes.
    """
    return _volume(
        array_from_layer(layer), layer.scale, layer.translate, layer.units, layer, layer.name
    )


def volume_from_data(data: Any, meta: Mapping[str, Any]) -> Volume:
    """Return the volume behind the data and the state of a layer, as writers get them."""
    name = str(meta.get("name", "layer"))
    data = data[0] if meta.get("multiscale") else data
    if np.ndim(data) != 3 or meta.get("rgb"):
        raise InputError(
            f"The layer '{name}' has shape {np.shape(data)}; three grey axes (z, y, x) are needed."
        )
    return _volume(data, meta["scale"], meta["translate"], meta["units"], meta, name)


def surface_from_data(data: Any, meta: Mapping[str, Any]) -> SurfaceMesh:
    """Return the surface behind the data and the state of a surface layer, as writers get them, at
    its place in the world in nm.
    """
    name = str(meta.get("name", "layer"))
    vertices, faces = np.asarray(data[0], np.float64), np.asarray(data[1])
    if vertices.ndim != 2 or vertices.shape[1] != 3 or len(faces) == 0:
        raise InputError(
            f"The layer '{name}' has vertices of shape {vertices.shape} and {len(faces)} triangles; "
            "a surface along three axes (z, y, x) is needed."
        )
    refuse_turned(meta, name)
    places = (vertices * meta["scale"] + meta["translate"]) * nm_factors(meta["units"], name)
    return surface_of(places, faces)


def series_from_layer(layer: Layer) -> TiltSeries:
    """Return the tilt series behind a layer that holds one.

    Raises
    ------
    InputError
        The layer was not opened as a tilt series.
    """
    if not is_series(layer):
        raise InputError(
            f"The layer '{layer.name}' carries no tilt angles; open the series with napari-snpore."
        )
    return series_from_data(array_from_layer(layer), record_of(layer))


def series_from_data(images: Any, record: Mapping[str, Any]) -> TiltSeries:
    """Return the tilt series of some images and our record of it."""
    return TiltSeries(
        images,
        record["angles_deg"],
        record["pixel_size_nm"],
        record["tilt_axis_angle_deg"],
        steps_of(record),
    )


def scheme_of(layer: Layer) -> PhaseScheme:
    """Return names and colors of the phases of a labels layer; labels of unknown origin are
    numbered.

    At most ``MOST_PHASES`` phases: greater labels are objects, and one name per label would fill
    the memory where a label is large.
    """
    record = record_of(layer)
    if "phase_names" in record:
        return PhaseScheme(tuple(record["phase_names"]), tuple(record["phase_colors"]))
    count = min(label_range(layer)[1], MOST_PHASES)
    if count <= len(PORE_C_SN.names):
        return preferences().scheme(len(PORE_C_SN.names))
    return numbered_scheme(count)


_RANGES: weakref.WeakKeyDictionary[Layer, tuple[weakref.ref[Any], tuple[int, int]]] = (
    weakref.WeakKeyDictionary()
)


def label_range(layer: Layer) -> tuple[int, int]:
    """Return the lowest and the highest label; looked for once in an array, and again after it was
    painted on.
    """
    data = array_from_layer(layer)
    known = _RANGES.get(layer)
    if known is not None and known[0]() is data:
        return known[1]
    found = int(np.min(data)), int(np.max(data))
    try:
        _RANGES[layer] = (weakref.ref(data), found)
    except TypeError:  # an array that cannot be referred to weakly is counted each time
        return found
    for emitter in (layer.events.paint, layer.events.labels_update):
        emitter.connect(_count_again)
    return found


def _count_again(event: Any) -> None:
    _RANGES.pop(event.source, None)


def steps_of(record: Mapping[str, Any]) -> tuple[HistoryStep, ...]:
    """Return the history in a record."""
    return parsed_history(record, "This layer")


def stem_of(name: str) -> str:
    """Return the first part of a layer name: ``needle`` of ``needle · SIRT 50``."""
    return name.split(SEPARATOR, 1)[0].strip() or name


def name_from_path(path: str | Path) -> str:
    """Return the name of a layer that was read from a path."""
    name = Path(path).name
    for suffix in _TWO_PARTS:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return Path(path).stem


def _place(
    spacing: Sequence[float], origin: Sequence[float] = (0.0, 0.0, 0.0), axes: Any = VOLUME_AXES
) -> dict[str, Any]:
    return {
        "scale": tuple(spacing),
        "translate": tuple(origin),
        "units": (UNIT,) * 3,
        "axis_labels": tuple(axes),
    }


def _record(kind: str, history: Sequence[HistoryStep], **more: Any) -> dict[str, Any]:
    return {KEY: {"kind": kind, **stored_history(history), **more}}


def _volume(data: Any, scale: Any, translate: Any, units: Any, state: Any, name: str) -> Volume:
    refuse_turned(state, name)
    factors = nm_factors(units, name)
    spacing: Triple = tuple(float(s) * f for s, f in zip(scale, factors, strict=True))  # type: ignore[assignment]
    origin: Triple = tuple(float(t) * f for t, f in zip(translate, factors, strict=True))  # type: ignore[assignment]
    metadata = state.get("metadata", {}) if isinstance(state, Mapping) else state.metadata
    return Volume(data, spacing, origin, steps_of(metadata.get(KEY, {})))
