"""Surface, orientation and depth against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from napari_snpore.errors import InputError
from napari_snpore.measurement.objects import measure_objects
from napari_snpore.measurement.shape import crofton_weights


def ball(radius, spacing=(1.0, 1.0, 1.0), center=(0.0, 0.0, 0.0)) -> np.ndarray:
    """One object: the voxels whose centres lie within a sphere (nm)."""
    half = [math.ceil(radius / d) + 2 for d in spacing]
    grid = np.meshgrid(
        *[np.arange(-n, n + 1) * d - c for n, d, c in zip(half, spacing, center, strict=True)],
        indexing="ij",
    )
    return (sum(g**2 for g in grid) <= radius**2).astype(np.uint32)


def row_of(labels, **options):
    table = measure_objects(labels, **{"spacing": 1.0, **options})
    assert len(table) == 1
    return table.iloc[0]


def test_weights_of_cubic_voxels_are_the_tabled_ones():
    # Voronoi shares of the 26 neighbours of a cubic lattice, as tabled in the literature, for one
    # direction of each pair
    weights = crofton_weights((1.0, 1.0, 1.0))
    assert sum(weights) == pytest.approx(1)
    assert sorted(set(np.round(weights, 9))) == pytest.approx(
        [2 * 0.035195639782, 2 * 0.036980627876, 2 * 0.045777891205]
    )


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.15, 0.15, 0.15), (2.0, 1.0, 0.7)])
@pytest.mark.parametrize("center", [(0.0, 0.0, 0.0), (0.31, 0.17, 0.43)])
def test_sphere(spacing, center):
    radius = 20 * (np.prod(spacing) ** (1 / 3))
    row = row_of(ball(radius, spacing, np.array(center) * spacing), spacing=spacing)
    assert row["surface_area_nm2"] == pytest.approx(4 * math.pi * radius**2, rel=0.01)
    assert row["volume_nm3"] == pytest.approx(4 / 3 * math.pi * radius**3, rel=0.01)
    assert row["equivalent_diameter_nm"] == pytest.approx(2 * radius, rel=0.005)
    assert row["sphericity"] == pytest.approx(1, abs=0.01)
    assert 0.9 < row["solidity"] < 1, "the hull of the boxes lies half a voxel further out"


def test_surface_is_near_that_of_simpleitk():
    labels = ball(12) | np.roll(ball(12), 0)
    labels[10:16, 10:16] = 1
    peer = sitk.LabelShapeStatisticsImageFilter()
    peer.ComputePerimeterOn()
    peer.Execute(sitk.GetImageFromArray(labels))
    assert row_of(labels)["surface_area_nm2"] == pytest.approx(peer.GetPerimeter(1), rel=0.01)


def test_touching_objects_have_surfaces_of_their_own():
    pair = np.zeros((9, 9, 14), np.uint8)
    pair[2:7, 2:7, 2:7], pair[2:7, 2:7, 7:12] = 1, 2
    alone = row_of((pair == 1).astype(np.uint8))
    table = measure_objects(pair, spacing=1.0)
    assert table["surface_area_nm2"].to_list() == pytest.approx([alone["surface_area_nm2"]] * 2)


def test_surface_does_not_depend_on_lying_at_the_border():
    cube = np.ones((5, 5, 5), np.uint8)
    assert row_of(cube)["surface_area_nm2"] == pytest.approx(
        row_of(np.pad(cube, 2))["surface_area_nm2"]
    )


@pytest.mark.parametrize(
    ("edges", "spacing", "axis"),
    [
        ((2, 2, 9), (1, 1, 1), (0, 0, 1)),
        ((9, 2, 2), (1, 1, 1), (1, 0, 0)),
        ((4, 4, 4), (1, 3, 1), (0, 1, 0)),
        ((1, 1, 1), (1, 1, 2), (0, 0, 1)),
    ],
)
def test_orientation_of_boxes(edges, spacing, axis):
    row = row_of(np.pad(np.ones(edges, int), 1), spacing=spacing)
    assert row[["orientation_z", "orientation_y", "orientation_x"]].to_list() == pytest.approx(axis)


@pytest.mark.parametrize("signs", [(1, 1), (-1, 1), (1, -1)])
def test_orientation_of_a_diagonal_in_nm(signs):
    line = np.zeros((12, 12, 12), int)
    for k in range(12):
        line[k, k if signs[0] > 0 else 11 - k, k if signs[1] > 0 else 11 - k] = 1
    expected = np.array([2, signs[0], signs[1]]) / math.sqrt(6)
    row = row_of(line, spacing=(2, 1, 1))
    # the boxes' own spread turns the axis a little
    np.testing.assert_allclose(
        row[["orientation_z", "orientation_y", "orientation_x"]].to_list(), expected, atol=0.02
    )


def test_a_cube_has_no_axis():
    row = row_of(np.pad(np.ones((3, 3, 3), int), 1))
    assert np.isnan(row[["orientation_z", "orientation_y", "orientation_x"]].to_list()).all()


def test_depth_below_the_envelope_but_not_below_the_box():
    envelope = np.zeros((20, 10, 20), bool)
    envelope[4:16, :, 4:16] = True  # cut along y
    labels = np.zeros(envelope.shape, int)
    labels[4, 5, 10], labels[9, 0, 7], labels[1, 1, 1] = 1, 2, 3
    table = measure_objects(labels, spacing=(0.5, 1, 0.5), envelope=envelope)
    assert table["depth_nm"].to_list() == pytest.approx([0.5, 2.0, 0.0])
    everywhere = measure_objects(labels, spacing=1.0, envelope=np.ones_like(envelope))
    assert everywhere["depth_nm"].isna().all()


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.3, 1.0, 2.5)])
@pytest.mark.parametrize("sigma", [0.7, 4.0])
def test_depth_is_that_of_the_distance_map_of_scipy(spacing, sigma):
    rng = np.random.default_rng(5)
    envelope = ndimage.gaussian_filter(rng.normal(size=(45, 40, 50)), sigma) > -0.2 * sigma ** (
        -3 / 2
    )
    labels = np.zeros(envelope.shape, int)
    places = rng.choice(labels.size, 3000, replace=False)
    labels.ravel()[np.sort(places)] = np.arange(1, 3001)  # objects of one voxel
    table = measure_objects(labels, spacing=spacing, envelope=envelope)
    expected = ndimage.distance_transform_edt(envelope, sampling=spacing)[labels > 0]
    np.testing.assert_allclose(table["depth_nm"], expected, rtol=1e-12)


@pytest.mark.parametrize("envelope", [np.ones((4, 4, 5), bool), np.ones((4, 4, 4), np.uint8)])
def test_an_envelope_of_another_kind_is_refused(envelope):
    with pytest.raises(InputError, match="envelope"):
        measure_objects(np.ones((4, 4, 4), int), spacing=1.0, envelope=envelope)
