"""Files that cannot be used: one sentence each, naming the file, and nothing half-written."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_snpore import Volume, read_tilt_series, read_volume, write_table, write_volume
from napari_snpore.errors import (
    DisagreementError,
    FileFormatError,
    InputError,
    MissingAnglesError,
    MissingScaleError,
    OutputError,
)
from napari_snpore.files import SUFFIXES
from napari_snpore.files.atomic import atomic_path
from napari_snpore.files.formats import format_of, plane_count

STACK = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)


def series_file(tmp_path, *, pixel_angstrom=2.7, angles=(-30, -10, 10, 30)):
    with mrcfile.new(tmp_path / "a.mrc", STACK, overwrite=True) as file:
        file.voxel_size = pixel_angstrom
    if angles is not None:
        (tmp_path / "a.tlt").write_text("\n".join(map(str, angles)))
    return tmp_path / "a.mrc"


@pytest.mark.parametrize("suffix", sorted(set(SUFFIXES) - {".zarr"}))
@pytest.mark.parametrize("content", [b"", b"rubbish", bytes(range(256)) * 8])
def test_rubbish_is_refused_by_name(tmp_path, suffix, content):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    for read in (
        lambda: read_volume(path, spacing=1),
        lambda: read_tilt_series(path, pixel_size_nm=1, angles_deg=[0]),
    ):
        with pytest.raises(FileFormatError) as caught:
            read()
        assert path.name in str(caught.value)
        assert "\n" not in str(caught.value)
    assert plane_count(path) == (0 if format_of(path).plane_count else 2)


@pytest.mark.parametrize("suffix", [".mrc", ".dm3", ".tif", ".npy", ".am"])
def test_truncated_file_is_refused(tmp_path, suffix):
    whole = tmp_path / f"whole{suffix}"
    if suffix == ".dm3":
        whole.write_bytes((files("napari_snpore") / "data" / "needle" / "HAADF.dm3").read_bytes())
    elif suffix == ".npy":
        np.save(whole, STACK)
    elif suffix == ".am":
        head = "# AmiraMesh BINARY-LITTLE-ENDIAN 2.1\ndefine Lattice 6 5 4\nLattice { short Data } @1\n@1\n"
        whole.write_bytes(head.encode() + STACK.tobytes())
    else:
        write_volume(whole, Volume(STACK, 0.5))
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(whole.read_bytes()[: -STACK.nbytes // 2])
    with pytest.raises(FileFormatError, match=rf"cut\{suffix}"):
        read_volume(path, spacing=0.5)


@pytest.mark.parametrize("how_many", ["one", "all"])
def test_zarr_whose_chunks_are_gone_is_not_read_as_zeros(tmp_path, how_many):
    path = write_volume(tmp_path / "a.ome.zarr", Volume(np.zeros((70, 4, 5), np.float32), 0.5))
    assert read_volume(path).shape == (70, 4, 5)
    chunks = [chunk for chunk in (path / "0" / "c").rglob("*") if chunk.is_file()]
    assert len(chunks) == 2
    for chunk in chunks if how_many == "all" else chunks[:1]:
        chunk.unlink()
    with pytest.raises(FileFormatError, match="of 2 chunks"):
        read_volume(path)


def test_zarr_with_a_damaged_chunk(tmp_path):
    write_volume(tmp_path / "a.ome.zarr", Volume(np.random.default_rng(0).random((8, 8, 8)), 0.5))
    chunk = next(
        path for path in (tmp_path / "a.ome.zarr" / "0" / "c").rglob("*") if path.is_file()
    )
    chunk.write_bytes(chunk.read_bytes()[:50])
    volume = read_volume(tmp_path / "a.ome.zarr")
    with pytest.raises(FileFormatError, match=r"a\.ome\.zarr holds a chunk that is damaged"):
        np.asarray(volume.data)


def test_zarr_folder_without_image(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(FileFormatError, match=r"a\.zarr"):
        read_volume(tmp_path / "a.zarr")


def test_unknown_suffix_and_missing_file(tmp_path):
    (tmp_path / "a.xyz").write_text("x")
    with pytest.raises(FileFormatError, match=r"a\.xyz has a suffix that is not read"):
        read_volume(tmp_path / "a.xyz")
    with pytest.raises(FileFormatError, match=r"no file .*nowhere\.mrc"):
        read_tilt_series(tmp_path / "nowhere.mrc")
    with pytest.raises(InputError, match="empty list"):
        read_tilt_series([])
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileFormatError, match="holds no file that is read"):
        read_tilt_series(tmp_path / "folder")


def test_colour_and_four_axes_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "rgb.tif", np.zeros((4, 8, 8, 3), np.uint8), photometric="rgb")
    with pytest.raises(FileFormatError, match="colour"):
        read_volume(tmp_path / "rgb.tif", spacing=1)
    tifffile.imwrite(
        tmp_path / "four.tif",
        np.zeros((2, 3, 8, 8), np.uint8),
        imagej=True,
        metadata={"axes": "TZYX"},
    )
    with pytest.raises(FileFormatError, match="one channel and one time"):
        read_volume(tmp_path / "four.tif", spacing=1)
    np.save(tmp_path / "flat.npy", np.zeros((4, 4)))
    with pytest.raises(FileFormatError, match="three axes"):
        read_volume(tmp_path / "flat.npy", spacing=1)
    np.save(tmp_path / "complex.npy", np.zeros((2, 2, 2), complex))
    with pytest.raises(FileFormatError, match="real grey values"):
        read_volume(tmp_path / "complex.npy", spacing=1)


def test_no_image_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((0, 4, 4)))
    with pytest.raises(FileFormatError, match="holds no image"):
        read_volume(tmp_path / "a.npy", spacing=1)


def test_default_cell_of_one_angstrom_counts_as_none(tmp_path):
    with pytest.raises(MissingScaleError, match="give pixel_size_nm"):
        read_tilt_series(series_file(tmp_path, pixel_angstrom=1.0))
    assert (
        read_tilt_series(series_file(tmp_path, pixel_angstrom=1.0), pixel_size_nm=0.4).pixel_size_nm
        == 0.4
    )
    assert (
        read_tilt_series(series_file(tmp_path, pixel_angstrom=0.0), pixel_size_nm=0.4).pixel_size_nm
        == 0.4
    )


def test_the_caller_wins_over_the_file_and_the_history_says_so(tmp_path):
    path = series_file(tmp_path)
    near, far = (read_tilt_series(path, pixel_size_nm=size) for size in (0.2715, 0.3))
    assert (near.pixel_size_nm, far.pixel_size_nm) == (0.2715, 0.3)
    assert "notes" not in near.history[-1].parameters
    assert far.history[-1].parameters["notes"] == [
        "pixel size by the caller; the file says 0.27 nm"
    ]
    volume = read_volume(path, spacing=(0.27, 0.3, 0.3))
    assert volume.spacing == (0.27, 0.3, 0.3)
    assert "0.27 × 0.27 × 0.27 nm" in volume.history[-1].parameters["notes"][0]


def test_side_file_and_header_must_agree(tmp_path):
    path = series_file(tmp_path)
    (tmp_path / "a.mdoc").write_text("PixelSpacing = 5.4\n[ZValue = 0]\n")
    with pytest.raises(DisagreementError, match=r"0\.54 nm by a\.mdoc"):
        read_tilt_series(path)


def test_angles_must_match_the_images(tmp_path):
    with pytest.raises(MissingAnglesError, match=r"holds 4 images, but a\.tlt gives 3 tilt angles"):
        read_tilt_series(series_file(tmp_path, angles=(-10, 0, 10)))
    path = series_file(tmp_path)
    with pytest.raises(MissingAnglesError, match="the caller gives 2 tilt angles"):
        read_tilt_series(path, angles_deg=[0, 1])
    series = read_tilt_series(path, angles_deg=[-30, -10, 10, 31])
    assert series.angles_deg.tolist() == [-30, -10, 10, 31]
    assert series.history[-1].parameters["notes"] == [
        "tilt angles by the caller; a.tlt differs by up to 1°"
    ]
    (tmp_path / "a.tlt").unlink()
    with pytest.raises(MissingAnglesError, match="give angles_deg"):
        read_tilt_series(path)
    (tmp_path / "a.tlt").write_text("one\ntwo\n")
    with pytest.raises(FileFormatError, match=r"a\.tlt is not a file of tilt angles"):
        read_tilt_series(path)


def test_pixels_must_be_square(tmp_path):
    with mrcfile.new(tmp_path / "a.mrc", STACK) as file:
        file.voxel_size = (2.0, 3.0, 2.0)
    with pytest.raises(FileFormatError, match="square pixels"):
        read_tilt_series(tmp_path / "a.mrc", angles_deg=[0, 1, 2, 3])


def test_writing_refuses_what_it_cannot_keep(tmp_path):
    volume = Volume(STACK, 0.5)
    with pytest.raises(FileFormatError, match=r"a\.xyz has a suffix that is not written"):
        write_volume(tmp_path / "a.xyz", volume)
    with pytest.raises(FileFormatError, match=r"a\.mrc cannot be written: MRC holds no uint32"):
        write_volume(tmp_path / "a.mrc", Volume(STACK.astype(np.uint32), 0.5))
    with pytest.raises(FileFormatError, match="at most 32 bits"):
        write_volume(tmp_path / "a.tif", Volume(STACK.astype(np.int64), 0.5))
    assert list(tmp_path.iterdir()) == []
    write_volume(tmp_path / "a.tif", volume)
    before = (tmp_path / "a.tif").read_bytes()
    with pytest.raises(OutputError, match="overwrite=True"):
        write_volume(tmp_path / "a.tif", volume)
    assert (tmp_path / "a.tif").read_bytes() == before


def test_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot be written"):
        write_volume(tmp_path / "file" / "a.tif", Volume(STACK, 0.5))
    with pytest.raises(OutputError, match="cannot be written"):
        write_table(tmp_path / "file" / "a.csv", pd.DataFrame({"a": [1]}))


def test_failure_keeps_what_was_there(tmp_path):
    (tmp_path / "a.txt").write_text("old")

    def half_way():
        with atomic_path(tmp_path / "a.txt") as part:
            part.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_way()
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_table_is_plain_csv(tmp_path):
    write_table(
        tmp_path / "deep" / "a.csv",
        pd.DataFrame({"length_nm": [0.1 + 0.2], "touches_border": [True]}),
    )
    assert (tmp_path / "deep" / "a.csv").read_text(
        encoding="utf-8"
    ) == "length_nm,touches_border\n0.30000000000000004,1\n"


def test_the_look_into_a_header_never_raises(tmp_path):
    for odd in (tmp_path, tmp_path / "nowhere.tif", tmp_path / "x.zarr", "", "/"):
        assert plane_count(Path(odd)) == 0
