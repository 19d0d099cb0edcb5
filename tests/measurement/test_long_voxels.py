"""Voxels much longer along one axis than along another: bodies of known size, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

import napari_snpore as snpore
from napari_snpore.errors import InputError
from napari_snpore.measurement.envelope_depth import envelope_depth
from napari_snpore.measurement.face_distance import distance_to_faces
from napari_snpore.measurement.shape import crofton_weights

RATIOS = [(0.5, 0.5, 5.0), (10.0, 0.1, 0.1), (1.0, 1.0, 1e-6), (1e9, 1.0, 1.0), (1e-6, 1e9, 1.0)]


def ball(spacing, radius):
    sides = [2 * math.ceil(radius / edge) + 3 for edge in spacing]
    places = np.meshgrid(
        *[(np.arange(n) - (n - 1) / 2) * d for n, d in zip(sides, spacing, strict=True)],
        indexing="ij",
    )
    return sum(place**2 for place in places) <= radius**2


def dumbbell(gap):
    """Two plates side by side along x, ``gap`` voxels apart, and a neck one voxel wide between."""
    mask = np.zeros((9, 9, 10 + gap), bool)
    mask[1:8, 1:8, 1:5] = mask[1:8, 1:8, 5 + gap : 9 + gap] = True
    mask[4, 4, 5 : 5 + gap] = True
    return mask


@pytest.mark.parametrize("spacing", RATIOS)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_slab_has_its_thickness_across_any_edge(spacing, axis):
    mask = np.zeros((11, 11, 11), bool)
    mask[(slice(None),) * axis + (slice(4, 7),)] = True
    found = snpore.local_thickness(mask, spacing=spacing)
    assert found[mask] == pytest.approx(3 * spacing[axis], rel=1e-5)


@pytest.mark.parametrize("spacing", [(0.5, 0.5, 5.0), (5.0, 0.5, 0.5), (0.5, 2.0, 1.0)])
def test_a_ball_is_measured_in_nm(spacing):
    radius = 30.0
    mask = ball(spacing, radius)
    row = snpore.measure_objects(mask.astype(np.uint32), spacing=spacing).iloc[0]
    longest = max(spacing)
    assert row["equivalent_diameter_nm"] == pytest.approx(2 * radius, rel=0.01)
    assert row["surface_area_nm2"] == pytest.approx(4 * math.pi * radius**2, rel=0.03)
    # the ball of 2R lies within its voxels' boxes, which reach at most an edge farther
    assert 2 * radius - longest <= row["width_nm"] <= row["length_nm"]
    assert row["length_nm"] <= 2 * radius + 2 * longest
    thickest = float(snpore.local_thickness(mask, spacing=spacing).max())
    assert 2 * radius - 2 * longest <= thickest <= 2 * radius + longest
    mesh = snpore.surface_mesh(mask, 1, spacing=spacing)
    corners = mesh.vertices_nm[mesh.faces].astype(np.float64)
    volume = np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    assert abs(volume) == pytest.approx(4 / 3 * math.pi * radius**3, rel=0.02)


def test_depth_below_the_surface_is_that_of_voxel_centres():
    mask = np.zeros((7, 40, 40), bool)
    mask[2:5] = True  # three voxels of 10 nm: their centres lie 5, 15 and 5 nm deep
    deep = envelope_depth(mask, spacing=(10.0, 0.1, 0.1), cut_axes=(1, 2))
    assert deep[:, 20, 20].tolist() == pytest.approx([0, 0, 5, 15, 5, 0, 0])
    table = snpore.radial_profile(
        mask.astype(np.uint8), spacing=(10.0, 0.1, 0.1), shell_nm=10.0, cut_axes=(1, 2)
    )
    of_all = table[table["sector"] == "all"]
    assert of_all["voxel_count"].tolist() == [2 * 1600, 1600]


def test_a_probe_passes_a_channel_as_wide_as_it_is():
    phases = np.full((9, 9, 9), 2, np.uint8)
    phases[:, 2:7, 4] = 1  # along z; 5 voxels of 0.5 nm by one of 5 nm
    for radius, closed in ((1.2, False), (1.3, True)):
        table = snpore.dead_pores(phases, spacing=(1.0, 0.5, 5.0), probe_radius_nm=radius).table
        assert (table["dead_voxel_count"] > 0).all() == closed, radius


@pytest.mark.parametrize("spacing", [RATIOS[k] for k in (0, 1, 3, 4)])  # thinner than the plates
def test_a_neck_is_cut_across_any_edge(spacing):
    mask = dumbbell(5)
    contrast = 0.4 * min(spacing)
    labels = snpore.separate_objects(mask, spacing=spacing, contrast_nm=contrast)
    assert labels[4, 4, 2] != labels[4, 4, -3]


@pytest.mark.parametrize("spacing", [(0.5, 0.5, 5.0), (5.0, 0.5, 0.5)])
def test_occlusion_between_two_walls(spacing):
    """The middle of a gap of width w: 1 - w / 2R, whatever the voxels."""
    gap, ray = 5 * spacing[2], 10 * spacing[2]
    sides = [2 * math.ceil(ray / edge) + 1 for edge in spacing[:2]]
    solid = np.ones((*sides, 7), bool)
    solid[..., 1:6] = False
    found = snpore.ambient_occlusion(solid, spacing=spacing, ray_length_nm=ray, directions=512)
    assert found[sides[0] // 2, sides[1] // 2, 3] == pytest.approx(1 - gap / (2 * ray), abs=0.03)


def test_a_ray_of_a_million_voxels_meets_the_wall():
    solid = np.ones((3, 3, 40), bool)
    solid[..., 1:-1] = False
    found = snpore.ambient_occlusion(solid, spacing=(1.0, 1.0, 1e-6), ray_length_nm=1.0)
    assert found.min() == 1.0


@pytest.mark.parametrize("spacing", RATIOS)
def test_every_direction_has_its_share_of_the_sphere(spacing):
    shares = np.array(crofton_weights(spacing))
    assert shares.sum() == pytest.approx(1)
    assert (shares > 0).all()


def test_distance_to_boxes_one_by_one():
    solid = np.random.default_rng(4).random((7, 9, 8)) < 0.05
    spacing = np.array([3.0, 0.2, 1.0])
    apart = np.abs(np.indices(solid.shape).reshape(3, -1).T[:, None] - np.argwhere(solid)[None])
    boxes = np.linalg.norm(np.maximum(apart - 0.5, 0) * spacing, axis=-1).min(axis=1)
    assert distance_to_faces(solid, tuple(spacing)) == pytest.approx(boxes.reshape(solid.shape))


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (
            lambda v: snpore.ambient_occlusion(v, ray_length_nm=1e5, cut_axes=(2,)),
            "100,000,000,000 voxels along x",
        ),
        (
            lambda v: snpore.oblique_slice(v, center_nm=(3, 3, 3e-6), tilt_deg=40, turn_deg=30),
            "voxels of like edges",
        ),
        (
            lambda v: snpore.line_profile(v, start_nm=(0, 0, 0), end_nm=(1, 9e9, 1)),
            "5,000,000 are possible",
        ),
    ],
)
def test_what_has_too_many_voxels_is_refused_in_a_sentence(step, words):
    volume = snpore.Volume(np.eye(8, dtype=bool)[None].repeat(8, 0), (1.0, 1.0, 1e-6))
    with pytest.raises(InputError, match=words):
        step(volume)


@pytest.mark.parametrize("size", [1e-12, 1e15])
def test_voxels_that_nothing_is_imaged_with_are_refused(size):
    with pytest.raises(InputError, match="1e-09 to 1e\\+12 nm are possible"):
        snpore.Volume(np.zeros((2, 2, 2)), (1.0, size, 1.0))
