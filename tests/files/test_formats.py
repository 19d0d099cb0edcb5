"""Each format, written by hand or by its own library, comes back with the right shape, values,
voxel size and angles.
"""

from __future__ import annotations

import struct
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import h5py
import mrcfile
import numpy as np
import pytest
import tifffile

from napari_snpore import Volume, read_tilt_series, read_volume, write_volume
from napari_snpore.errors import Stopped
from napari_snpore.files.formats import parts_of
from napari_snpore.files.image_input import Contents, contents_of, parse_input
from napari_snpore.files.parsed_file import KINDS
from napari_snpore.history import ReadStep
from napari_snpore.study.provenance import Record

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
STACK = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
ANGLES = [-30.0, -10.0, 10.0, 30.0]


def old_fei(path, images, angles, pixel_m):
    """Write what FEI's software wrote: no MAP word, no machine stamp, a cell of 1 Å a voxel, an
    extended header of 128 kB.
    """
    count, ny, nx = images.shape
    header = bytearray(1024)
    struct.pack_into("<10i", header, 0, nx, ny, count, 1, 0, 0, 0, nx, ny, count)
    struct.pack_into("<6f", header, 40, nx, ny, count, 90, 90, 90)
    struct.pack_into("<3i", header, 64, 1, 2, 3)
    struct.pack_into("<i", header, 92, 131072)
    struct.pack_into("<i", header, 220, 1)
    header[224:255] = b"    Fei Company (c) Copyright 2003"[:31]
    table = np.zeros((1024, 32), "<f4")
    table[:count, 0] = angles
    table[:count, 11] = pixel_m
    path.write_bytes(bytes(header) + table.tobytes() + images.astype("<i2").tobytes())


def test_shipped_needle():
    series = read_tilt_series(files("napari_snpore") / "data" / "needle" / "HAADF.dm3")
    assert series.shape == (91, 64, 64)
    assert series.images.dtype == np.uint16
    assert np.allclose(series.angles_deg, np.arange(-90, 91, 2))
    assert series.pixel_size_nm == pytest.approx(17.995, abs=0.001)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data sets are not beside this checkout")
@pytest.mark.parametrize(
    ("name", "shape", "dtype", "angles", "pixel"),
    [
        ("needle-mrc/HAADF.mrc", (77, 256, 256), "int16", (-76, 76), 3.36),
        ("serialem/SerialEM_test_000.mrc", (2, 1024, 1024), "int16", (-0.000488, -0.000488), 0.788),
        (
            "serialem/SerialEM_test_000.mdoc",
            (2, 1024, 1024),
            "int16",
            (-0.000488, -0.000488),
            0.788,
        ),
        ("dm3-frames", (3, 128, 128), "float32", (-72.003, -66.004), 19.1087),
    ],
)
def test_shared_series(name, shape, dtype, angles, pixel):
    series = read_tilt_series(SHARED / name)
    assert series.shape == shape
    assert series.images.dtype == dtype
    assert (series.angles_deg[0], series.angles_deg[-1]) == pytest.approx(angles, abs=1e-3)
    assert series.pixel_size_nm == pytest.approx(pixel, rel=1e-5)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data sets are not beside this checkout")
def test_shared_volume_without_a_voxel_size():
    path = next((SHARED / "nmc-electrode").glob("*.tif"))
    with pytest.raises(ValueError, match="no voxel size"):
        read_volume(path)
    volume = read_volume(path, spacing=398.0)
    assert volume.shape == (251, 301, 301)
    assert volume.dtype == np.uint8
    assert np.array_equal(np.unique(volume.data), [0, 1, 2])


def test_old_fei_file(tmp_path):
    old_fei(tmp_path / "a.mrc", STACK, ANGLES, 0.27e-9)
    series = read_tilt_series(tmp_path / "a.mrc")
    assert np.array_equal(series.images, STACK)
    assert isinstance(series.images, np.memmap)
    assert series.angles_deg.tolist() == ANGLES
    assert series.pixel_size_nm == pytest.approx(0.27)
    assert contents_of(parse_input(tmp_path / "a.mrc")).kind == "tilt series"


@pytest.mark.parametrize("suffix", [".mrc", ".st", ".ali", ".rec", ".mrcs"])
def test_modern_mrc_with_angles_beside_it(tmp_path, suffix):
    with mrcfile.new(tmp_path / f"a{suffix}", STACK) as file:
        file.voxel_size = 2.7
    (tmp_path / "a.rawtlt").write_text(
        "\r\n".join(f" {angle:.2f}" for angle in ANGLES), encoding="latin-1"
    )
    series = read_tilt_series(tmp_path / f"a{suffix}")
    assert np.array_equal(series.images, STACK)
    assert series.angles_deg.tolist() == ANGLES
    assert series.pixel_size_nm == pytest.approx(0.27)
    volume = read_volume(tmp_path / f"a{suffix}")
    assert volume.spacing == pytest.approx((0.27, 0.27, 0.27))


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint16", "float32"])
def test_mrc_modes_and_byte_orders(tmp_path, dtype):
    with mrcfile.new(tmp_path / "a.mrc", STACK.astype(dtype)) as file:
        file.voxel_size = (3.0, 2.0, 5.0)
    read = read_volume(tmp_path / "a.mrc")
    assert np.array_equal(read.data, STACK.astype(dtype))
    assert read.spacing == pytest.approx((0.5, 0.2, 0.3))
    header = np.fromfile(tmp_path / "a.mrc", np.uint8)
    swapped = header.copy()
    words = swapped[:220].view("<i4")
    words.byteswap(inplace=True)
    swapped[212:216] = [0x11, 0x11, 0, 0]
    swapped[208:212] = header[208:212]
    body = (
        header[1024:]
        .view(np.dtype(dtype).newbyteorder("<"))
        .astype(np.dtype(dtype).newbyteorder(">"))
    )
    (tmp_path / "big.mrc").write_bytes(swapped[:1024].tobytes() + body.tobytes())
    big = read_volume(tmp_path / "big.mrc")
    assert np.array_equal(big.data, STACK.astype(dtype))
    assert big.spacing == pytest.approx((0.5, 0.2, 0.3))


def test_serialem_mdoc_in_latin_1_and_any_order(tmp_path):
    with mrcfile.new(tmp_path / "s.mrc", STACK[:2]) as file:
        file.voxel_size = 7.88
    text = (
        "PixelSpacing = 7.88\nImageFile = s.mrc\n\n[T = SerialEM: Universität 23 µm]\n\n"
        "[ZValue = 1]\nTiltAngle = 12.5\n\n[ZValue = 0]\nTiltAngle = -12.5\n"
    )
    (tmp_path / "s.mrc.mdoc").write_bytes(text.encode("latin-1"))
    for name in ("s.mrc", "s.mrc.mdoc"):
        series = read_tilt_series(tmp_path / name)
        assert series.angles_deg.tolist() == [-12.5, 12.5]
        assert series.pixel_size_nm == pytest.approx(0.788)


def test_imagej_tiff(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif", STACK.astype(np.uint16), imagej=True, resolution=(1 / 0.4, 1 / 0.3),
        metadata={"spacing": 0.5, "unit": "nm", "axes": "ZYX"},
    )  # fmt: skip
    volume = read_volume(tmp_path / "a.tif")
    assert volume.spacing == pytest.approx((0.5, 0.3, 0.4))
    assert np.array_equal(volume.data, STACK)
    assert contents_of(parse_input(tmp_path / "a.tif")) == Contents("volume", KINDS)


@pytest.mark.parametrize(("unit", "factor"), [("µm", 1e3), ("nm", 1.0), ("Å", 0.1), ("mm", 1e6)])
def test_ome_tiff_units(tmp_path, unit, factor):
    metadata = {"axes": "ZYX"}
    for axis, size in zip("ZYX", (0.5, 0.3, 0.4), strict=True):
        metadata |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": unit}
    tifffile.imwrite(tmp_path / "a.ome.tif", STACK, ome=True, metadata=metadata, compression="zlib")
    volume = read_volume(tmp_path / "a.ome.tif")
    assert volume.spacing == pytest.approx((0.5 * factor, 0.3 * factor, 0.4 * factor))
    assert np.array_equal(volume.data, STACK)


def test_tiff_resolution_in_inches_counts_as_none(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif",
        STACK,
        resolution=(300, 300),
        resolutionunit="INCH",
        metadata=None,
        photometric="minisblack",
    )
    assert contents_of(parse_input(tmp_path / "a.tif")).lacks_size
    with pytest.raises(ValueError, match=r"a\.tif holds no voxel size along z: give spacing"):
        read_volume(tmp_path / "a.tif")


def test_berkeley_emd_stack_with_angles(tmp_path):
    with h5py.File(tmp_path / "a.emd", "w") as file:
        group = file.create_group("data/stack")
        group.attrs["emd_group_type"] = 1
        group["data"] = STACK
        for name, values, unit in (
            ("dim1", ANGLES, "[deg]"), ("dim2", 0.3 * np.arange(5), "[n_m]"), ("dim3", 0.3 * np.arange(6), "[n_m]"),
        ):  # fmt: skip
            group[name] = np.array(values)
            group[name].attrs["units"] = unit
    series = read_tilt_series(tmp_path / "a.emd")
    assert series.angles_deg.tolist() == ANGLES
    assert series.pixel_size_nm == pytest.approx(0.3)
    assert np.array_equal(series.images, STACK)


def test_hspy_stack_with_a_tilt_axis(tmp_path):
    with h5py.File(tmp_path / "a.hspy", "w") as file:
        group = file.create_group("Experiments/needle")
        group["data"] = STACK
        for k, (scale, offset, unit) in enumerate(
            [(20.0, -30.0, "degrees"), (0.3, 0.0, "nm"), (0.3, 0.0, "nm")]
        ):
            axis = group.create_group(f"axis-{k}")
            axis.attrs.update(
                {"scale": scale, "offset": offset, "units": unit, "size": STACK.shape[k]}
            )
    series = read_tilt_series(tmp_path / "a.hspy")
    assert series.angles_deg.tolist() == ANGLES
    assert series.pixel_size_nm == pytest.approx(0.3)


AMIRA = """# AmiraMesh {kind} 2.1

define Lattice 6 5 4

Parameters {{
    Units {{
        Coordinates "nm"
    }}
    CoordType "uniform",
    BoundingBox 1 3 0 1.2 0 1.5
}}

Lattice {{ ushort Data }} @1

# Data section follows
@1
"""


@pytest.mark.parametrize("kind", ["BINARY-LITTLE-ENDIAN", "BINARY", "3D ASCII"])
def test_amira_lattice(tmp_path, kind):
    order = "<" if "LITTLE" in kind else ">"
    body = (
        " ".join(map(str, STACK.ravel())).encode()
        if "ASCII" in kind
        else STACK.astype(f"{order}u2").tobytes()
    )
    (tmp_path / "a.am").write_bytes(AMIRA.format(kind=kind).encode() + body + b"\n")
    volume = read_volume(tmp_path / "a.am")
    assert np.array_equal(volume.data, STACK)
    assert volume.spacing == pytest.approx((0.5, 0.3, 0.4))
    assert volume.origin == pytest.approx((0.0, 0.0, 1.0))


def test_npy_needs_a_voxel_size(tmp_path):
    np.save(tmp_path / "a.npy", STACK)
    with pytest.raises(ValueError, match="give spacing"):
        read_volume(tmp_path / "a.npy")
    volume = read_volume(tmp_path / "a.npy", spacing=(1, 2, 3))
    assert volume.spacing == (1, 2, 3)
    assert isinstance(volume.data, np.memmap)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32", "float32"])
@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif", "a.ome.zarr"])
def test_written_volume_comes_back_with_its_place_and_history(tmp_path, name, dtype):
    volume = Volume(STACK.astype(dtype), (0.3, 0.2, 0.1), (1.5, -2.0, 3.25)).after(
        ReadStep("a.mrc"), STACK.astype(dtype)
    )
    write_volume(tmp_path / name, volume)
    read = read_volume(tmp_path / name)
    assert np.array_equal(np.asarray(read.data), volume.data)
    assert read.dtype == volume.dtype
    assert read.spacing == pytest.approx(volume.spacing, rel=1e-12)
    assert read.origin == pytest.approx(volume.origin)
    assert read.history[0].name == "read"
    assert dict(read.history[0].parameters) == {"file": "a.mrc"}
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_written_tiff_is_memory_mapped_and_read_by_others(tmp_path):
    write_volume(tmp_path / "a.tif", Volume(STACK, (0.3, 0.2, 0.1)))
    assert isinstance(read_volume(tmp_path / "a.tif").data, np.memmap)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.series[0].axes == "ZYX"
        assert 'PhysicalSizeZ="0.3"' in tiff.ome_metadata
        assert np.array_equal(tiff.asarray(), STACK)


def test_written_ome_zarr_is_valid_for_its_own_library(tmp_path):
    reader = pytest.importorskip("ome_zarr.reader")
    parse_url = pytest.importorskip("ome_zarr.io").parse_url
    write_volume(tmp_path / "a.ome.zarr", Volume(STACK, (0.3, 0.2, 0.1), (1, 2, 3)))
    node = next(iter(reader.Reader(parse_url(tmp_path / "a.ome.zarr"))()))
    assert np.array_equal(np.asarray(node.data[0]), STACK)
    assert [axis["name"] for axis in node.metadata["axes"]] == ["z", "y", "x"]
    assert node.metadata["coordinateTransformations"][0][0]["scale"] == [0.3, 0.2, 0.1]


def test_lazy_data_is_streamed_into_a_file(tmp_path):
    import dask.array as da

    lazy = da.from_array(STACK, chunks=(1, 5, 6))
    for name in ("a.tif", "a.ome.zarr"):
        write_volume(tmp_path / name, Volume(lazy, 0.5))
        assert np.array_equal(np.asarray(read_volume(tmp_path / name).data), STACK)


def test_parts_of_an_image_in_several_files_are_known(tmp_path):
    (tmp_path / "voxels.bin").write_bytes(STACK.tobytes())
    head = "NRRD0004\ntype: int16\ndimension: 3\nsizes: 6 5 4\nendian: little\nencoding: raw\n"
    (tmp_path / "a.nhdr").write_text(f"{head}data file: voxels.bin\n")
    assert parts_of(tmp_path / "a.nhdr") == [tmp_path / "voxels.bin"]
    (tmp_path / "a.mhd").write_text("ObjectType = Image\nElementDataFile = voxels.bin\n")
    assert parts_of(tmp_path / "a.mhd") == [tmp_path / "voxels.bin"]
    (tmp_path / "b.raw").write_bytes(STACK.tobytes())
    (tmp_path / "b.json").write_text('{"shape": [4, 5, 6], "dtype": "int16"}')
    assert parts_of(tmp_path / "b.raw") == [tmp_path / "b.json"]
    write_volume(tmp_path / "c.nrrd", Volume(STACK, 1))
    assert parts_of(tmp_path / "c.nrrd") == []
    (tmp_path / "voxels.bin").unlink()
    assert parts_of(tmp_path / "a.mhd") == []  # its reader says what is missing
    record = Record("convert")
    record.add_input(tmp_path / "b.raw", folder=tmp_path)
    assert [one["path"] for one in record.inputs] == ["b.raw", "b.json"]


@pytest.mark.parametrize("suffix", [".tif", ".imagej.tif", ".ome.zarr", ".nrrd", ".mrc"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_writing_shows_its_progress_and_can_be_stopped(tmp_path, suffix, dtype):
    volume = Volume(np.arange(70 * 6 * 5).reshape(70, 6, 5).astype(dtype), 0.5)
    path, seen = tmp_path / f"a{suffix}", []
    write_volume(path, volume, progress=lambda done, total: seen.append(done / total))
    assert seen == sorted(seen)
    assert seen[-1] == 1
    if suffix != ".ome.zarr":  # which has slabs of 64 planes
        assert max(after - before for before, after in pairwise([0, *seen])) < 0.1
    for planes in (0, 1, len(seen) // 2):
        with pytest.raises(Stopped):
            write_volume(tmp_path / f"b{suffix}", volume, should_stop=asked_times(planes))
        assert list(tmp_path.iterdir()) == [path]


def asked_times(count):
    """A request to stop that comes when it has been asked for so often."""
    asked = iter(range(1000))
    return lambda: next(asked) >= count
