"""Arrays on disk that several processes write: what a lost one leaves."""

from __future__ import annotations

import numpy as np

from napari_snpore import Volume, read_volume
from napari_snpore.files.ome_zarr_writer import complete_ome_zarr
from napari_snpore.files.stored_array import make_array


def test_what_a_lost_process_left_of_a_block_does_not_stay(tmp_path):
    data = np.arange(32 * 16 * 16, dtype=np.uint16).reshape(32, 16, 16)
    path = tmp_path / "a.ome.zarr"
    array = make_array(path, "0", data.shape, (16, 16, 16), data.dtype)
    array[(slice(0, 32), slice(0, 16), slice(0, 16))] = data
    file = next(one for one in (path / "0" / "c").rglob("*") if one.is_file())
    file.with_name("0.4711.partial").write_bytes(b"half of it")
    complete_ome_zarr(path, Volume(array, 0.5))
    np.testing.assert_array_equal(np.asarray(read_volume(path)), data)
    assert not list(path.rglob("*.partial"))
