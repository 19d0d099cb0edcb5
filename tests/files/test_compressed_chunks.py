"""Chunks of Zarr that unpack to more, or to less, than the array says, in shards and without."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import tracemalloc
import zlib

import dask
import numcodecs
import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

from napari_snpore.errors import FileFormatError
from napari_snpore.files import read_volume

SHAPE, CHUNK = (16, 16, 16), (8, 8, 8)
GRAYS = np.random.default_rng(0).integers(0, 900, SHAPE, np.uint16)
BOMB = 1 << 28
CODECS_3 = {"blosc": BloscCodec(), "gzip": GzipCodec(), "zstd": ZstdCodec(), "plain": None}
CODECS_2 = {
    "blosc": numcodecs.Blosc(),
    "zlib": numcodecs.Zlib(),
    "gzip": numcodecs.GZip(),
    "bz2": numcodecs.BZ2(),
    "lzma": numcodecs.LZMA(),
    "zstd": numcodecs.Zstd(),
    "lz4": numcodecs.LZ4(),
}
PACK = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "bz2": bz2.compress,
    "lzma": lzma.compress,
    "zstd": lambda raw: numcodecs.Zstd().encode(raw),
    "lz4": lambda raw: numcodecs.LZ4().encode(raw),
    "blosc": lambda raw: numcodecs.Blosc().encode(raw),
}


def write(path, codec, version, *, shards=None):
    group = zarr.open_group(path, mode="w", zarr_format=version)
    array = group.create_array(
        "0", shape=SHAPE, chunks=CHUNK, shards=shards, dtype="uint16", compressors=codec
    )
    array[:] = GRAYS
    axes = [{"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"]
    scale = [{"type": "scale", "scale": [0.5] * 3}]
    about = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}
    if version == 3:
        group.attrs["ome"] = {"version": "0.5", "multiscales": [about]}
        return path / "0" / "c" / "0" / "0" / "0"
    group.attrs["multiscales"] = [{"version": "0.4", **about}]
    return next(one for one in (path / "0").iterdir() if one.name.startswith("0"))


def refused(path, words="damaged or cut short"):
    # one chunk at a time: Python 3.11 ends where tracemalloc stops while another is unpacked
    one_by_one = dask.config.set(scheduler="synchronous")
    tracemalloc.start()
    with one_by_one, pytest.raises(FileFormatError, match=words):
        np.asarray(read_volume(path).data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < BOMB / 4


@pytest.mark.parametrize("name", CODECS_3)
@pytest.mark.parametrize("shards", [None, SHAPE, (16, 16, 8)])
def test_sound_chunks_and_shards_open(tmp_path, name, shards):
    write(tmp_path / "a.zarr", CODECS_3[name], 3, shards=shards)
    np.testing.assert_array_equal(np.asarray(read_volume(tmp_path / "a.zarr").data), GRAYS)


@pytest.mark.parametrize("name", CODECS_2)
def test_sound_chunks_of_version_2_open(tmp_path, name):
    write(tmp_path / "a.zarr", CODECS_2[name], 2)
    np.testing.assert_array_equal(np.asarray(read_volume(tmp_path / "a.zarr").data), GRAYS)


@pytest.mark.parametrize("name", PACK)
def test_a_chunk_that_unpacks_to_far_more_is_refused(tmp_path, name):
    chunk = write(tmp_path / "a.zarr", CODECS_2[name], 2)
    if chunk.is_dir():
        chunk = next(one for one in chunk.rglob("*") if one.is_file())
    chunk.write_bytes(PACK[name](bytes(BOMB)))
    refused(tmp_path / "a.zarr")


def test_a_stream_of_zstandard_without_its_size_is_unpacked_no_further_than_it_should(tmp_path):
    chunk = write(tmp_path / "a.zarr", CODECS_3["zstd"], 3)
    # one block of run length (RFC 8878): 2 MB of zeros, in a frame that states no size
    block = struct.pack("<I", (1 << 17) << 3 | 1 << 1)[:3] + b"\0"
    last = struct.pack("<I", (1 << 17) << 3 | 1 << 1 | 1)[:3] + b"\0"
    chunk.write_bytes(b"\x28\xb5\x2f\xfd\x00\x58" + block * 4000 + last)
    refused(tmp_path / "a.zarr")


@pytest.mark.parametrize("name", ["blosc", "gzip", "zstd"])
def test_a_chunk_of_a_shard_that_unpacks_to_far_more_is_refused(tmp_path, name):
    file = write(tmp_path / "a.zarr", CODECS_3[name], 3, shards=SHAPE)
    packed = PACK[name](bytes(BOMB))
    places = [(0, len(packed))] + [(2**64 - 1, 2**64 - 1)] * 7
    index = b"".join(struct.pack("<QQ", *place) for place in places)
    checksum = struct.pack("<I", zarr_checksum(index))
    file.write_bytes(packed + index + checksum)
    refused(tmp_path / "a.zarr")


@pytest.mark.parametrize(
    "places", [[(0, 2**40)] * 8, [(2**60, 100)] * 8, [(0, 0)] * 8, [(5, 2**64 - 1)] * 8]
)
def test_places_beyond_a_shard_are_refused(tmp_path, places):
    file = write(tmp_path / "a.zarr", CODECS_3["blosc"], 3, shards=SHAPE)
    raw = file.read_bytes()
    index = b"".join(struct.pack("<QQ", *place) for place in places)
    file.write_bytes(raw[: -len(index) - 4] + index + struct.pack("<I", zarr_checksum(index)))
    refused(tmp_path / "a.zarr")


def test_a_shard_that_is_cut_short_is_refused(tmp_path):
    file = write(tmp_path / "a.zarr", CODECS_3["blosc"], 3, shards=SHAPE)
    file.write_bytes(file.read_bytes()[:40])
    refused(tmp_path / "a.zarr")


def test_chunks_left_out_of_a_shard_read_as_the_fill_value(tmp_path):
    group = zarr.open_group(tmp_path / "a.zarr", mode="a")
    path = tmp_path / "a.zarr"
    write(path, CODECS_3["zstd"], 3, shards=SHAPE)
    group = zarr.open_group(path, mode="r+")
    group["0"][:8] = 0  # the writer leaves out chunks of the fill value
    found = np.asarray(read_volume(path).data)
    assert not found[:8].any()
    np.testing.assert_array_equal(found[8:], GRAYS[8:])


def test_what_is_compressed_twice_is_refused_in_a_sentence(tmp_path):
    write(tmp_path / "a.zarr", [GzipCodec(), ZstdCodec()], 3)
    refused(tmp_path / "a.zarr", "compressed twice")


def zarr_checksum(data):
    """CRC-32C (Castagnoli), bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_the_checksum_of_the_test_is_that_of_its_definition():
    assert zarr_checksum(b"123456789") == 0xE3069283  # RFC 3720, appendix B.4
    assert zarr_checksum(bytes(32)) == 0x8A9136AA  # the same
