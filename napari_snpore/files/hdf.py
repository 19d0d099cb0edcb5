"""HDF5 files of electron microscopy: EMD (Berkeley layout, and Velox images) and HyperSpy's HSPY.

A large stack is read lazily; its file stays open as long as the array exists.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import FileFormatError
from napari_snpore.files.parsed_file import ParsedFile
from napari_snpore.files.times import checked_times, even_times, seconds_per
from napari_snpore.files.units import in_nm, is_degree, is_radian

_LAZY_BYTES = 2**28


def read_hdf(path: Path) -> ParsedFile:
    """Return the first image stack of an EMD or HSPY file, lazy where it is large."""
    try:
        with ExitStack() as closing:
            file = closing.enter_context(h5py.File(path, "r"))
            for read in (_hspy, _emd, _velox):
                parsed = read(file)
                if parsed is not None:
                    if not isinstance(parsed.data, np.ndarray):
                        closing.pop_all()  # lazy data need their file; h5py closes it with the last of them
                    return parsed
    except OSError as error:
        raise FileFormatError(f"{path} is not a readable HDF5 file.") from error
    raise FileFormatError(
        f"{path} holds no image stack in a layout of EMD (Berkeley, Velox) or HSPY."
    )


def _hspy(file: h5py.File) -> ParsedFile | None:
    if "Experiments" not in file:
        return None
    for experiment in file["Experiments"].values():
        if "data" not in experiment:
            continue
        data = _array(experiment["data"])
        axes = [experiment[name].attrs for name in sorted(experiment) if name.startswith("axis-")]
        calibrations = [
            (axis.get("scale", 1.0), _text(axis.get("units")), axis.get("offset", 0.0))
            for axis in axes
        ]
        return _parsed(data, calibrations, _tilts_of(experiment, len(data)))
    return None


def _tilts_of(experiment: h5py.Group, count: int) -> list[float] | None:
    """Return the angles (degrees) that ETSpy and HyperSpy keep in the metadata, if there is one per
    image.
    """
    for place in (
        "metadata/Tomography/tilts/data",
        "metadata/Tomography/_sig_tilts/data",
        "metadata/Tomography/tilts",
    ):
        if place in experiment and isinstance(experiment[place], h5py.Dataset):
            values = np.asarray(experiment[place][()], np.float64).reshape(-1)
            if len(values) == count:
                return [float(value) for value in values]
    return None


def _emd(file: h5py.File) -> ParsedFile | None:
    """Parse Berkeley EMD: a group with ``emd_group_type``, ``data`` and ``dim1..n``; the slowest
    axis comes first.

    A dimension holds one value per entry, or the first two of even steps.
    """
    groups: list[h5py.Group] = []
    file.visititems(
        lambda name, item: (
            groups.append(item) if "emd_group_type" in item.attrs and "data" in item else None
        )
    )
    for group in groups:
        data = _array(group["data"])
        if data.ndim not in (2, 3):
            continue
        calibrations = []
        angles = times = None
        for axis in range(data.ndim):
            values, unit = _dimension(group, axis + 1)
            calibrates = len(values) == 2 and len(data) != 2
            factor = seconds_per(unit)
            if axis == 0 and data.ndim == 3 and not calibrates:
                if _angular(unit):
                    angles = (np.degrees(values) if is_radian(unit) else values).tolist()
                elif factor is not None:
                    times = checked_times(factor * values, len(data))
            step = (
                (values[1] - values[0], unit, values[0]) if len(values) > 1 else (None, unit, 0.0)
            )
            calibrations.append(step)
        return _parsed(data, calibrations, angles, times)
    return None


def _dimension(group: h5py.Group, number: int) -> tuple[NDArray[np.float64], str]:
    name = f"dim{number}"
    if name not in group:
        return np.empty(0), ""
    unit = _text(group[name].attrs.get("units")).replace("_", "").replace("n m", "nm")
    return np.asarray(group[name][()], np.float64).reshape(-1), unit


def _velox(file: h5py.File) -> ParsedFile | None:
    """Parse Velox EMD: ``Data/Image/<id>/Data`` with frames last, and JSON metadata."""
    images = file.get("Data/Image")
    if images is None:
        return None
    for image in images.values():
        if "Data" not in image:
            continue
        data = np.moveaxis(_array(image["Data"], image_axis=-1), -1, 0)
        data = data[0] if len(data) == 1 else data
        about = _velox_metadata(image)
        size = about.get("BinaryResult", {}).get("PixelSize", {})
        unit = about.get("BinaryResult", {}).get("PixelUnitX", "")
        y, x = in_nm(size.get("height"), unit), in_nm(size.get("width"), unit)
        alpha = about.get("Stage", {}).get("AlphaTilt")
        angles = [float(np.degrees(float(alpha)))] if alpha is not None and data.ndim == 2 else None
        return ParsedFile(data, (None, y, x), angles_deg=angles)
    return None


def _velox_metadata(image: h5py.Group) -> dict[str, Any]:
    if "Metadata" not in image:
        return {}
    raw = np.asarray(image["Metadata"][()])
    column = raw[:, 0] if raw.ndim == 2 else raw
    try:
        content = json.loads(column.astype(np.uint8).tobytes().split(b"\0")[0])
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _array(dataset: h5py.Dataset, *, image_axis: int = 0) -> Any:
    """Return the values of a data set, lazily and in whole images where it is large."""
    if dataset.nbytes <= _LAZY_BYTES:
        return dataset[()]
    # imported here: a second that only large files need
    import dask.array as da

    chunks: list[int | str] = ["auto"] * dataset.ndim
    if dataset.ndim > 2:
        chunks[image_axis] = dataset.chunks[image_axis] if dataset.chunks else 1
    return da.from_array(dataset, chunks=tuple(chunks))


def _parsed(
    data: Any,
    calibrations: list[tuple[Any, str, Any]],
    angles: list[float] | None,
    times: list[float] | None = None,
) -> ParsedFile:
    """Return the parsed file from (scale, unit, offset) per axis; angles and times from the first
    axis if not given.
    """
    if data.ndim == 3 and calibrations:
        scale, unit, offset = calibrations[0]
        if angles is None and _angular(unit):
            steps = float(offset) + float(scale) * np.arange(len(data))
            angles = [float(step) for step in (np.degrees(steps) if is_radian(unit) else steps)]
        if times is None:
            times = even_times(scale, unit, len(data))
    sizes = [in_nm(scale, unit) for scale, unit, _ in calibrations]
    z, y, x = [None] * (3 - len(sizes)) + sizes if len(sizes) <= 3 else [None] * 3
    return ParsedFile(
        data, (z, y, x), angles_deg=angles, times_s=times, first_axis_is_time=times is not None
    )


def _angular(unit: str) -> bool:
    return is_degree(unit) or is_radian(unit)


def _text(value: Any) -> str:
    return (
        value.decode("utf-8", "replace")
        if isinstance(value, bytes)
        else ""
        if value is None
        else str(value)
    )
