"""Levels of OME-Zarr: what they hold, where they lie, in how many files, with how much memory."""

from __future__ import annotations

import tracemalloc

import dask.array as da
import numpy as np
import pytest
import zarr

from napari_snpore import Volume, read_volume, write_volume
from napari_snpore.files.image_input import parse_input
from napari_snpore.files.ome_zarr_writer import ShardedLevel
from napari_snpore.files.resolution_levels import halved, level_shapes
from napari_snpore.files.zarr_chunks import file_count

SPACING, ORIGIN = (0.3, 0.2, 0.1), (1.0, 2.0, 3.0)


def written(path, data):
    write_volume(path, Volume(data, SPACING, ORIGIN))
    return zarr.open_group(path, mode="r")


def blocks(data, factor):
    """The voxels of each block along axes of their own; NaN beyond the end of an odd axis."""
    whole = [-(-n // factor) for n in data.shape]
    padded = np.full([n * factor for n in whole], np.nan)
    padded[tuple(map(slice, data.shape))] = data
    return padded.reshape(whole[0], factor, whole[1], factor, whole[2], factor)


@pytest.mark.parametrize("shape", [(70, 300, 600), (1100, 3, 5), (33, 61, 515), (129, 1030, 8)])
def test_levels_of_gray_values_are_means(tmp_path, shape):
    data = np.random.default_rng(0).random(shape, np.float32)
    group = written(tmp_path / "a.ome.zarr", data)
    np.testing.assert_array_equal(group["0"][...], data)
    means = np.nanmean(blocks(data.astype(np.float64), 2), axis=(1, 3, 5))
    np.testing.assert_allclose(group["1"][...], means, rtol=1e-6)
    count = len(level_shapes(shape))
    assert [group[str(k)].shape for k in range(count)] == level_shapes(shape)
    last = group[str(count - 1)]
    assert max(last.shape) <= 256 < max(group[str(count - 2)].shape)
    # a level is the mean of the one before, wherever slabs and tiles meet
    finer = group[str(count - 2)][...].astype(np.float64)
    np.testing.assert_allclose(last[...], np.nanmean(blocks(finer, 2), axis=(1, 3, 5)), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32"])
def test_levels_of_labels_hold_no_value_that_was_not_there(tmp_path, dtype):
    data = np.random.default_rng(0).choice([0, 1, 7], (70, 301, 600)).astype(dtype)
    group = written(tmp_path / "a.ome.zarr", data)
    for level in range(3):
        np.testing.assert_array_equal(
            group[str(level)][...], data[(slice(None, None, 2**level),) * 3]
        )


def test_means_of_large_values_do_not_overflow():
    most = np.finfo(np.float32).max
    assert halved(np.full((2, 2, 2), most, np.float32), mean=True) == most


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_levels_lie_where_the_volume_lies(tmp_path, dtype):
    """A ramp in nm: the mean of positions is the position of the mean."""
    z, y, x = (np.arange(n) for n in (8, 16, 1100))
    ramp = np.add.outer(np.add.outer(0 * z, 0 * y), 3.0 + 0.1 * x)
    data = ramp.astype(np.float32) if dtype == "float32" else (x % 256 + 0 * ramp).astype(np.uint8)
    group = written(tmp_path / "a.ome.zarr", data)
    levels = group.attrs["ome"]["multiscales"][0]["datasets"]
    assert len(levels) == 4
    for k, level in enumerate(levels):
        scale, place = (step[step["type"]] for step in level["coordinateTransformations"])
        assert scale == pytest.approx(np.multiply(SPACING, 2**k))
        values = group[str(k)][0, 0, :20].astype(np.float64)
        positions = place[2] + scale[2] * np.arange(20)
        if dtype == "float32":
            assert values == pytest.approx(positions, abs=1e-4)
        else:
            assert (place, 3 + 0.1 * values) == (list(ORIGIN), pytest.approx(positions))


def test_levels_are_valid_ngff(tmp_path):
    models = pytest.importorskip("ome_zarr_models.v05")
    reader = pytest.importorskip("ome_zarr.reader")
    parse_url = pytest.importorskip("ome_zarr.io").parse_url
    data = np.random.default_rng(0).random((20, 300, 600), np.float32)
    group = written(tmp_path / "a.ome.zarr", data)
    image = models.Image.from_zarr(group)
    assert [one.path for one in image.attributes.ome.multiscales[0].datasets] == ["0", "1", "2"]
    assert image.attributes.ome.multiscales[0].type == "mean"
    node = next(iter(reader.Reader(parse_url(tmp_path / "a.ome.zarr"))()))
    assert [one.shape for one in node.data] == level_shapes(data.shape)
    np.testing.assert_array_equal(np.asarray(node.data[0]), data)


def test_reader_finds_the_levels_and_takes_the_first(tmp_path):
    data = np.random.default_rng(0).random((20, 300, 600), np.float32)
    group = written(tmp_path / "a.ome.zarr", data)
    (parsed,) = parse_input(tmp_path / "a.ome.zarr").files
    assert [one.shape for one in parsed.levels] == level_shapes(data.shape)[1:]
    np.testing.assert_array_equal(np.asarray(parsed.levels[0]), group["1"][...])
    np.testing.assert_array_equal(np.asarray(read_volume(tmp_path / "a.ome.zarr")), data)


def test_a_small_volume_has_one_level(tmp_path):
    group = written(tmp_path / "a.ome.zarr", np.ones((256, 4, 5), np.float32))
    assert list(group.array_keys()) == ["0"]
    assert parse_input(tmp_path / "a.ome.zarr").files[0].levels == ()


def test_levels_that_are_damaged_are_left_out(tmp_path):
    data = np.random.default_rng(0).random((20, 300, 1100), np.float32)
    written(tmp_path / "a.ome.zarr", data)
    (tmp_path / "a.ome.zarr" / "1" / "zarr.json").write_text("{")
    (parsed,) = parse_input(tmp_path / "a.ome.zarr").files
    assert [one.shape for one in parsed.levels] == level_shapes(data.shape)[2:]
    np.testing.assert_array_equal(np.asarray(parsed.data), data)


def test_axes_of_levels_are_turned_like_those_of_the_volume(tmp_path):
    data = np.random.default_rng(0).random((20, 300, 600), np.float32)
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2)
    for name, values in (("0", data), ("1", data[::2, ::2, ::2])):
        group.create_array(name, shape=values.shape[::-1], chunks=(64, 64, 16), dtype="f4")[...] = (
            values.T
        )
    axes = [{"name": name, "type": "space", "unit": "nanometer"} for name in "xyz"]
    step = [{"type": "scale", "scale": [0.5, 0.5, 0.5]}]
    datasets = [{"path": name, "coordinateTransformations": step} for name in "01"]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": datasets}]
    (parsed,) = parse_input(tmp_path / "a.zarr").files
    np.testing.assert_array_equal(np.asarray(parsed.data), data)
    np.testing.assert_array_equal(np.asarray(parsed.levels[0]), data[::2, ::2, ::2])


@pytest.mark.parametrize(
    ("shape", "most"), [((2048, 2048, 2048), 600), ((1024, 1024, 1024), 60), ((512, 512, 512), 20)]
)
def test_number_of_files(tmp_path, shape, most):
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=3)
    files = 1
    for k, one in enumerate(level_shapes(shape)):
        level = ShardedLevel.new(group, str(k), one, np.float32)
        files += 1 + file_count(group[str(k)])
        assert level.depth % 2 == 0
    assert files < most


@pytest.mark.parametrize(
    "dtype", ["float64", "float32", "float16", ">f4", "uint16", ">i2", "int64", "uint8"]
)
@pytest.mark.parametrize("by_zarr", [False, True])
def test_shards_are_those_that_zarr_reads(tmp_path, monkeypatch, dtype, by_zarr):
    """Those put together here, and those that Zarr writes where its checksum is another module's."""
    if by_zarr:
        monkeypatch.setattr("napari_snpore.files.ome_zarr_writer.crc32c", None)
    data = (np.random.default_rng(0).random((70, 33, 1100)) * 200).astype(dtype)
    group = written(tmp_path / "a.ome.zarr", data)
    np.testing.assert_array_equal(group["0"][...], data)
    assert group["0"].dtype == data.dtype.newbyteorder("=")
    if data.dtype.kind != "f":
        np.testing.assert_array_equal(group["2"][...], data[::4, ::4, ::4])


class Streamed:
    """Voxels that are computed when they are asked for, as those of a larger volume would be."""

    dtype, ndim = np.dtype(np.float32), 3

    def __init__(self, shape):
        self.shape, self.largest = shape, 0

    def __getitem__(self, key):
        start, stop, _ = key.indices(self.shape[0])
        self.largest = max(self.largest, stop - start)
        planes = np.arange(start, stop, dtype=np.float32)[:, None, None]
        return np.broadcast_to(planes, (stop - start, *self.shape[1:])).copy()


def test_few_slabs_are_in_memory(tmp_path):
    source = Streamed((1000, 256, 256))
    tracemalloc.start()
    write_volume(tmp_path / "a.ome.zarr", Volume(source, 0.5))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    slab = source.largest * 256 * 256 * 4
    assert source.largest == 64
    assert peak < 5 * slab < 1000 * 256 * 256 * 4 / 3
    group = zarr.open_group(tmp_path / "a.ome.zarr", mode="r")
    assert group["0"][999].max() == 999
    assert group["2"][:, 0, 0].tolist() == (np.arange(250) * 4 + 1.5).tolist()


def test_a_slice_reads_no_more_than_its_chunks(tmp_path, monkeypatch):
    """Lazy arrays may not fetch a whole task for a slice, whatever its axis."""
    from napari_snpore.files.chunk_reader import ChunkReader

    data = np.random.default_rng(0).random((100, 300, 200), np.float32)
    written(tmp_path / "a.ome.zarr", data)
    lazy = read_volume(tmp_path / "a.ome.zarr").data
    assert isinstance(lazy, da.Array)
    asked, read = [], ChunkReader.read

    def counted(self, keys):
        found = read(self, keys)
        asked.append(found.size)
        return found

    monkeypatch.setattr(ChunkReader, "read", counted)
    for key in (np.s_[7], np.s_[:, 7], np.s_[:, :, 7], np.s_[10:20, 30:50, ::4]):
        asked.clear()
        np.testing.assert_array_equal(np.asarray(lazy[key]), data[key])
        assert sum(asked) == data[key].size
