"""Crops whose voxels carry their own world position, and cubes in cylinders of known radius."""

import dask.array as da
import numpy as np
import pytest

from napari_snpore.errors import InputError
from napari_snpore.subvolume import center_and_edge_boxes, extract_subvolume, fibre_width
from napari_snpore.volume import Volume

SPACING, ORIGIN = (0.5, 0.2, 0.25), (10.0, -3.0, 0.7)


@pytest.fixture
def positions():
    """Return the volume in which each voxel holds its world position along x."""
    data = np.broadcast_to(ORIGIN[2] + SPACING[2] * np.arange(40), (20, 30, 40))
    return Volume(data, SPACING, ORIGIN)


def test_a_box_keeps_its_place_in_the_world(positions):
    part = extract_subvolume(positions, center_nm=(15, 0, 5.7), size_nm=(4, 2, 3))
    assert part.shape == (8, 10, 12)
    assert part.spacing == SPACING
    world = part.origin[2] + SPACING[2] * np.arange(part.shape[2])
    np.testing.assert_allclose(part.data[0, 0], world)
    assert world.min() >= 5.7 - 1.5
    assert world.max() < 5.7 + 1.5
    assert part.history[-1].parameters["size_nm"] == [4, 2, 3]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_lower_end_belongs_to_the_box_and_the_upper_does_not(axis):
    volume = Volume(np.zeros((10, 10, 10)), 0.15)
    center = [0.15 * 4.5] * 3
    center[axis] = 0.15 * 4  # voxels at 2, 3, 4, 5 of [2, 6)
    part = extract_subvolume(volume, center_nm=center, size_nm=0.6)
    assert part.shape[axis] == 4
    assert part.origin[axis] == pytest.approx(0.3)


def test_boxes_side_by_side_share_no_voxel_and_lose_none():
    volume = Volume(np.arange(30.0)[:, None, None] * np.ones((1, 4, 4)), 0.1)
    found = []
    for k in range(10):  # boxes of 0.3 nm from the first voxel's face on
        found.append(
            extract_subvolume(
                volume, center_nm=(0.3 * k + 0.1, 0.15, 0.15), size_nm=(0.3, 0.4, 0.4)
            )
        )
    np.testing.assert_array_equal(
        np.concatenate([part.data[:, 0, 0] for part in found]), np.arange(30)
    )


def test_the_whole_volume_is_a_box():
    volume = Volume(np.zeros((7, 8, 9), np.uint8), SPACING, ORIGIN)
    middle = [o + (n - 1) / 2 * d for o, n, d in zip(ORIGIN, volume.shape, SPACING, strict=True)]
    assert extract_subvolume(volume, center_nm=middle, size_nm=volume.size_nm).shape == volume.shape


def test_a_crop_of_a_crop_and_lazy_data():
    data = np.random.default_rng(0).random((20, 20, 20))
    volume = Volume(da.from_array(data), 0.5, ORIGIN)
    outer = extract_subvolume(volume, center_nm=(15, 2, 5.7), size_nm=6)
    inner = extract_subvolume(outer, center_nm=(15, 2, 5.7), size_nm=2)
    direct = extract_subvolume(volume, center_nm=(15, 2, 5.7), size_nm=2)
    assert hasattr(inner.data, "compute")
    np.testing.assert_array_equal(np.asarray(inner.data), np.asarray(direct.data))
    np.testing.assert_allclose(inner.origin, direct.origin)
    assert len(inner.history) == 2


def test_a_box_that_leaves_the_volume_is_refused(positions):
    for center in ((10, 0, 5), (15, 3, 5), (15, 0, 100)):
        with pytest.raises(InputError, match="leaves the volume"):
            extract_subvolume(positions, center_nm=center, size_nm=3)
    with pytest.raises(InputError, match="no voxel"):
        extract_subvolume(positions, center_nm=(15.2, 0, 5), size_nm=(0.1, 1, 1))
    with pytest.raises(InputError, match="center_nm"):
        extract_subvolume(positions, center_nm=(15, np.nan, 5), size_nm=1)
    with pytest.raises(InputError):
        extract_subvolume(positions, center_nm=(15, 0, 5), size_nm=-1)


def cylinder(radius=25, shape=(80, 50, 80), middle=(39.5, 39.5), axis=1):
    z, x = np.ogrid[: shape[0], : shape[2]]
    section = (z - middle[0]) ** 2 + (x - middle[1]) ** 2 <= radius**2
    body = np.broadcast_to(section[:, None], shape)
    return np.moveaxis(body, 1, axis)


def cut(envelope, center, size, spacing, origin=(0, 0, 0)):
    return extract_subvolume(Volume(envelope, spacing, origin), center_nm=center, size_nm=size).data


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_centre_cube_sits_on_the_axis_and_the_edge_cube_lies_inside_below_the_surface(axis):
    envelope = cylinder(middle=(36, 42), axis=axis)
    found = center_and_edge_boxes(envelope, spacing=0.5, origin=ORIGIN, size_nm=8, fibre_axis=axis)
    across = [a for a in range(3) if a != axis]
    center, edge = ((np.array(found[name]) - ORIGIN) / 0.5 for name in ("centre", "edge"))
    np.testing.assert_allclose(center[across], (36, 42), atol=0.5)
    assert cut(envelope, found["centre"], 8, 0.5, ORIGIN).all()
    inside = cut(envelope, found["edge"], 8, 0.5, ORIGIN)
    assert inside.mean() > 0.98
    # a square of edge 16 fits into a circle of radius 25 when its outer corners touch it
    expected = np.sqrt(25**2 - 8**2) - 8
    assert np.hypot(*(edge - center)[across]) == pytest.approx(expected, abs=1.2)


@pytest.mark.parametrize(("size", "fits"), [(10, True), (14, False), (20, False)])
def test_a_cube_that_leaves_no_edge_is_refused(size, fits):
    """In a circle of radius R a square of side s below the surface clears the axis up to s = 2 R /
    √5, here 10.7 nm.
    """
    envelope = cylinder(radius=24, shape=(60, 40, 60), middle=(29.5, 29.5))
    if fits:
        found = center_and_edge_boxes(envelope, spacing=0.5, size_nm=size)
        assert found["edge"][2] - found["centre"][2] >= size / 2
    else:
        with pytest.raises(InputError, match=r"fibre is 24 nm across: .* at most 10\.[567] nm"):
            center_and_edge_boxes(envelope, spacing=0.5, size_nm=size)


def test_the_width_of_a_fibre_is_that_of_its_narrower_side():
    assert fibre_width(cylinder(radius=10), spacing=0.5) == pytest.approx(10, abs=0.5)
    assert fibre_width(
        cylinder(radius=10, axis=2), spacing=(0.5, 0.25, 3), fibre_axis=2
    ) == pytest.approx(5, abs=0.25)
    with pytest.raises(InputError, match="half way"):
        fibre_width(np.zeros((9, 9, 9), bool), spacing=1)


def test_places_without_a_fibre_are_refused():
    with pytest.raises(InputError, match="empty"):
        center_and_edge_boxes(np.zeros((9, 9, 9), bool), spacing=1, size_nm=2)
    with pytest.raises(InputError, match="size_nm is 60"):
        center_and_edge_boxes(cylinder(), spacing=1, size_nm=60)
