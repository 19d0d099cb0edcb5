"""NIfTI-1 and NIfTI-2 in one file (``.nii``, packed ``.nii.gz``).

Sizes are in the unit that the header names (mm, µm or m). No unit counts as none, and so does 1 mm,
which programs write where they know nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_snpore.errors import DisagreementError, FileFormatError
from napari_snpore.files.orientation import oriented, without_unit
from napari_snpore.files.parsed_file import AxisSizes, ParsedFile
from napari_snpore.files.units import in_nm
from napari_snpore.files.voxel_data import Encoding, checked_shape, head_of, read_voxels, shown
from napari_snpore.volume import SPACING_TOLERANCE

_HEADER_BYTES = {348: "Nifti1Header", 540: "Nifti2Header"}
_DEFAULT_NM = 1e6
"""1 mm."""

_LAZY_BYTES = 2**30


def read_nifti(path: Path) -> ParsedFile:
    """Return the voxels of a NIfTI file along (z, y, x), with the sizes that it gives in a unit."""
    packed = path.name.lower().endswith(".gz")
    header = _header(_first_bytes(path, packed), path)
    try:
        dtype = header.get_data_dtype()
        sizes = header["dim"]
        axes = max(int(sizes[0]), 0)
        shape = checked_shape(
            [int(size) for size in sizes[1 : 1 + axes]][::-1] if axes <= 7 else (), path
        )
        unit = header.get_xyzt_units()[0]
        slope, offset = header.get_slope_inter()
        start = int(header["vox_offset"])
    except FileFormatError:
        raise
    except Exception as error:  # the library raises many kinds for codes that it does not know
        raise FileFormatError(f"{path} has a damaged header: {shown(error)}.") from error
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise FileFormatError(f"{path} has voxels of type {dtype}; real grey values are needed.")
    encoding: Encoding = "gzip" if packed else "raw"
    stored: Any = read_voxels(
        path, dtype, shape, offset=0, skip=max(start, header.sizeof_hdr), encoding=encoding
    )
    while stored.ndim > 3 and stored.shape[0] == 1:
        stored = stored[0]
    if stored.ndim not in (2, 3):
        raise FileFormatError(
            f"{path} has sizes {shape[::-1]}; one volume of three axes is needed, not several."
        )
    return _placed(path, header, _scaled(stored, slope, offset), unit)


def _first_bytes(path: Path, packed: bool) -> bytes:
    if not packed:
        return head_of(path)[: max(_HEADER_BYTES)]
    head = read_voxels(path, np.dtype("u1"), (348,), encoding="gzip")
    if int.from_bytes(head[:4].tobytes(), "little") == 540 or int.from_bytes(head[:4].tobytes(), "big") == 540:  # fmt: skip
        head = read_voxels(path, np.dtype("u1"), (540,), encoding="gzip")
    return head.tobytes()


def _header(raw: bytes, path: Path) -> Any:
    """Return the header as nibabel parses it, in its byte order."""
    # imported here: a third of a second that only this format needs
    import nibabel

    for order in ("<", ">"):
        size = int(np.frombuffer(raw[:4].ljust(4, b"\0"), f"{order}i4")[0])
        if size in _HEADER_BYTES and len(raw) >= size:
            kind = getattr(nibabel, _HEADER_BYTES[size])
            header = kind(raw[:size], endianness=order, check=False)
            magic = bytes(header["magic"])[:3]
            if magic in (b"ni1", b"ni2"):
                raise FileFormatError(
                    f"{path} is one of two files, header and voxels; only NIfTI in one file is read."
                )
            if magic in (b"n+1", b"n+2"):
                return header
    raise FileFormatError(f"{path} is not a NIfTI file: its header has no size and mark of one.")


def _scaled(stored: Any, slope: float | None, offset: float | None) -> Any:
    """Return grey values from stored ones, by the factor and offset of the header.

    In float32 where the stored type fits into it, else float64. Without a factor the file's own
    dtype stays.
    """
    if slope is None or (slope, offset) == (1.0, 0.0):
        return stored
    small = stored.dtype.itemsize <= 2 or stored.dtype == np.float32
    kind: Any = np.float32 if small else np.float64
    if stored.nbytes > _LAZY_BYTES:
        # imported here: a second that only large files need
        import dask.array as da

        return da.from_array(stored).astype(kind) * kind(slope) + kind(offset or 0.0)
    values = np.array(stored, kind)
    values *= kind(slope)
    values += kind(offset or 0.0)
    return values


def _placed(path: Path, header: Any, data: Any, unit: str) -> ParsedFile:
    """Return the voxels with their sizes, along (z, y, x) where the header places them in space."""
    one = in_nm(1.0, unit)
    zooms = [abs(float(size)) for size in header["pixdim"][1:4]]
    if data.ndim == 2:
        y, x = (None if one is None else _real(size * one) for size in zooms[1::-1])
        return ParsedFile(data, (None, y, x))
    if int(header["sform_code"]) <= 0 and int(header["qform_code"]) <= 0:
        sizes: AxisSizes = (None, None, None)
        if one is not None:
            sizes = (_real(zooms[2] * one), _real(zooms[1] * one), _real(zooms[0] * one))
        return ParsedFile(data, sizes)
    try:
        affine = np.asarray(header.get_best_affine(), np.float64)
    except Exception as error:  # a quaternion that is none
        raise FileFormatError(f"{path} has a damaged header: {shown(error)}.") from error
    factor = one or 1.0
    found = oriented(data, affine[:3, :3].T * factor, affine[:3, 3] * factor, path)
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    _check_agreement(lengths, zooms, path)
    if one is None or all(_real(size) is None for size in found.sizes):
        why = (
            without_unit(found.sizes) if one is None else ("1 mm is a default and counts as none",)
        )
        return ParsedFile(found.data, history=found.history, notes=(*found.notes, *why))
    return ParsedFile(
        found.data,
        found.sizes,
        origin_nm=found.origin,
        history=found.history,
        notes=found.notes,
    )


def _real(size_nm: float) -> float | None:
    """Return a size (nm) that is positive and not the default of 1 mm, else None."""
    is_default = abs(size_nm - _DEFAULT_NM) < 1e-6 * _DEFAULT_NM
    return size_nm if np.isfinite(size_nm) and size_nm > 0 and not is_default else None


def _check_agreement(lengths: Any, zooms: list[float], path: Path) -> None:
    """Refuse a header whose matrix and ``pixdim`` are more than 1 % apart; 0 and 1 are defaults."""
    for axis, by_matrix, by_zoom in zip("xyz", lengths, zooms, strict=True):
        if by_zoom in (0.0, 1.0) or not np.isfinite(by_zoom):
            continue
        if abs(by_matrix - by_zoom) > SPACING_TOLERANCE * min(by_matrix, by_zoom):
            raise DisagreementError(
                f"{path} says two voxel sizes along {axis}: {by_matrix:.6g} by its matrix and {by_zoom:.6g} by pixdim."
            )
