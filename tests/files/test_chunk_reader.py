"""Chunks that are read without Zarr: the same voxels as by Zarr itself, and no damaged ones."""

from __future__ import annotations

import os
import struct

import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

from napari_snpore import Volume, read_volume, write_volume
from napari_snpore.errors import FileFormatError
from napari_snpore.files.zarr_chunks import CheckedArray

SHAPE = (21, 34, 19)
DATA = np.random.default_rng(0).integers(0, 2**16, SHAPE).astype(np.uint16)
COMPRESSED = {
    "none": None,
    "blosc": BloscCodec(cname="lz4", shuffle="shuffle"),
    "zstd": ZstdCodec(level=1),
    "zstd with a checksum": ZstdCodec(level=1, checksum=True),
    "gzip": GzipCodec(),
}


def stored(path, *, version=3, data=DATA, **options):
    group = zarr.open_group(path, mode="w", zarr_format=version)
    array = group.create_array("0", shape=data.shape, dtype=data.dtype, **options)
    array[...] = data
    return CheckedArray(array, path, complete=True)


@pytest.fixture(scope="module")
def arrays(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chunks")
    return [
        stored(folder / f"{name}-{shards}.zarr", chunks=(4, 5, 6), shards=shards, compressors=codec)
        for name, codec in COMPRESSED.items()
        for shards in (None, (8, 10, 12), (24, 35, 24))
    ]


def test_which_arrays_are_read_directly(arrays, tmp_path):
    direct = [one._direct is not None for one in arrays]
    assert direct == [True] * 12 + [False] * 3
    for version, options in (
        (2, {}),
        (3, {"filters": [zarr.codecs.TransposeCodec(order=(2, 1, 0))]}),
        (3, {"serializer": zarr.codecs.BytesCodec(endian="big")}),
    ):
        one = stored(tmp_path / "a.zarr", version=version, chunks=(4, 5, 6), **options)
        assert one._direct is None
        np.testing.assert_array_equal(one[3:9, 2], DATA[3:9, 2])


def keys(length):
    whole = st.integers(0, length - 1)
    ends = st.integers(-length - 2, length + 2)
    return whole | st.builds(
        slice, ends | st.none(), ends | st.none(), st.integers(1, 9) | st.none()
    )


@given(key=st.tuples(*map(keys, SHAPE)), count=st.integers(1, 3))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_parts_are_those_of_numpy(arrays, key, count):
    for array in arrays:
        np.testing.assert_array_equal(array[key[:count]], DATA[key[:count]])


def test_keys_that_are_no_plain_parts_are_left_to_zarr(arrays):
    np.testing.assert_array_equal(arrays[1][[1, 5]], DATA[[1, 5]])
    np.testing.assert_array_equal(arrays[1][-1], DATA[-1])


def test_chunks_that_are_left_out_are_the_fill_value(tmp_path):
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=3)
    array = group.create_array(
        "0", shape=SHAPE, chunks=(4, 5, 6), shards=(8, 10, 12), dtype="u2", fill_value=7
    )
    array[:4, :5, :6] = 3
    sparse = CheckedArray(array, tmp_path / "a.zarr", complete=False)
    expected = np.full(SHAPE, 7, np.uint16)
    expected[:4, :5, :6] = 3
    np.testing.assert_array_equal(sparse[:], expected)


@pytest.mark.parametrize("place", [0, 40, -1, -30])
def test_a_byte_that_is_wrong_in_a_shard_is_not_read_as_voxels(tmp_path, place):
    """Blosc has no checksum, but its header and the index of a shard are checked."""
    array = stored(
        tmp_path / "a.zarr",
        chunks=(21, 34, 19),
        shards=(42, 34, 19),
        compressors=COMPRESSED["none"],
    )
    file = next(one for one in (tmp_path / "a.zarr" / "0" / "c").rglob("*") if one.is_file())
    raw = bytearray(file.read_bytes())
    if place >= 0:
        raw = raw[:-20] if place == 0 else raw[place:]
    else:
        raw[place] ^= 1
    file.write_bytes(raw)
    with pytest.raises(
        FileFormatError, match=r"a\.zarr holds a chunk that is damaged or cut short"
    ):
        array[:]


def test_a_store_that_is_written_anew_is_not_mixed_with_the_one_that_was_opened(tmp_path):
    path = tmp_path / "a.ome.zarr"
    write_volume(path, Volume(DATA, 0.5))
    opened = read_volume(path)
    np.testing.assert_array_equal(np.asarray(opened.data[:3]), DATA[:3])
    write_volume(path, Volume(DATA + 1, 0.5), overwrite=True)
    with pytest.raises(FileFormatError, match=r"a\.ome\.zarr changed since it was opened"):
        np.asarray(opened.data[3:6])
    np.testing.assert_array_equal(np.asarray(read_volume(path).data), DATA + 1)


@pytest.mark.parametrize("codec", ["zstd", "gzip"])
def test_a_chunk_that_another_program_writes_is_refused(tmp_path, codec):
    array = stored(tmp_path / "a.zarr", chunks=(4, 34, 19), compressors=COMPRESSED[codec])
    before = array[:4]
    file = tmp_path / "a.zarr" / "0" / "c" / "0" / "0" / "0"
    about = os.stat(file)
    array.stored[:4] = before + 1
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns + 1_000_000))
    with pytest.raises(FileFormatError, match="changed since it was opened"):
        array[:4]


@pytest.mark.parametrize("name", ["0.5d1c.partial", "0/1.__lock"])
def test_a_store_that_is_being_written_is_refused(tmp_path, name):
    """By the names that Zarr and TensorStore give to what they write."""
    path = write_volume(tmp_path / "a.ome.zarr", Volume(DATA, 0.5))
    file = path / "0" / "c" / "0" / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"")
    with pytest.raises(FileFormatError, match=r"a\.ome\.zarr holds a file that another program is"):
        read_volume(path)


@pytest.mark.parametrize("first", ["there", "left out"])
def test_a_chunk_that_comes_or_goes_is_not_mixed_with_zeros(tmp_path, first):
    array = stored(tmp_path / "a.zarr", chunks=(4, 34, 19), compressors=COMPRESSED["zstd"])
    array.complete = False
    file = tmp_path / "a.zarr" / "0" / "c" / "0" / "0" / "0"
    raw = file.read_bytes()
    if first == "there":
        np.testing.assert_array_equal(array[0], DATA[0])
        file.unlink()
    else:
        file.unlink()
        np.testing.assert_array_equal(array[0], 0)
        file.write_bytes(raw)
    with pytest.raises(FileFormatError, match="changed since it was opened"):
        array[1]


def test_a_chunk_without_compression_of_another_size_is_refused(tmp_path):
    array = stored(tmp_path / "a.zarr", chunks=(4, 34, 19), compressors=None)
    file = tmp_path / "a.zarr" / "0" / "c" / "0" / "0" / "0"
    file.write_bytes(file.read_bytes() + struct.pack("<H", 0))
    with pytest.raises(FileFormatError, match="damaged or cut short"):
        array[0]


def test_stores_of_earlier_versions_open(tmp_path):
    """One level in chunks of 64³, each a file: what this package wrote until there were shards."""
    data = np.random.default_rng(0).random((70, 65, 80), np.float32)
    group = zarr.open_group(tmp_path / "a.ome.zarr", mode="w", zarr_format=3)
    array = group.create_array(
        "0", shape=data.shape, chunks=(64, 64, 64), dtype="f4", dimension_names=["z", "y", "x"]
    )
    array[...] = data
    steps = [
        {"type": "scale", "scale": [0.5, 0.5, 0.5]},
        {"type": "translation", "translation": [1.0, 2.0, 3.0]},
    ]
    axes = [{"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"]
    datasets = [{"path": "0", "coordinateTransformations": steps}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": datasets}]}
    group.attrs["napari-snpore"] = {"every_chunk_written": True, "schema_version": 1, "history": []}
    volume = read_volume(tmp_path / "a.ome.zarr")
    np.testing.assert_array_equal(np.asarray(volume.data), data)
    assert (volume.spacing, volume.origin) == ((0.5, 0.5, 0.5), (1, 2, 3))
