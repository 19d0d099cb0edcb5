"""HDF5 files of electron microscopy: EMD (Berkeley layout, EMD 1.0, Prismatic, and Velox images)
and HyperSpy's HSPY.

One image or stack is taken of those in a file, by name or by what is wanted. A large stack is read
lazily; its file stays open as long as the array exists.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import FileFormatError
from napari_snpore.files.axes import Axis, order_of, parsed_array, why_no_images
from napari_snpore.files.choice import Candidate, Wanted, chosen, detector_place
from napari_snpore.files.parsed_file import ParsedFile
from napari_snpore.files.velox import VeloxImage, velox_images

_LAZY_BYTES = 2**28
_SMALL_BYTES, _LARGEST_RATIO = 2**25, 10
_MOST_LABELS = 1000


def read_hdf(path: Path, *, image: str | None = None, wanted: Wanted | None = None) -> ParsedFile:
    """Return one image or stack of an EMD or HSPY file, lazy where it is large.

    Parameters
    ----------
    path : Path
    image : str, optional
        Name of the detector (Velox), data set (EMD) or signal (HSPY).
    wanted : str, optional
        What the caller needs, where no name is given.
    """
    layouts: tuple[tuple[Callable[[h5py.File, Path], list[Candidate]], bool], ...] = (
        (_hspy, False),
        (_berkeley, False),
        (_velox, True),
    )
    try:
        with ExitStack() as closing:
            file = closing.enter_context(h5py.File(path, "r"))
            for layout, channels in layouts:
                candidates = layout(file, path)
                if not candidates:
                    continue
                parsed = chosen(path, candidates, image=image, wanted=wanted, channels=channels)
                if not isinstance(parsed.data, np.ndarray):
                    closing.pop_all()  # lazy data need their file; h5py closes it with the last of them
                return parsed
    except OSError as error:
        raise FileFormatError(f"{path} is not a readable HDF5 file.") from error
    raise FileFormatError(
        f"{path} holds no image stack in a layout of EMD (Berkeley, Velox) or HSPY."
    )


def _hspy(file: h5py.File, path: Path) -> list[Candidate]:
    experiments = file.get("Experiments")
    if not isinstance(experiments, h5py.Group):
        return []
    found = []
    for rank, (name, experiment) in enumerate(_groups(experiments)):
        data = experiment.get("data")
        if not isinstance(data, h5py.Dataset):
            continue
        axes = _hspy_axes(experiment, data.ndim)
        unfit = _unfit(data, axes) or _spectra(experiment, axes) or _formula(experiment, axes)
        read = partial(_read_hspy, data, experiment, axes, path)
        found.append(Candidate(name, _kind(axes), read, _rank(name, rank), unfit))
    return found


def _read_hspy(
    data: h5py.Dataset, experiment: h5py.Group, axes: list[Axis], path: Path
) -> ParsedFile:
    tilts = _tilts_of(experiment, data.shape[order_of(axes)[0]])
    return parsed_array(_array(data, image_axis=order_of(axes)[0]), axes, path, angles_deg=tilts)


def _hspy_axes(experiment: h5py.Group, count: int) -> list[Axis]:
    """Return one axis per dimension; a step is never 1 by default, and uneven axes list their
    positions.
    """
    axes = []
    for number in range(count):
        group = experiment.get(f"axis-{number}")
        if not isinstance(group, h5py.Group):
            axes.append(Axis())
            continue
        about = group.attrs
        listed = group.get("axis")
        even = not isinstance(listed, h5py.Dataset)
        axes.append(
            Axis(
                _text(about.get("name")),
                _text(about.get("units")),
                _number(about.get("scale")) if even else None,
                _number(about.get("offset")) or 0.0,
                None if even else _numbers(listed),
            )
        )
    return axes


def _spectra(experiment: h5py.Group, axes: list[Axis]) -> str:
    """Return "spectra" where HyperSpy treats one axis alone as the signal and it is no x, y or
    z.
    """
    named = [number for number, axis in enumerate(axes) if axis.role in ("x", "y", "z")]
    signal = []
    for number in range(len(axes)):
        navigate = (
            experiment[f"axis-{number}"].attrs.get("navigate")
            if f"axis-{number}" in experiment
            else None
        )
        if navigate is not None and not bool(navigate):
            signal.append(number)
    by_record = "spectrum" in (
        _text(experiment[place].attrs.get("record_by"))
        for place in ("mapped_parameters", "metadata/Signal")
        if place in experiment
    )
    alone = len(signal) == 1 and signal[0] not in named
    return "spectra" if len(axes) > 1 and (alone or (by_record and len(signal) != 2)) else ""


def _formula(experiment: h5py.Group, axes: list[Axis]) -> str:
    """Return words where a length is given by a formula: its steps are uneven, and nothing in a
    file is evaluated.
    """
    for number, axis in enumerate(axes):
        group = experiment.get(f"axis-{number}")
        kind = "" if group is None else _text(group.attrs.get("_type"))
        if kind == "FunctionalDataAxis" and axis.role not in ("tilt", "time"):
            return "an axis of uneven steps, given by a formula"
    return ""


def _tilts_of(experiment: h5py.Group, count: int) -> list[float] | None:
    """Return the angles (degrees) that ETSpy and HyperSpy keep in the metadata, if there is one per
    image.
    """
    for place in (
        "metadata/Tomography/tilts/data",
        "metadata/Tomography/_sig_tilts/data",
        "metadata/Tomography/tilts",
    ):
        values = experiment.get(place)
        if isinstance(values, h5py.Dataset) and values.size == count and values.dtype.kind in "iuf":
            return [float(value) for value in np.asarray(values[()], np.float64).reshape(-1)]
    return None


def _berkeley(file: h5py.File, path: Path) -> list[Candidate]:
    """Find the groups of Berkeley EMD: ``emd_group_type``, one data set, and ``dim1..n`` (``dim0..``
    in EMD 1.0); the slowest axis comes first.

    The data set is called ``data``, in Prismatic's files ``realslice`` and the like.
    """
    groups: list[h5py.Group] = []
    file.visititems(
        lambda name, item: (
            groups.append(item)
            if isinstance(item, h5py.Group) and "emd_group_type" in item.attrs
            else None
        )
    )
    found: list[Candidate] = []
    for group in groups:
        data = _data_of(group)
        if data is None:
            continue
        name = group.name.strip("/") or "data"
        axes, labels = _berkeley_axes(group, data)
        labelled = [number for number, words in enumerate(labels) if words]
        rank = len(found)
        if len(labelled) == 1 and data.dtype.kind in "biuf" and data.ndim in (3, 4):
            place = labelled[0]
            rest = [axis for number, axis in enumerate(axes) if number != place]
            unfit = why_no_images(rest) or ""
            for number, label in enumerate(labels[place]):
                read = partial(_read_channel, data, place, number, rest, path)
                channel = f"{name}: {label}"
                order = _rank(label, rank + number)
                found.append(Candidate(channel, _kind(rest), read, order, unfit))
            continue
        read = partial(_read_berkeley, data, axes, path)
        found.append(Candidate(name, _kind(axes), read, _rank(name, rank), _unfit(data, axes)))
    return found


def _data_of(group: h5py.Group) -> h5py.Dataset | None:
    """Return the data set of a group: ``data``, or the only one beside the dimensions of a group
    that is marked as an array.
    """
    data = group.get("data")
    if isinstance(data, h5py.Dataset):
        return data
    if _text(group.attrs["emd_group_type"]) not in ("1", "array"):
        return None
    others = [
        item
        for name, item in group.items()
        if isinstance(item, h5py.Dataset) and not name.startswith("dim") and item.ndim > 1
    ]
    return others[0] if len(others) == 1 else None


def _read_berkeley(data: h5py.Dataset, axes: list[Axis], path: Path) -> ParsedFile:
    return parsed_array(_array(data, image_axis=order_of(axes)[0]), axes, path)


def _read_channel(
    data: h5py.Dataset, place: int, number: int, axes: list[Axis], path: Path
) -> ParsedFile:
    whole = _array(data, image_axis=place)
    return parsed_array(whole[(slice(None),) * place + (number,)], axes, path)


def _berkeley_axes(group: h5py.Group, data: h5py.Dataset) -> tuple[list[Axis], list[list[str]]]:
    """Return the axes, and for each the names of its entries where they are words, as of channels."""
    first = 0 if "dim0" in group else 1
    axes: list[Axis] = []
    labels: list[list[str]] = []
    for number, count in enumerate(data.shape):
        dimension = group.get(f"dim{number + first}")
        label = _text(data.dims[number].label)
        if not isinstance(dimension, h5py.Dataset):
            axes.append(Axis(label))
            labels.append([])
            continue
        unit = _text(dimension.attrs.get("units")).replace("_", "").replace("n m", "nm")
        name = _text(dimension.attrs.get("name")) or label
        words = (
            dimension.dtype.kind in "SOU" and dimension.shape == (count,) and count <= _MOST_LABELS
        )
        axes.append(Axis(name, unit, positions=_numbers(dimension)))
        labels.append([_text(word) for word in dimension[()]] if words else [])
    return axes, labels


def _velox(file: h5py.File, path: Path) -> list[Candidate]:
    return [
        Candidate(
            one.name,
            one.kind,
            partial(_read_velox, one),
            rank,
            one.unfit,
            is_derived=one.is_derived,
        )
        for rank, one in enumerate(velox_images(file))
    ]


def _read_velox(one: VeloxImage) -> ParsedFile:
    data = np.moveaxis(_array(one.data, image_axis=-1), -1, 0)
    data = data[0] if len(data) == 1 else data
    return ParsedFile(
        data,
        (None, *one.pixel_nm),
        angles_deg=one.angles_deg,
        times_s=one.times_s,
        first_axis_is_time=one.times_s is not None,
    )


def _rank(name: str, number: int) -> int:
    """Return the rank of a candidate by its name as a detector, then by its place in the file."""
    return detector_place(name) * _MOST_LABELS + min(number, _MOST_LABELS - 1)


def _kind(axes: Sequence[Axis]) -> Wanted:
    if len(axes) < 3:
        return "image"
    role = axes[order_of(axes)[0]].role
    return "tilt series" if role == "tilt" else "images in time" if role == "time" else "volume"


def _unfit(data: h5py.Dataset, axes: Sequence[Axis]) -> str:
    if data.dtype.kind not in "biuf":
        return "complex or colour values" if data.dtype.kind in "cV" else "no numbers"
    return why_no_images(axes) or ""


def _array(dataset: h5py.Dataset, *, image_axis: int = 0) -> Any:
    """Return the values of a data set, lazily and in whole images where it is large, or much larger
    than what the file holds of it: chunks that are not stored cost memory all the same.
    """
    stored = int(dataset.id.get_storage_size())
    if dataset.nbytes <= min(_LAZY_BYTES, _SMALL_BYTES + _LARGEST_RATIO * stored):
        return dataset[()]
    # imported here: a second that only large files need
    import dask.array as da

    chunks: list[int | str] = ["auto"] * dataset.ndim
    if dataset.ndim > 2:
        chunks[image_axis] = dataset.chunks[image_axis] if dataset.chunks else 1
    return da.from_array(dataset, chunks=tuple(chunks))


def _groups(parent: h5py.Group) -> list[tuple[str, h5py.Group]]:
    return [(name, item) for name, item in parent.items() if isinstance(item, h5py.Group)]


def _numbers(dataset: h5py.Dataset) -> NDArray[np.float64] | None:
    """Return the values of a short data set of numbers; None for another."""
    if dataset.dtype.kind not in "iuf" or dataset.size > 2**20:
        return None
    return np.asarray(dataset[()], np.float64).reshape(-1)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(-1)[0]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)
