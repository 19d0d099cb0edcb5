"""A disk that is full at any byte, simulated by the largest size of a file that a process may
write: one sentence, and nothing left.
"""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest

from napari_snpore import Volume, write_volume
from napari_snpore.errors import OutputError
from napari_snpore.files import write_table

resource = pytest.importorskip("resource")

VOLUME = Volume(np.random.default_rng(0).random((20, 30, 40), dtype=np.float32), 0.5)


def said_with_files_of(size, work):
    """Return what work says in a child whose files end at a size; "bus error" and the like where it
    does not live to say it.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        try:
            work()
            said = "written"
        except OutputError as error:
            said = str(error)
        except BaseException as error:
            said = f"another exception: {type(error).__name__}"
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with os.fdopen(reader) as pipe:
        return pipe.read() if status == 0 else f"ended by signal {-status}"


@pytest.mark.parametrize("suffix", [".tif", ".mrc", ".ome.zarr"])
@pytest.mark.parametrize("size", [200, 1000, 1025, 5000, 60_000, 95_999])
def test_volume_meets_the_end_of_the_disk(tmp_path, suffix, size):
    said = said_with_files_of(size, lambda: write_volume(tmp_path / f"a{suffix}", VOLUME))
    if suffix == ".ome.zarr" and size > 80_000:
        assert said == "written", "chunks are compressed"
        return
    assert said.startswith(f"{tmp_path / f'a{suffix}'} cannot be written: ")
    assert "snpore-work" not in said
    assert "\n" not in said
    assert list(tmp_path.iterdir()) == []


def test_table_meets_the_end_of_the_disk(tmp_path):
    table = pd.DataFrame({"length_nm": np.arange(20_000)})
    said = said_with_files_of(10_000, lambda: write_table(tmp_path / "a.csv", table))
    assert said.startswith(f"{tmp_path / 'a.csv'} cannot be written: ")
    assert list(tmp_path.iterdir()) == []


def test_earlier_volume_is_still_there(tmp_path):
    path = tmp_path / "a.mrc"
    write_volume(path, VOLUME)
    before = path.read_bytes()
    said = said_with_files_of(50_000, lambda: write_volume(path, VOLUME, overwrite=True))
    assert "cannot be written" in said
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["a.mrc"]
