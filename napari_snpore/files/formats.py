"""Registry of image formats: suffixes, reader, writer, and what each format can contain.

A new format needs one module with its reader and one entry in :data:`FORMATS`. The table of formats
in the README and the file patterns of the napari manifest are tested against this registry.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from napari_snpore.errors import FileFormatError
from napari_snpore.files.amira import read_amira
from napari_snpore.files.dm import read_dm
from napari_snpore.files.hdf import read_hdf
from napari_snpore.files.mrc import read_mrc
from napari_snpore.files.mrc_writer import write_mrc
from napari_snpore.files.npy import read_npy
from napari_snpore.files.ome_zarr import is_ome_zarr, read_ome_zarr, write_ome_zarr
from napari_snpore.files.parsed_file import KINDS, Kind, ParsedFile
from napari_snpore.files.tiff import gray_plane_count, read_tiff, write_tiff
from napari_snpore.volume import Volume


@dataclass(frozen=True)
class Format:
    """One image format.

    Parameters
    ----------
    name : str
        Name in the README.
    suffixes : sequence of str
        Suffixes in lower case with their dot; of ``.ome.zarr`` the last part.
    read : callable
        ``read(path)`` returns a :class:`~napari_snpore.files.parsed_file.ParsedFile`.
    scale_from : str
        Where voxel size and angles come from, for the README.
    kinds : sequence of str
        What a file of this format can be.
    angles_inside : bool
        Whether the reader can return tilt angles.
    fewest_single_images : int
        How many files of one image each, given together, form a series; 0 where they never do.
    usual_kinds : mapping of str to str
        Suffixes that by convention mean one kind.
    plane_count : callable, optional
        For formats that other napari readers open as well: ``plane_count(path)`` reads the header
        and returns how many grey planes the file holds, 0 for what is not read here. None where
        every file with the suffix is read here.
    napari_patterns : bool
        Whether napari offers this reader for the suffixes.
    write : callable, optional
        ``write(path, volume)``.
    written_suffixes : sequence of str
        Suffixes of volumes that are written.
    is_folder : bool
        Whether an image is a folder.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[Path], ParsedFile]
    scale_from: str
    kinds: tuple[Kind, ...] = KINDS
    angles_inside: bool = False
    fewest_single_images: int = 0
    usual_kinds: Mapping[str, Kind] = field(default_factory=dict)
    plane_count: Callable[[Path], int] | None = None
    napari_patterns: bool = True
    write: Callable[[Path, Volume], None] | None = None
    written_suffixes: tuple[str, ...] = ()
    is_folder: bool = False


def _zarr_plane_count(path: Path) -> int:
    """Return 2 for OME-Zarr, which always counts as a stack, else 0."""
    return 2 if is_ome_zarr(path) else 0


FORMATS: tuple[Format, ...] = (
    Format(
        "MRC2014, SerialEM, IMOD, old FEI",
        (".mrc", ".st", ".ali", ".rec", ".mrcs"),
        read_mrc,
        "header, FEI extended header, `.mdoc`, `.rawtlt` / `.tlt`",
        angles_inside=True,
        fewest_single_images=2,
        usual_kinds={
            ".st": "tilt series",
            ".ali": "tilt series",
            ".mrcs": "tilt series",
            ".rec": "volume",
        },
        write=write_mrc,
        written_suffixes=(".mrc", ".rec"),
    ),
    Format(
        "Gatan",
        (".dm3", ".dm4"),
        read_dm,
        "calibration and tags; a stack, or one file per tilt",
        angles_inside=True,
        fewest_single_images=2,
        usual_kinds={".dm3": "tilt series", ".dm4": "tilt series"},
    ),
    Format(
        "TIFF",
        (".tif", ".tiff"),
        read_tiff,
        "ImageJ or OME voxel size; angles beside it",
        fewest_single_images=3,  # two TIFF files of one image are more likely two pictures
        plane_count=gray_plane_count,
        write=write_tiff,
        written_suffixes=(".tif", ".tiff"),
    ),
    Format(
        "OME-Zarr",
        (".zarr",),
        read_ome_zarr,
        "axes and scale",
        plane_count=_zarr_plane_count,
        write=write_ome_zarr,
        written_suffixes=(".zarr",),
        is_folder=True,
    ),
    Format(
        "EMD, HyperSpy",
        (".emd", ".hspy"),
        read_hdf,
        "calibrated axes",
        angles_inside=True,
        fewest_single_images=2,
    ),
    Format("Amira", (".am",), read_amira, "bounding box", kinds=("volume", "tilt series")),
    Format("NumPy", (".npy",), read_npy, "you", napari_patterns=False),
)

SUFFIXES: Mapping[str, Format] = {suffix: one for one in FORMATS for suffix in one.suffixes}
"""Format by suffix; ``.ome.tif`` and ``.ome.zarr`` are found by their last part."""

WRITTEN = tuple(sorted(suffix for one in FORMATS for suffix in one.written_suffixes))
"""Suffixes that volumes are written with."""


def format_of(path: Path) -> Format | None:
    """Return the format of a path by its suffix; None for a suffix that is not read."""
    return SUFFIXES.get(path.suffix.lower())


def is_image_folder(path: Path) -> bool:
    """Return whether a path is a folder that is one image, as in OME-Zarr."""
    one = format_of(path)
    return one is not None and one.is_folder and path.is_dir()


def plane_count(path: Path) -> int:
    """Return how many grey planes the header of a shared format announces; 2 for other formats, 0
    for what is not read here.

    Only headers are read. Never raises: a file with a damaged header of a shared format counts as
    not read here.
    """
    one = format_of(path)
    if one is None or not path.exists():
        return 0
    if one.plane_count is None:
        return 2
    with contextlib.suppress(Exception):  # the libraries raise many kinds on damaged headers
        return one.plane_count(path)
    return 0


def parse(path: Path) -> ParsedFile:
    """Return the content of a file, by the reader of its suffix.

    Raises
    ------
    FileFormatError
        Unknown suffix, damaged or truncated file, or an array that cannot be grey images.
    """
    one = format_of(path)
    if one is None:
        known = " ".join(sorted(SUFFIXES))
        raise FileFormatError(f"{path} has a suffix that is not read; these are: {known}.")
    if path.is_dir() != one.is_folder:
        raise FileFormatError(
            f"{path} is a {'folder' if path.is_dir() else 'file'}, which its suffix does not allow."
        )
    try:
        parsed = one.read(path)
    except FileFormatError:
        raise
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileFormatError(f"{path} cannot be read: {reason}.") from error
    if 0 in parsed.data.shape:
        raise FileFormatError(f"{path} holds no image: its shape is {tuple(parsed.data.shape)}.")
    if parsed.data.dtype.kind not in "biuf":
        raise FileFormatError(
            f"{path} holds {parsed.data.dtype} values; real grey values are needed."
        )
    return parsed
