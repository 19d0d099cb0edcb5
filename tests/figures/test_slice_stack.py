"""All slices of a stack: the right voxels in the right order, one contrast for all, numbered files
that carry their place.
"""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from napari_snpore.errors import InputError, OutputError, Stopped
from napari_snpore.figures import recipe_of, slice_images, write_slice_images
from napari_snpore.figures.panels import in_colors
from napari_snpore.figures.phase_colors import phase_image
from napari_snpore.segmentation.phases import PORE_C_SN
from napari_snpore.volume import Volume

GRAY = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
SHAPE = (3, 4, 5)


def coloring(values):
    return in_colors(values, (0.0, 255.0), GRAY)


def counting(spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0)):
    """Every voxel its own grey value: z, y and x as its hundreds, tens and ones."""
    z, y, x = np.indices(SHAPE)
    return Volume((100 * z + 10 * y + x).astype(np.float32), spacing, origin)


def voxels(picture, rows, columns):
    """One pixel from the middle of each voxel, first channel."""
    high, wide = picture.shape[0] / rows, picture.shape[1] / columns
    down = ((np.arange(rows) + 0.5) * high).astype(int)
    right = ((np.arange(columns) + 0.5) * wide).astype(int)
    return picture[np.ix_(down, right)][..., 0].tolist()


@pytest.mark.parametrize(
    ("plane", "count", "of_one"),
    [
        ("XY", 3, [[100, 101, 102, 103, 104], [110, 111, 112, 113, 114], [120, 121, 122, 123, 124], [130, 131, 132, 133, 134]]),
        ("XZ", 4, [[10, 11, 12, 13, 14], [110, 111, 112, 113, 114], [210, 211, 212, 213, 214]]),
        ("YZ", 5, [[1, 101, 201], [11, 111, 211], [21, 121, 221], [31, 131, 231]]),
    ],
)  # fmt: skip
def test_the_second_slice_written_out_by_hand(plane, count, of_one):
    pictures = list(slice_images(counting(), coloring, plane=plane, labels=False))
    assert len(pictures) == count
    assert {picture.shape for picture in pictures} == {pictures[0].shape}
    assert all(picture.dtype == np.uint8 and picture.shape[2] == 3 for picture in pictures)
    assert voxels(pictures[1], len(of_one), len(of_one[0])) == of_one


def test_one_contrast_for_all_slices():
    """A slice that holds few grey values is not stretched to the whole range."""
    data = np.zeros(SHAPE, np.float32)
    data[1], data[2] = 100, 255
    pictures = list(slice_images(Volume(data, (1.0, 1.0, 1.0)), coloring, plane="XY", labels=False))
    assert [set(picture.ravel().tolist()) for picture in pictures] == [{0}, {100}, {255}]


def test_phases_have_the_colours_of_their_scheme():
    labels = np.array([[[0, 1, 2, 3]]], np.uint8)
    (picture,) = slice_images(
        Volume(labels, (1.0, 1.0, 1.0)),
        lambda v: phase_image(v, PORE_C_SN),
        plane="XY",
        labels=False,
    )
    step = picture.shape[1] // 4
    found = ["#" + bytes(picture[0, k * step + step // 2]).hex() for k in range(4)]
    assert found == ["#e1e1e1", *PORE_C_SN.colors]


def test_writing_covers_corners_and_leaves_the_rest(labels):
    volume = Volume(labels, (0.5, 0.5, 0.5))
    plain, written = (
        list(slice_images(volume, lambda v: phase_image(v, PORE_C_SN), plane="XY", labels=on))
        for on in (False, True)
    )
    changed = (plain[4] != written[4]).any(axis=2)
    rows, columns = np.nonzero(changed)
    height, width = changed.shape
    assert 0.002 < changed.mean() < 0.2
    assert rows.min() < 0.1 * height, "place at the top"
    assert rows.max() > 0.9 * height, "scale bar at the bottom"
    assert columns.max() < 0.6 * width
    assert not changed[height // 4 : 3 * height // 4].any()
    assert any((first != second).any() for first, second in pairwise(written))


def test_the_scale_bar_is_as_long_as_it_says():
    """40 voxels of 0.5 nm are 20 nm; the bar is 5 nm, a quarter of the width."""
    volume = Volume(np.zeros((1, 40, 40), np.float32), (0.5, 0.5, 0.5))
    (picture,) = slice_images(volume, coloring, plane="XY")
    runs = [longest_white(row) for row in picture[picture.shape[0] // 2 :]]
    assert max(runs) == round(picture.shape[1] / 4)


def longest_white(row):
    best = run = 0
    for pixel in row:
        run = run + 1 if (pixel == 255).all() else 0
        best = max(best, run)
    return best


class OneSlice:
    """Data that may be read one slice at a time only."""

    shape, ndim, dtype = SHAPE, 3, np.dtype(np.float32)

    def __init__(self):
        self.read = []

    def __getitem__(self, place):
        assert sum(isinstance(one, int) for one in place) == 1
        self.read.append(place)
        return np.zeros(
            [n for n, one in zip(SHAPE, place, strict=True) if not isinstance(one, int)], np.float32
        )


def test_slices_are_read_when_they_are_wanted():
    data = OneSlice()
    pictures = slice_images(Volume(data, (1.0, 1.0, 1.0)), coloring, plane="XZ")
    assert not data.read
    next(pictures)
    assert len(data.read) == 1


def test_files_hold_the_pictures_and_their_recipe(tmp_path):
    volume = counting(origin=(10.0, 20.0, 30.0))
    seen = []
    paths = write_slice_images(
        tmp_path / "new" / "slices",
        volume,
        coloring,
        plane="XZ",
        stem="fibre",
        recipe={"layer": "grey"},
        progress=lambda done, total: seen.append((done, total)),
    )
    assert [path.name for path in paths] == [f"fibre_000{k}.png" for k in (1, 2, 3, 4)]
    assert sorted((tmp_path / "new" / "slices").iterdir()) == paths, "nothing else is left"
    assert [found.name for found in (tmp_path / "new").iterdir()] == ["slices"]
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    for path, picture in zip(paths, slice_images(volume, coloring, plane="XZ"), strict=True):
        with Image.open(path) as image:
            np.testing.assert_array_equal(np.asarray(image), picture)
            assert json.loads(image.info["Recipe"]) == recipe_of(path)
    assert [recipe_of(path) for path in paths] == [
        {"layer": "grey", "plane": "XZ", "position_nm": y} for y in (20.0, 21.0, 22.0, 23.0)
    ]


def test_what_cannot_be_written_is_refused_before_anything_is(tmp_path):
    write_slice_images(tmp_path / "a", counting(), coloring)
    before = {path: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    with pytest.raises(InputError, match="overwrite"):
        write_slice_images(tmp_path / "a", counting((2.0, 2.0, 2.0)), coloring)
    assert {path: path.read_bytes() for path in (tmp_path / "a").iterdir()} == before
    with pytest.raises(InputError, match="plane"):
        write_slice_images(tmp_path / "b", counting(), coloring, plane="diagonal")
    assert not (tmp_path / "b").exists()


def test_a_request_to_stop_ends_the_writing(tmp_path):
    asked = iter([False, False, True])
    with pytest.raises(Stopped):
        write_slice_images(tmp_path / "a", counting(), coloring, should_stop=lambda: next(asked))
    assert not list(tmp_path.rglob("*.png.*")) + list(tmp_path.rglob(".*")), "no half-written file"


class Cancel(Exception):
    pass


def test_an_exception_of_progress_comes_through(tmp_path):
    def cancel(done, total):
        if done == 2:
            raise Cancel

    with pytest.raises(Cancel):
        write_slice_images(tmp_path / "a", counting(), coloring, progress=cancel)
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.parametrize(
    "spacing", [(1.0, 0.7, 0.7), (0.45, 0.3, 0.3), (0.6, 0.5, 0.5), (0.3, 1.0, 0.4)]
)
@pytest.mark.parametrize("plane", ["XY", "XZ", "YZ"])
def test_pictures_have_the_shape_of_the_slice_at_any_voxel(spacing, plane):
    """A pixel is as high as wide, to half a pixel, and every voxel is there."""
    volume = counting(spacing)
    picture = next(slice_images(volume, coloring, plane=plane, labels=False))
    down, right = {"XY": (1, 2), "XZ": (0, 2), "YZ": (1, 0)}[plane]
    true = SHAPE[down] * spacing[down] / (SHAPE[right] * spacing[right])
    assert picture.shape[0] / picture.shape[1] == pytest.approx(
        true, rel=1 / min(picture.shape[:2])
    )
    assert len(np.unique(picture[..., 0])) == SHAPE[down] * SHAPE[right]


@pytest.mark.parametrize("shape", [(1, 6, 600), (1, 600, 6), (1, 2, 2), (1, 700, 40)])
def test_slender_slices_get_room_for_the_writing(shape):
    """The place and the bar stand whole inside a margin; the slice keeps its upper left corner."""
    volume = Volume(np.full(shape, 90, np.float32), (0.5, 0.5, 0.5))
    (plain,), (written,) = (
        list(slice_images(volume, coloring, plane="XY", labels=on)) for on in (False, True)
    )
    height, width = plain.shape[:2]
    assert written.shape[0] >= height
    assert written.shape[1] >= width
    bright = (written > 200).all(axis=2)
    rows, columns = np.nonzero(bright)
    assert rows.min() > 0
    assert columns.min() > 0
    assert rows.max() < written.shape[0] - 1
    assert columns.max() < written.shape[1] - 1


def test_a_stack_is_whole_or_not_there(tmp_path):
    def cancel(done, total):
        if done == 2:
            raise Cancel

    with pytest.raises(Cancel):
        write_slice_images(tmp_path / "a", counting(), coloring, progress=cancel)
    asked = iter([False, False, True])
    with pytest.raises(Stopped):
        write_slice_images(tmp_path / "a", counting(), coloring, should_stop=lambda: next(asked))
    assert not list(tmp_path.iterdir())
    paths = write_slice_images(tmp_path / "a", counting(), coloring)
    before = [path.read_bytes() for path in paths]
    with pytest.raises(Cancel):
        write_slice_images(
            tmp_path / "a", counting((2.0, 2.0, 2.0)), coloring, overwrite=True, progress=cancel
        )
    assert [path.read_bytes() for path in paths] == before


def test_overwriting_leaves_one_stack_and_what_others_put_there(tmp_path):
    write_slice_images(tmp_path, counting(), coloring, plane="YZ")
    others = [tmp_path / name for name in ("notes.txt", "slice_mean.png", "other_0001.png")]
    for path in others:
        path.write_text("mine")
    paths = write_slice_images(tmp_path, counting(), coloring, plane="XY", overwrite=True)
    assert sorted(tmp_path.iterdir()) == sorted(paths + others)
    assert {recipe_of(path)["plane"] for path in paths} == {"XY"}
    assert {path.read_text() for path in others} == {"mine"}


def test_a_folder_that_holds_anything_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="already"):
        write_slice_images(tmp_path, counting(), coloring)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="file"):
        write_slice_images(tmp_path / "file" / "slices", counting(), coloring)
