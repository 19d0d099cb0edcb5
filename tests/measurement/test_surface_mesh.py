"""Surfaces of phases: closed, facing outwards, of the volume and area of the body, and honest about
coarsening.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import math
import sys

import numpy as np
import pytest

from napari_snpore.errors import InputError, Stopped
from napari_snpore.measurement.surface_mesh import surface_mesh
from napari_snpore.volume import Volume

needs_vtk = pytest.mark.skipif(
    importlib.util.find_spec("vtkmodules") is None, reason="VTK is not installed"
)
LIBRARIES = ["scikit-image", pytest.param("vtk", marks=needs_vtk)]

each_library = pytest.mark.parametrize("library", LIBRARIES)


def ball(radius_nm, spacing, shape, value=3):
    """Voxels whose centres lie within a radius of the middle of the box."""
    middle = (np.array(shape) - 1) / 2 * spacing
    places = [np.arange(n) * d - c for n, d, c in zip(shape, spacing, middle, strict=True)]
    z, y, x = np.meshgrid(*places, indexing="ij")
    return (z**2 + y**2 + x**2 <= radius_nm**2).astype(np.uint8) * np.uint8(value), middle


def noise(shape=(17, 19, 23), seed=1):
    """Voxels by chance: every way in which eight of them can meet."""
    return (np.random.default_rng(seed).random(shape) < 0.5).astype(np.uint8)


def corners(surface):
    return (surface.vertices_nm[surface.faces[:, k]].astype(float) for k in range(3))


def volume(surface):
    a, b, c = corners(surface)
    return float((a * np.cross(b, c)).sum() / 6)  # positive where triangles face outwards


def area(surface):
    a, b, c = corners(surface)
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def is_closed(surface):
    """Each edge in exactly two triangles, which run along it in opposite directions."""
    edges = np.concatenate([surface.faces[:, [k, (k + 1) % 3]] for k in range(3)])
    forth = np.unique(edges, axis=0)
    return len(forth) == len(edges) and np.array_equal(forth, np.unique(edges[:, ::-1], axis=0))


@each_library
@pytest.mark.parametrize("spacing", [(0.5, 0.5, 0.5), (0.6, 0.5, 0.4), (1.0, 0.5, 0.5)])
def test_ball_has_its_volume_and_area(library, spacing):
    radius = 6.0  # 12 voxels of 0.5 nm
    phases, middle = ball(radius, spacing, tuple(round(16 / d) for d in spacing))
    surface = surface_mesh(phases, 3, spacing=spacing, library=library)
    assert surface.library == library
    assert surface.coarsened_by == 1
    assert is_closed(surface)
    assert volume(surface) == pytest.approx(
        4 / 3 * math.pi * radius**3, rel=0.02
    )  # enclosed, by the divergence theorem
    assert area(surface) == pytest.approx(4 * math.pi * radius**2, rel=0.03)
    assert surface.vertices_nm.min(axis=0) + surface.vertices_nm.max(axis=0) == pytest.approx(
        2 * middle, abs=0.02
    )
    assert np.linalg.norm(surface.vertices_nm - middle, axis=1) == pytest.approx(
        radius, abs=0.75 * max(spacing)
    )
    outwards = (surface.vertices_nm - middle) / np.linalg.norm(
        surface.vertices_nm - middle, axis=1, keepdims=True
    )
    assert (np.sum(outwards * surface.normals, axis=1) > 0.7).all()
    assert np.linalg.norm(surface.normals, axis=1) == pytest.approx(1, abs=1e-5)
    assert [array.dtype for array in (surface.vertices_nm, surface.faces, surface.normals)] == [
        "f4",
        "i4",
        "f4",
    ]


@each_library
def test_napari_gives_it_outward_normals(library):
    phases, middle = ball(6.0, (1.0, 0.5, 0.5), (16, 32, 32))
    surface = surface_mesh(phases, 3, spacing=(1.0, 0.5, 0.5), library=library)
    geometry = pytest.importorskip("vispy.geometry")
    # as napari's Surface hands data to vispy: x, y, z, and the triangles turned round
    normals = geometry.MeshData(
        surface.vertices_nm[:, ::-1], surface.faces[:, ::-1]
    ).get_vertex_normals()
    assert (np.sum((surface.vertices_nm - middle)[:, ::-1] * normals, axis=1) > 0).all()


@each_library
@pytest.mark.parametrize("radius", [2.0, 3.0, 6.0])
def test_smoothing_keeps_the_volume(library, radius):
    phases, _ = ball(radius, (0.5, 0.5, 0.5), (32, 32, 32))
    found, smooth = (
        surface_mesh(phases, 3, spacing=0.5, smoothing=n, library=library) for n in (0, 15)
    )
    assert np.array_equal(found.faces, smooth.faces)
    assert (found.smoothing, smooth.smoothing) == (0, 15)
    assert volume(smooth) == pytest.approx(volume(found), rel=0.02)
    assert area(smooth) < area(found)


@each_library
@pytest.mark.parametrize("smoothing", [0, 15])
def test_cube_that_the_box_cuts_is_closed_on_its_face(library, smoothing):
    phases = np.zeros((14, 14, 14), np.uint8)
    phases[:10, :10, :10] = 1
    spacing = np.array([0.5, 0.25, 1.0])
    surface = surface_mesh(phases, 1, spacing=spacing, smoothing=smoothing, library=library)
    assert is_closed(surface)
    assert surface.vertices_nm.min(axis=0) == pytest.approx(
        -spacing / 2
    )  # the box begins half a voxel before the first centre
    # a low pass rings at the cube's free edges, by less than a third of a voxel; on the box's faces
    # it may not
    assert (np.abs(surface.vertices_nm.max(axis=0) / spacing - 9.5) < 0.33).all()
    # all of 9³ cells, half of 6 · 9² at the faces, an eighth of 12 · 9 at the edges, a 48th of 8 at
    # the corners
    by_hand = (9**3 + 6 * 9**2 / 2 + 12 * 9 / 8 + 8 / 48) * spacing.prod()
    assert volume(surface) == pytest.approx(by_hand, rel=0.02 if smoothing else 1e-5)


@each_library
def test_phase_that_fills_the_box_is_the_box(library):
    surface = surface_mesh(np.full((5, 6, 7), 2, np.uint8), 2, spacing=1.0, library=library)
    assert is_closed(surface)
    assert surface.vertices_nm.min(axis=0) == pytest.approx(-0.5)
    assert surface.vertices_nm.max(axis=0) == pytest.approx([4.5, 5.5, 6.5])


@each_library
def test_one_voxel_is_an_octahedron(library):
    phases = np.zeros((3, 3, 3), np.uint8)
    phases[1, 1, 1] = 1
    surface = surface_mesh(phases, 1, spacing=(3.0, 2.0, 1.0), smoothing=0, library=library)
    assert (surface.vertices_nm.shape, surface.faces.shape) == ((6, 3), (8, 3))
    assert volume(surface) == pytest.approx(1.0)  # a sixth of the voxel's 6 nm³
    assert surface.vertices_nm.mean(axis=0) == pytest.approx([3.0, 2.0, 1.0])


@each_library
def test_voxels_by_chance_are_closed(library):
    surface = surface_mesh(noise(), 1, spacing=1.0, library=library)
    assert is_closed(surface)
    assert surface.vertices_nm.min() >= -0.5
    assert (surface.vertices_nm.max(axis=0) <= np.array([16.5, 18.5, 22.5])).all()


@pytest.mark.parametrize("slab_voxels", [1, 1500])
def test_meshing_a_few_planes_at_a_time_changes_nothing(monkeypatch, slab_voxels):
    whole = surface_mesh(noise(), 1, spacing=1.0, library="scikit-image")
    monkeypatch.setattr("napari_snpore.measurement._mesh_triangles._SLAB_VOXELS", slab_voxels)
    parts = surface_mesh(noise(), 1, spacing=1.0, library="scikit-image")
    assert is_closed(parts)
    assert sorted_corners(parts) == pytest.approx(sorted_corners(whole), abs=1e-5)


def test_empty_planes_between_two_bodies():
    phases = np.zeros((9, 3, 3), np.uint8)
    phases[[1, 7], 1, 1] = 1
    surface = surface_mesh(phases, 1, spacing=1.0, smoothing=0, library="scikit-image")
    assert is_closed(surface)
    assert len(surface.vertices_nm) == 12


@needs_vtk
def test_both_libraries_find_the_same_surface():
    vtk, ours = (
        surface_mesh(noise(), 1, spacing=1.0, smoothing=0, library=name)
        for name in ("vtk", "scikit-image")
    )
    assert np.array_equal(np.unique(vtk.vertices_nm, axis=0), np.unique(ours.vertices_nm, axis=0))
    assert len(vtk.faces) == len(ours.faces)
    assert volume(vtk) == pytest.approx(volume(ours), rel=1e-3)


def sorted_corners(surface):
    return surface.vertices_nm[np.lexsort(np.round(surface.vertices_nm, 3).T)]


@each_library
def test_too_many_triangles_are_coarsened_and_said(library):
    spacing = (0.5, 0.5, 0.5)
    phases, middle = ball(12.0, spacing, (55, 56, 57))  # no multiples of the blocks
    fine = surface_mesh(phases, 3, spacing=spacing, library=library)
    surface = surface_mesh(
        phases, 3, spacing=spacing, library=library, max_triangles=len(fine.faces) // 5
    )
    assert surface.coarsened_by == 3
    assert len(surface.faces) <= len(fine.faces) // 5
    assert is_closed(surface)
    assert volume(surface) == pytest.approx(volume(fine), rel=0.03)
    middle_found = (surface.vertices_nm.min(axis=0) + surface.vertices_nm.max(axis=0)) / 2
    assert middle_found == pytest.approx(middle, abs=0.4)  # within a voxel, where a block is 1.5 nm
    just_enough = surface_mesh(
        phases, 3, spacing=spacing, library=library, max_triangles=len(fine.faces)
    )
    assert just_enough.coarsened_by == 1


def test_coarse_blocks_end_where_the_box_ends():
    phases = np.ones((7, 8, 9), np.uint8)
    surface = surface_mesh(
        phases, 1, spacing=(1.0, 2.0, 3.0), smoothing=0, max_triangles=150, library="scikit-image"
    )
    assert surface.coarsened_by == 3
    assert surface.vertices_nm.min(axis=0) == pytest.approx([-0.5, -1.0, -1.5])
    assert surface.vertices_nm.max(axis=0) == pytest.approx([6.5, 15.0, 25.5])


def test_half_of_a_block_is_enough():
    phases = np.zeros((8, 8, 8), np.uint8)
    phases[4] = 1  # a wall one voxel thick, in blocks of 2: half of each
    surface = surface_mesh(
        phases, 1, spacing=1.0, smoothing=0, max_triangles=100, library="scikit-image"
    )
    assert surface.coarsened_by == 2
    assert surface.vertices_nm[:, 0].min() == pytest.approx(3.5)
    assert surface.vertices_nm[:, 0].max() == pytest.approx(5.5)


def test_labels_are_not_changed_and_may_be_read_only():
    phases = noise()
    phases.setflags(write=False)
    before = phases.copy()
    surface_mesh(phases, 0, spacing=1.0)
    assert np.array_equal(phases, before)


def test_same_input_same_output(monkeypatch):
    first = surface_mesh(noise(), 1, spacing=1.0)
    monkeypatch.setenv("SNPORE_THREADS", "1")
    second = surface_mesh(noise(), 1, spacing=1.0)
    for name in ("vertices_nm", "faces", "normals"):
        assert np.array_equal(getattr(first, name), getattr(second, name))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"phase": 7}, "Phase 7 is absent"),
        ({"phase": -1}, "phase is -1"),
        ({"phase": 1.5}, "phase is 1.5"),
        ({"phase": True}, "phase is True"),
        ({"phase": "Sn"}, "phase is Sn"),
        ({"smoothing": -1}, "smoothing is -1"),
        ({"max_triangles": 0}, "max_triangles is 0"),
        ({"max_triangles": 8}, "too fine"),
        ({"spacing": 0.0}, "spacing"),
        ({"library": "cgal"}, "library is 'cgal'"),
        ({"phases": np.ones((3, 3), np.uint8)}, "phases is uint8 of shape"),
        ({"phases": np.ones((3, 3, 3), np.float32)}, "phases is float32"),
        ({"phases": np.ones((0, 3, 3), np.uint8)}, "phases is uint8 of shape"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(change, message):
    checkers = np.indices((9, 9, 9)).sum(axis=0) % 8 == 0
    arguments = {"phases": checkers.astype(np.uint8), "phase": 1, "spacing": 1.0, **change}
    with pytest.raises(InputError, match=message):
        surface_mesh(**arguments)


def test_vtk_is_not_needed(monkeypatch):
    monkeypatch.setitem(sys.modules, "vtkmodules.vtkFiltersCore", None)
    assert surface_mesh(noise(), 1, spacing=1.0).library == "scikit-image"
    with pytest.raises(InputError, match="VTK is not installed"):
        surface_mesh(noise(), 1, spacing=1.0, library="vtk")


@pytest.mark.parametrize("asked", range(0, 24, 4))
def test_a_request_to_stop_is_noticed(asked):
    calls = iter(range(1000))
    with pytest.raises(Stopped):
        surface_mesh(
            noise(),
            1,
            spacing=1.0,
            library="scikit-image",
            should_stop=lambda: next(calls) >= asked,
        )


@each_library
@pytest.mark.parametrize("edge", [1, 2, 3, 4, 5, 7, 12])
def test_small_cubes_keep_their_volume(library, edge):
    """A cube beside a large one: whatever its size, it is not smoothed away, and of the large one's
    smoothing nothing is lost.
    """
    phases = np.zeros((20, 20, 50), np.uint8)
    phases[2 : 2 + edge, 2 : 2 + edge, 2 : 2 + edge] = 1
    phases[2:18, 2:18, 30:46] = 1
    found, smooth = (
        surface_mesh(phases, 1, spacing=1.0, smoothing=n, library=library) for n in (0, 15)
    )
    assert np.array_equal(found.faces, smooth.faces)
    assert 0.9 <= volume(left_of(smooth, 25)) / volume(left_of(found, 25)) < 1.05
    if edge not in (3, 4):  # with one of the libraries these keep just about nine tenths
        assert smooth.unsmoothed == (edge < 3)
    assert area(smooth) < area(found)


def left_of(surface, x):
    """The body on the side of small x."""
    return dataclasses.replace(
        surface, faces=surface.faces[surface.vertices_nm[surface.faces[:, 0], 2] < x]
    )


@each_library
def test_vertices_of_a_volume_are_world_positions(library):
    """The faces of a block of 2 × 2 × 2 voxels lie half a voxel around the centres of its outer
    voxels.
    """
    block = np.pad(np.ones((2, 2, 2), np.uint8), 1)
    mesh = surface_mesh(
        Volume(block, (0.5, 1.0, 2.0), (10.0, -20.0, 30.0)), smoothing=0, library=library
    )
    assert mesh.vertices_nm.min(axis=0).tolist() == [10.25, -19.5, 31.0]
    assert mesh.vertices_nm.max(axis=0).tolist() == [11.25, -17.5, 35.0]


def test_a_mask_is_meshed_as_phase_1_and_progress_ends_with_all_steps():
    steps = []
    mesh = surface_mesh(
        noise().astype(bool), spacing=1.0, progress=lambda done, total: steps.append((done, total))
    )
    assert np.array_equal(mesh.vertices_nm, surface_mesh(noise(), 1, spacing=1.0).vertices_nm)
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_a_plain_array_needs_a_voxel_size():
    with pytest.raises(InputError, match="voxel size is missing"):
        surface_mesh(noise())
