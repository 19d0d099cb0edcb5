"""OME-Zarr (NGFF to 0.5): lazy reading of the full resolution, and of coarser levels for display."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from napari_snpore.errors import FileFormatError
from napari_snpore.files.choice import Candidate, Wanted, check_only_image, chosen
from napari_snpore.files.ome_zarr_metadata import (
    ZarrAxis,
    ZarrImage,
    find_images,
    holds_image,
    image_axes,
    xml_sizes,
)
from napari_snpore.files.ome_zarr_writer import OWN
from napari_snpore.files.parsed_file import ParsedFile
from napari_snpore.files.times import even_times
from napari_snpore.files.units import Sizes, in_nm, real_sizes
from napari_snpore.files.zarr_chunks import (
    CheckedArray,
    chunk_files_there,
    file_count,
    files_there,
    task_shape,
)
from napari_snpore.history import parsed_history

_MANY_CHUNKS, _LARGEST_SHARE_LEFT_OUT = 100_000, 1000
"""Of many chunks, one in so many has to be there: each is an entry in memory, there or not."""


def read_ome_zarr(
    path: Path, *, image: str | None = None, wanted: Wanted | None = None
) -> ParsedFile:
    """Return the full-resolution image as a lazy array, with its scale if the axes have a unit.

    Axes are put in the order (z, y, x), or (t, y, x) where the image has no z.

    Parameters
    ----------
    path : Path
        The folder, or the group of one image in it, such as ``a.zarr/1``.
    image : str, optional
        Which image of a folder that holds several (``bioformats2raw.layout``), by its group.
    wanted : str, optional
        What the caller needs, where no name is given: stacks are taken before single images.

    Raises
    ------
    InputError
        The folder has no image of that name.
    FileFormatError
        The folder is no OME-Zarr image, is damaged, or holds several channels or times.
    """
    # imported here: half a second and more that only this format needs
    import zarr

    try:
        root = zarr.open_group(path, mode="r")
    except Exception as error:  # zarr raises many kinds for a folder that is not its own
        raise FileFormatError(f"{path} is not a Zarr group that can be read.") from error
    own: Any = dict(root.attrs).get(OWN, {})
    own = own if isinstance(own, Mapping) else {}
    found = find_images(root, path)
    if len(found) == 1 and not found[0].name:
        check_only_image(path, image)
        return _parsed(found[0], path, own)
    candidates = [
        Candidate(one.name, _kind(one), partial(_parsed, one, path, own), number)
        for number, one in enumerate(found)
    ]
    return chosen(path, candidates, image=image, wanted=wanted)


def _parsed(image: ZarrImage, path: Path, own: Mapping[str, Any]) -> ParsedFile:
    """Return one image of an open folder; ``own`` is what this package stored beside it."""
    level = image.about["datasets"][0]["path"]
    try:
        stored: Any = image.group[level]
        len(stored.chunks)
    except Exception as error:  # zarr raises many kinds
        raise FileFormatError(
            f"{path} names the array {level}, which is not there or cannot be read."
        ) from error
    every = bool(own.get("every_chunk_written"))
    missing = _check_chunks(stored, path, every=every)
    axes = image_axes(image, stored, path)
    order = _order(axes, stored.shape, path)
    data = _lazy(CheckedArray(stored, path, complete=not missing), order)
    kept = [axes[k] for k in order]
    is_time = kept[0].name == "t"
    sizes, note = _sizes(image, kept, path, stored, own=bool(own))
    places = [
        axis.place * (size / axis.scale) if size is not None else 0.0
        for axis, size in zip(kept, sizes[-len(kept) :], strict=True)
    ]
    return ParsedFile(
        data,
        sizes,
        origin_nm=None if len(kept) < 3 or is_time else (places[0], places[1], places[2]),
        history=parsed_history(own, str(path)),
        times_s=even_times(kept[0].scale, kept[0].unit, data.shape[0]) if is_time else None,
        first_axis_is_time=is_time,
        notes=(*missing, *note),
        levels=tuple(_coarser_levels(image, stored, order, path, complete=every)),
    )


def _lazy(array: CheckedArray, order: Sequence[int]) -> Any:
    """Return an array as a lazy one with the axes of an order; of all others the one entry."""
    import dask.array as da

    # name=False: dask's names are hashes of the pickled store, which take longer than opening it
    data = da.from_array(array, chunks=task_shape(array.stored), name=False)
    others = [k for k in range(array.ndim) if k not in order]
    if not others and list(order) == sorted(order):
        return data  # a turned array is read in whole tasks, not in the part that is needed
    return data.transpose((*others, *order))[(0,) * len(others)]


def _coarser_levels(
    image: ZarrImage, stored: Any, order: Sequence[int], path: Path, *, complete: bool
) -> Iterator[Any]:
    """Yield the levels that are made of the full resolution; those that are missing, or are not
    coarser along any axis, are left out: the image opens without them.
    """
    finer = stored.shape
    for level in image.about["datasets"][1:]:
        with contextlib.suppress(Exception):  # zarr raises many kinds
            array = image.group[level["path"]]
            known = array.ndim == stored.ndim and array.dtype == stored.dtype
            if known and all(0 < n <= m for n, m in zip(array.shape, finer, strict=True)):
                if array.shape != finer:
                    yield _lazy(CheckedArray(array, path, complete=complete), order)
                finer = array.shape


def _kind(image: ZarrImage) -> Wanted:
    """Return whether an image is a stack or a single image, from its array's shape."""
    with contextlib.suppress(Exception):
        stored: Any = image.group[image.about["datasets"][0]["path"]]
        if sum(size > 1 for size in stored.shape) > 2:
            return "volume"
    return "image"


def _order(axes: Sequence[ZarrAxis], shape: tuple[int, ...], path: Path) -> list[int]:
    """Return which axes are (z, y, x), or (t, y, x) where z is missing or one plane of many times;
    refuse more than one entry along any other.
    """
    at = {axis.name: k for k, axis in enumerate(axes)}
    if "y" not in at or "x" not in at:
        names = ", ".join(axis.name for axis in axes)
        raise FileFormatError(f"{path} has the axes {names}; y and x are needed.")
    first = ["z"] if "z" in at else []
    if "t" in at and shape[at["t"]] > 1 and ("z" not in at or shape[at["z"]] == 1):
        first = ["t"]
    order = [at[name] for name in (*first, "y", "x")]
    for k, axis in enumerate(axes):
        if k not in order and shape[k] != 1:
            raise FileFormatError(
                f"{path} has {shape[k]} entries along axis {axis.name}; one is needed: save the "
                "one to read as an image of its own."
            )
    return order


def _sizes(
    image: ZarrImage, kept: Sequence[ZarrAxis], path: Path, stored: Any, *, own: bool
) -> tuple[Sizes, tuple[str, ...]]:
    """Return the voxel size (z, y, x) in nm, None along an axis without one, and a note on sizes
    that count as none.
    """
    named = {axis.name: axis for axis in kept}
    spaces = [named.get(name) for name in "zyx"]
    z, y, x = (None if axis is None else in_nm(axis.scale, axis.unit) for axis in spaces)
    dz, dy, dx = (None if axis is None else axis.scale for axis in spaces)
    sizes, stated = (z, y, x), (dz, dy, dx)
    if sizes == (None, None, None):
        sizes, stated = xml_sizes(image, path, stored.shape[-2:])
    if own:
        return sizes, ()
    real = real_sizes(sizes, stated)
    if real == sizes or sizes[2] is None:
        return real, ()
    return real, (f"a pixel of {sizes[2]:g} nm is a default and counts as none",)


def _check_chunks(stored: Any, path: Path, *, every: bool) -> list[str]:
    """Refuse an array with missing chunks, which Zarr reads as zeros without an error.

    Other writers leave out chunks of zeros, so of their arrays only those without any chunk are
    refused, and a note says how many are left out; this package writes all. Of shards, which are
    files of many chunks, the files count.
    """
    needed = file_count(stored)
    most = needed // _LARGEST_SHARE_LEFT_OUT + 1
    if needed > _MANY_CHUNKS and (there := len(files_there(stored, most=most))) < most - 1:
        raise FileFormatError(f"{path} promises {needed} chunks and holds {there} files.")
    there = chunk_files_there(stored, path)
    if needed and (there == 0 or (every and there < needed)):
        raise FileFormatError(
            f"{path} holds {there} of {needed} chunks: the others are missing and would read as zeros."
        )
    left_out = needed - there
    if left_out <= 0:
        return []
    return [f"{left_out} of {needed} chunks are not stored and read as {stored.fill_value}"]


def is_ome_zarr(path: Path) -> bool:
    """Return whether a folder has the metadata of OME-Zarr, without reading data."""
    import zarr

    with contextlib.suppress(Exception):
        return holds_image(zarr.open_group(path, mode="r"))
    return False
