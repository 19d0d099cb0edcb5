"""Registry of image formats: suffixes, reader, writer, and what each format can contain.

A new format needs one module with its reader and one entry in :data:`FORMATS`. The table of formats
in the README and the file patterns of the napari manifest are tested against this registry.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from napari_snpore.errors import FileFormatError, InputError
from napari_snpore.files.amira import read_amira
from napari_snpore.files.choice import Wanted, check_only_image
from napari_snpore.files.dm import read_dm
from napari_snpore.files.guarded_reading import checked_path, guarded, is_readable
from napari_snpore.files.hdf import read_hdf
from napari_snpore.files.meta_image import meta_image_parts, read_meta_image
from napari_snpore.files.mrc import read_mrc
from napari_snpore.files.mrc_writer import passes_over_planes, write_mrc
from napari_snpore.files.nifti import read_nifti
from napari_snpore.files.npy import read_npy
from napari_snpore.files.nrrd import nrrd_parts, read_nrrd, write_nrrd
from napari_snpore.files.ome_zarr import is_ome_zarr, read_ome_zarr
from napari_snpore.files.ome_zarr_writer import write_ome_zarr
from napari_snpore.files.parsed_file import KINDS, Kind, ParsedFile
from napari_snpore.files.raw import raw_parts, read_raw
from napari_snpore.files.tiff import gray_plane_count, read_tiff, write_tiff
from napari_snpore.files.tiff_chain import check_page_chain
from napari_snpore.files.tiff_damage import is_damaged_tiff
from napari_snpore.files.zarr_chunks import check_tree
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
        ``read(path)`` returns a :class:`~napari_snpore.files.parsed_file.ParsedFile`; where
        ``holds_several``, ``read(path, image=..., wanted=...)``.
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
    is_damaged : callable, optional
        For the same formats: ``is_damaged(path)`` says of a file that counts 0 whether nobody can read
        it.
    check : callable, optional
        ``check(path)`` refuses a file on which the reader or ``plane_count`` would not end.
    napari_patterns : bool
        Whether napari offers this reader for the suffixes.
    write : callable, optional
        ``write(path, volume)``.
    passes : callable
        ``passes(volume)``: how many times the writer reads the planes.
    written_suffixes : sequence of str
        Suffixes of volumes that are written.
    is_folder : bool
        Whether an image is a folder.
    parts : callable, optional
        ``parts(path)`` returns the other files that an image consists of: the voxels of a header in
        a file of its own, or what says how raw voxels lie.
    holds_several : bool
        Whether a file can hold several images, of which the reader takes one.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[..., ParsedFile]
    scale_from: str
    kinds: tuple[Kind, ...] = KINDS
    angles_inside: bool = False
    fewest_single_images: int = 0
    usual_kinds: Mapping[str, Kind] = field(default_factory=dict)
    plane_count: Callable[[Path], int] | None = None
    is_damaged: Callable[[Path], bool] | None = None
    check: Callable[[Path], None] | None = None
    napari_patterns: bool = True
    write: Callable[[Path, Volume], None] | None = None
    passes: Callable[[Volume], int] = lambda volume: 1
    written_suffixes: tuple[str, ...] = ()
    is_folder: bool = False
    parts: Callable[[Path], list[Path]] | None = None
    holds_several: bool = False


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
        passes=passes_over_planes,
        written_suffixes=(".mrc", ".rec"),
        holds_several=True,
    ),
    Format(
        "Gatan",
        (".dm3", ".dm4"),
        read_dm,
        "calibration and tags; a stack, or one file per tilt",
        angles_inside=True,
        fewest_single_images=2,
        usual_kinds={".dm3": "tilt series", ".dm4": "tilt series"},
        holds_several=True,
    ),
    Format(
        "TIFF",
        (".tif", ".tiff"),
        read_tiff,
        "ImageJ or OME voxel size; angles beside it",
        fewest_single_images=3,  # two TIFF files of one image are more likely two pictures
        plane_count=gray_plane_count,
        is_damaged=is_damaged_tiff,
        check=check_page_chain,
        holds_several=True,
        write=write_tiff,
        written_suffixes=(".tif", ".tiff"),
    ),
    Format(
        "OME-Zarr",
        (".zarr",),
        read_ome_zarr,
        "axes and scale",
        plane_count=_zarr_plane_count,
        check=check_tree,
        holds_several=True,
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
        holds_several=True,
    ),
    Format("Amira", (".am",), read_amira, "bounding box", kinds=("volume", "tilt series")),
    Format(
        "NRRD",
        (".nrrd", ".nhdr"),
        read_nrrd,
        "directions or spacings with a unit",
        kinds=("volume", "tilt series"),
        write=write_nrrd,
        written_suffixes=(".nrrd",),
        parts=nrrd_parts,
    ),
    Format(
        "MetaImage",
        (".mha", ".mhd"),
        read_meta_image,
        "spacing with DistanceUnits",
        kinds=("volume", "tilt series"),
        parts=meta_image_parts,
    ),
    Format("NIfTI", (".nii", ".nii.gz"), read_nifti, "affine with its unit", kinds=("volume",)),
    Format(
        "Raw voxels",
        (".raw", ".vol", ".vgi", ".info"),
        read_raw,
        "`.json`, `.vgi` or `.info` beside it",
        kinds=("volume", "tilt series"),
        parts=raw_parts,
    ),
    Format("NumPy", (".npy",), read_npy, "you", napari_patterns=False),
)

SUFFIXES: Mapping[str, Format] = {suffix: one for one in FORMATS for suffix in one.suffixes}
"""Format by suffix, see :func:`suffix_of`."""

WRITTEN = tuple(sorted(suffix for one in FORMATS for suffix in one.written_suffixes))
"""Suffixes that volumes are written with."""


def suffix_of(path: Path) -> str:
    """Return the suffix of a path in lower case, of two parts where a format has such a one
    (``.nii.gz``); of ``.ome.tif`` the last part.
    """
    both = "".join(path.suffixes[-2:]).lower()
    return both if both in SUFFIXES else path.suffix.lower()


def format_of(path: Path) -> Format | None:
    """Return the format of a path by its suffix; None for a suffix that is not read.

    A folder inside one that is an image, such as ``a.zarr/1``, is an image of the same format.
    """
    one = SUFFIXES.get(suffix_of(path))
    if one is None:
        for parent in path.parents:
            above = SUFFIXES.get(parent.suffix.lower())
            if above is not None and above.is_folder and path.is_dir():
                return above
    return one


def is_image_folder(path: Path) -> bool:
    """Return whether a path is a folder that is one image, as in OME-Zarr."""
    one = format_of(path)
    return one is not None and one.is_folder and path.is_dir()


def parts_of(path: Path) -> list[Path]:
    """Return the other files that an image consists of; none where its header is damaged, which its
    reader says.
    """
    one = format_of(path)
    if one is None or one.parts is None or not path.is_file():
        return []
    with contextlib.suppress(InputError, OSError):
        return one.parts(path)
    return []


def plane_count(path: Path) -> int:
    """Return how many grey planes the header of a shared format announces; 2 for other formats, 0
    for what is not read here.

    Only headers are read. Never raises: a file with a damaged header of a shared format counts as
    not read here. What cannot be opened at all (a pipe, a file without permission) counts as 2, so
    that it is refused in a sentence here, and no other reader waits for it.
    """
    one = format_of(path)
    if one is None or not os.path.lexists(path):
        return 0
    if one.plane_count is None or not is_readable(path):
        return 2
    try:
        if one.check is not None:
            one.check(path)
    except FileFormatError:
        return 2
    except Exception:  # the file is gone or changed since
        return 0
    with contextlib.suppress(Exception):  # the libraries raise many kinds on damaged headers
        return one.plane_count(path)
    return 0


def is_damaged(path: Path) -> bool:
    """Return whether a file of a shared format is one that no other reader can open either, so that it
    is refused here in a sentence. Only headers are read; never raises.
    """
    one = format_of(path)
    if one is None or one.is_damaged is None or not path.is_file():
        return False
    return one.is_damaged(path)


def parse(path: Path, *, image: str | None = None, wanted: Wanted | None = None) -> ParsedFile:
    """Return the content of a file, by the reader of its suffix.

    Parameters
    ----------
    path : Path
    image : str, optional
        Which image of a file that holds several: the name of its detector, data set or volume.
    wanted : str, optional
        What the caller needs, where no name is given.

    Raises
    ------
    InputError
        The file has no image of that name.
    FileFormatError
        Unknown suffix, damaged or truncated file, or an array that cannot be grey images; whatever
        the reader raises becomes one, see :mod:`napari_snpore.files.guarded_reading`.
    """
    one = format_of(path)
    if one is None:
        known = " ".join(sorted(SUFFIXES))
        raise FileFormatError(f"{path} has a suffix that is not read; these are: {known}.")
    path = checked_path(path)
    if path.is_dir() != one.is_folder:
        raise FileFormatError(
            f"{path} is a {'folder' if path.is_dir() else 'file'}, which its suffix does not allow."
        )
    with guarded(path):
        if one.check is not None:
            one.check(path)
        if not one.holds_several:
            check_only_image(path, image)
        asked = {} if image is None else {"image": image}
        if one.holds_several and wanted is not None:
            asked["wanted"] = wanted
        parsed = one.read(path, **asked)
        shape = tuple(int(size) for size in parsed.data.shape)
        if 0 in shape:
            raise FileFormatError(f"{path} holds no image: its shape is {shape}.")
        if parsed.data.dtype.kind not in "biuf":
            raise FileFormatError(
                f"{path} holds {parsed.data.dtype} values; real grey values are needed."
            )
    return parsed
