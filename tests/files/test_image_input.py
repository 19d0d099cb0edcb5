"""What files hold is decided from their content: tilt series, images in time, volume, or too little
to open them.
"""

from __future__ import annotations

import mrcfile
import numpy as np
import pytest
import tifffile

from napari_snpore import Volume, read_tilt_series, write_volume
from napari_snpore.errors import FileFormatError
from napari_snpore.files.image_input import (
    Contents,
    contents_of,
    grouped_inputs,
    is_series_folder,
    lacks_size,
    parse_input,
)
from napari_snpore.files.parsed_file import KINDS

STACK = np.arange(4 * 10 * 12, dtype=np.int16).reshape(4, 10, 12)


def mrc(path, data=STACK, *, angstrom=2.7):
    with mrcfile.new(path, data) as file:
        file.voxel_size = angstrom
    return path


def imagej(path, axes, *, pixel_nm=0.5, **metadata):
    tifffile.imwrite(
        path,
        STACK.astype(np.uint16),
        imagej=True,
        resolution=(1 / pixel_nm,) * 2,
        metadata={"axes": axes, "unit": "nm", **metadata},
    )
    return path


def angles_beside(path, angles):
    path.with_suffix(".tlt").write_text("\n".join(str(angle) for angle in angles))


def contents(path):
    return contents_of(parse_input(path))


def test_a_stack_with_a_voxel_size_is_a_volume(tmp_path):
    assert contents(mrc(tmp_path / "a.mrc")) == Contents("volume", KINDS)
    assert contents(mrc(tmp_path / "b.mrc", angstrom=1.0)) == Contents(
        "volume", KINDS, lacks_size=True
    )


def test_a_stack_with_as_many_angles_as_images_is_a_tilt_series(tmp_path):
    path = mrc(tmp_path / "a.mrc")
    angles_beside(path, [-20, -10, 0, 10])
    assert contents(path) == Contents("tilt series", KINDS)
    path = mrc(tmp_path / "b.mrc", angstrom=1.0)
    angles_beside(path, [-20, -10, 0, 10])
    assert contents(path) == Contents("tilt series", KINDS, lacks_size=True)


def test_a_reconstruction_beside_the_angles_of_its_series_is_a_volume(tmp_path):
    """IMOD leaves a.st, a.tlt and a.rec in one folder; the volume has another number of planes than
    the series images.
    """
    path = mrc(tmp_path / "a.rec")
    angles_beside(path, range(-60, 61, 3))
    assert contents(path) == Contents("volume", KINDS)


def test_angles_of_another_number_are_asked_for_rather_than_ignored(tmp_path):
    path = mrc(tmp_path / "a.mrc")
    angles_beside(path, [-10, 0, 10])
    assert contents(path) == Contents("tilt series", KINDS, lacks_angles=True)


def test_a_suffix_of_tilt_series_without_angles(tmp_path):
    assert contents(mrc(tmp_path / "a.st")) == Contents("tilt series", KINDS, lacks_angles=True)


def test_images_in_time_name_their_first_axis(tmp_path):
    assert contents(imagej(tmp_path / "t.tif", "TYX", finterval=20.0)) == Contents(
        "images in time", KINDS
    )
    assert contents(imagej(tmp_path / "z.tif", "ZYX", finterval=20.0, spacing=0.5)) == Contents(
        "volume", KINDS
    )
    bare = tmp_path / "bare.tif"
    tifffile.imwrite(
        bare, STACK.astype(np.uint16), imagej=True, metadata={"axes": "TYX", "finterval": 20.0}
    )
    assert contents(bare) == Contents("images in time", KINDS, lacks_size=True)


def test_what_size_is_missing_depends_on_the_kind(tmp_path):
    source = parse_input(
        imagej(tmp_path / "a.tif", "ZYX")
    )  # pixel size, but no distance of the planes
    assert lacks_size(source, "volume")
    assert not lacks_size(source, "tilt series")
    assert not lacks_size(source, "images in time")


def test_single_images_without_angles_are_a_series_or_slices(tmp_path):
    for number in (10, 9, 2):
        tifffile.imwrite(tmp_path / f"frame{number}.tif", np.full((12, 16), number, np.uint8))
    source = parse_input(tmp_path)
    assert contents_of(source) == Contents("tilt series", KINDS, lacks_angles=True, lacks_size=True)
    assert [path.name for path in source.paths] == ["frame2.tif", "frame9.tif", "frame10.tif"]
    series = read_tilt_series(tmp_path, angles_deg=[-1, 0, 1], pixel_size_nm=0.5)
    assert [int(image[0, 0]) for image in series.images] == [2, 9, 10]


def test_grouping_joins_single_images_of_one_folder_and_suffix(tmp_path):
    paths = []
    for folder, names in (
        ("a", ["3.tif", "1.tif", "2.tif"]),
        ("b", ["1.tif", "2.tif"]),
        ("c", ["1.mrc", "2.mrc"]),
    ):
        (tmp_path / folder).mkdir()
        for name in names:
            place = tmp_path / folder / name
            if place.suffix == ".tif":
                tifffile.imwrite(place, np.zeros((12, 16), np.uint8))
            else:
                mrc(place, STACK[:1])
            paths.append(place)
    stacks = [
        write_volume(tmp_path / name, Volume(STACK, 0.5)) for name in ("x.tif", "y.tif", "z.tif")
    ]
    groups = grouped_inputs([parse_input(path) for path in [*paths, *stacks]])
    names = [[path.relative_to(tmp_path).as_posix() for path in group.paths] for group in groups]
    assert names == [
        ["a/1.tif", "a/2.tif", "a/3.tif"],
        ["b/1.tif"],
        ["b/2.tif"],
        ["c/1.mrc", "c/2.mrc"],
        ["x.tif"],
        ["y.tif"],
        ["z.tif"],
    ]


@pytest.mark.parametrize(
    ("names", "is_series"),
    [
        (["1.tif", "2.tif", "3.tif", "notes.txt"], True),
        (["1.dm3", "2.dm3", "3.dm3"], True),
        (["1.tif", "2.tif"], False),
        (["1.tif", "2.tif", "3.mrc"], False),
        (["1.npy", "2.npy", "3.npy"], False),
        ([], False),
    ],
)
def test_a_folder_of_single_images_is_recognized_by_its_names(tmp_path, names, is_series):
    for name in names:
        (tmp_path / name).touch()
    assert is_series_folder(tmp_path) is is_series


def test_a_damaged_side_file_is_named(tmp_path):
    path = mrc(tmp_path / "a.mrc")
    path.with_suffix(".tlt").write_text("no angles")
    with pytest.raises(FileFormatError, match=r"a\.tlt"):
        contents(path)
