"""Images of Velox (``.emd``): one group per detector under ``Data/Image``, frames last, and JSON
metadata per frame.

The names of the groups are random, so that they order nothing: images are named after their
detectors and ordered by detector and time.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import h5py
import numpy as np

from napari_snpore.files.choice import detector_place, distinct
from napari_snpore.files.times import even_times
from napari_snpore.files.units import in_nm

_LARGEST_TEXT = 2**20
_MOST_FRAMES = 2000  # whose metadata are read: 60 kB each
_TILTED_DEG = 0.1
"""Frames whose stage moved less than this in all are not a tilt series."""

_INPUTS = {"StemInputOperation": "detector", "CameraInputOperation": "cameraName"}
_RESULT_PATHS = ("dataPath", "imageOutputPath", "unfilteredDataPath")


@dataclass(frozen=True, eq=False)
class VeloxImage:
    """One image or stack of frames of a Velox file.

    Parameters
    ----------
    name : str
        Detector, with what was computed from it where the image is derived.
    data : Dataset, shape (y, x, frame)
    is_derived : bool
        Whether it was computed from other images or from spectra.
    unfit : str
        Why it is no grey image, as words after "holds".
    pixel_nm : (float or None, float or None)
        Along y and x.
    angles_deg, times_s : list of float, optional
        Of the image or its frames.
    order : tuple
        Its place among the images of the file: by detector, the larger first, by time.
    identity : str
        Name of its group, which is random.
    """

    name: str
    data: h5py.Dataset
    is_derived: bool
    unfit: str
    pixel_nm: tuple[float | None, float | None]
    angles_deg: list[float] | None
    times_s: list[float] | None
    order: tuple[Any, ...]
    identity: str

    @property
    def kind(self) -> Literal["image", "tilt series", "images in time", "volume"]:
        """What it is by its metadata."""
        if self.data.ndim == 3 and self.data.shape[2] == 1:
            return "image"
        if self.angles_deg is not None:
            return "tilt series"
        return "volume" if self.times_s is None else "images in time"


def velox_images(file: h5py.File) -> list[VeloxImage]:
    """Return the images of a file, dark field before bright field before cameras, each by time."""
    images = file.get("Data/Image")
    if not isinstance(images, h5py.Group):
        return []
    operations = _operations(file)
    found = [
        _image(name, group, operations)
        for name, group in images.items()
        if isinstance(group, h5py.Group) and isinstance(group.get("Data"), h5py.Dataset)
    ]
    found.sort(key=lambda one: (one.is_derived, bool(one.unfit), *one.order, one.identity))
    # what only its random name tells apart keeps it, so that no series is made of it by chance
    places = [(one.name, one.unfit, one.order) for one in found]
    alike = Counter(places)
    found = [
        replace(one, name=f"{one.name} {one.identity}") if alike[place] > 1 else one
        for one, place in zip(found, places, strict=True)
    ]
    names = distinct(one.name for one in found)
    return [replace(one, name=name) for one, name in zip(found, names, strict=True)]


def _image(
    identity: str, group: h5py.Group, operations: Mapping[str, tuple[str, str]]
) -> VeloxImage:
    data = group["Data"]
    about = _metadata(group, 0)
    result = _part(about, "BinaryResult")
    operation, said = operations.get(identity, ("", ""))
    detector = str(result.get("Detector") or _detector(about) or said or "image")
    is_input = operation in _INPUTS
    if is_input and said:
        detector = said
    unit = str(result.get("PixelUnitX", ""))
    computed = operation.removesuffix("Operation") if operation and not is_input else ""
    # element maps have no detector index, and are floats
    mapped = not operation and "Detector" in result and "DetectorIndex" not in result
    derived = bool(computed) or (mapped and data.dtype.kind == "f") or unit.startswith("1/")
    size = _part(result, "PixelSize")
    started = _part(_part(about, "Acquisition"), "AcquisitionStartDatetime").get("DateTime", "")
    angles = _angles(group, data)
    return VeloxImage(
        f"{detector} {computed}".strip(),
        data,
        derived,
        _unfit(data),
        (in_nm(size.get("height"), unit), in_nm(size.get("width"), unit)),
        angles,
        None if angles is not None else _times(about, data),
        (detector_place(detector), detector, -math.prod(data.shape[:2]), str(started).zfill(20)),
        identity,
    )


def _unfit(data: h5py.Dataset) -> str:
    if data.dtype.kind not in "biuf":
        return "complex values"
    return "" if data.ndim == 3 else f"an array of {data.ndim} axes"


def _operations(file: h5py.File) -> dict[str, tuple[str, str]]:
    """Return the operation behind each image by its group name, and the detector that it names."""
    found: dict[str, tuple[str, str]] = {}
    parent = file.get("Operations")
    for kind, group in parent.items() if isinstance(parent, h5py.Group) else ():
        for item in group.values() if isinstance(group, h5py.Group) else ():
            about = _json(item)
            for key in _RESULT_PATHS:
                identity = str(about.get(key, "")).rpartition("/")[2]
                if identity:
                    found[identity] = (kind, str(about.get(_INPUTS.get(kind, ""), "")))
    return found


def _json(item: Any) -> dict[str, Any]:
    """Return a small data set of text as JSON, empty where it is none."""
    if not isinstance(item, h5py.Dataset) or item.size != 1:
        return {}
    value = np.asarray(item[()]).reshape(-1)[0]
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return _loaded(text) if len(text) <= _LARGEST_TEXT else {}


def _metadata(group: h5py.Group, frame: int) -> dict[str, Any]:
    stored = group.get("Metadata")
    if not isinstance(stored, h5py.Dataset) or stored.ndim not in (1, 2) or not stored.shape[0]:
        return {}
    if stored.shape[0] > _LARGEST_TEXT or (stored.ndim == 2 and frame >= stored.shape[1]):
        return {}
    column = stored[:, frame] if stored.ndim == 2 else stored[()]
    return _loaded(column.astype(np.uint8).tobytes().split(b"\0")[0])


def _loaded(text: str | bytes) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _part(about: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = about.get(name)
    return part if isinstance(part, dict) else {}


def _detector(about: Mapping[str, Any]) -> str:
    index = _part(about, "BinaryResult").get("DetectorIndex")
    return str(_part(_part(about, "Detectors"), f"Detector-{index}").get("DetectorName", ""))


def _angles(group: h5py.Group, data: h5py.Dataset) -> list[float] | None:
    """Return the stage's alpha (degrees) of a single image, or of each frame where it was tilted
    between them.
    """
    count = data.shape[-1] if data.ndim == 3 else 0
    if not 0 < count <= _MOST_FRAMES:
        return None
    angles = []
    for frame in range(count):
        try:
            alpha = float(_part(_metadata(group, frame), "Stage").get("AlphaTilt"))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return None
        if not np.isfinite(alpha):
            return None
        angles.append(float(np.degrees(alpha)))
    return angles if count == 1 or np.ptp(angles) > _TILTED_DEG else None


def _times(about: Mapping[str, Any], data: h5py.Dataset) -> list[float] | None:
    """Return the times of frames from the time that the scan needs for one."""
    count = data.shape[-1] if data.ndim == 3 else 1
    step = _part(about, "Scan").get("FrameTime")
    return None if count < 2 or step is None else even_times(step, "s", count)
