"""Surfaces as other libraries read them: VTK (STL, PLY), trimesh, and glTF byte by byte."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
import trimesh
from numpy.testing import assert_allclose, assert_array_equal

import napari_snpore as snpore
from napari_snpore.errors import FileFormatError, OutputError
from napari_snpore.files.surfaces import surface_of
from napari_snpore.history import BinStep
from napari_snpore.volume import Volume

BLOCK = np.zeros((4, 5, 7), np.uint8)
BLOCK[1:3, 1:4, 1:6] = 3  # 2 × 3 × 5 voxels of 2 × 1 × 0.5 nm: 4 × 3 × 2.5 nm
PHASES = Volume(BLOCK, (2, 1, 0.5), (100, 10, 1), (BinStep(2).step,))
LOW = (1 + 0.25, 10 + 0.5, 100 + 1)  # faces of the block, half a voxel before its first center
HIGH = (LOW[0] + 2.5, LOW[1] + 3, LOW[2] + 4)


@pytest.fixture(scope="module")
def surface():
    return snpore.surface_mesh(PHASES, 3, smoothing=0, library="scikit-image")


@pytest.mark.parametrize("suffix", [".stl", ".ply", ".glb"])
def test_place_size_and_outside(tmp_path, surface, suffix):
    path = snpore.write_surface(tmp_path / f"a{suffix}", surface)
    mesh = trimesh.load(path, force="mesh")
    assert_allclose(mesh.bounds, (LOW, HIGH))
    assert mesh.is_watertight
    # marching cubes cut the edges of the block: a little less than 4 × 3 × 2.5, and positive
    assert 0.8 * 30 < mesh.volume < 30
    assert len(mesh.faces) == len(surface.faces)


@pytest.mark.parametrize("suffix", [".stl", ".ply"])
def test_vtk_reads_the_same(tmp_path, surface, suffix):
    pytest.importorskip("vtkmodules")
    from vtkmodules.vtkFiltersCore import vtkMassProperties
    from vtkmodules.vtkIOGeometry import vtkSTLReader
    from vtkmodules.vtkIOPLY import vtkPLYReader

    path = snpore.write_surface(tmp_path / f"a{suffix}", surface)
    reader = vtkSTLReader() if suffix == ".stl" else vtkPLYReader()
    reader.SetFileName(str(path))
    reader.Update()
    bounds = reader.GetOutput().GetBounds()
    assert_allclose(bounds[::2], LOW)
    assert_allclose(bounds[1::2], HIGH)
    mass = vtkMassProperties()
    mass.SetInputConnection(reader.GetOutputPort())
    assert mass.GetVolume() == pytest.approx(trimesh.load(path, force="mesh").volume, rel=1e-4)


@pytest.mark.parametrize("suffix", [".ply", ".glb"])
def test_vertices_and_normals_come_back_bit_for_bit(tmp_path, surface, suffix):
    path = snpore.write_surface(tmp_path / f"a{suffix}", surface)
    mesh = trimesh.load(path, process=False, force="mesh")
    assert_array_equal(mesh.vertices.astype(np.float32)[:, ::-1], surface.vertices_nm)
    assert_array_equal(np.sort(mesh.faces, axis=1), np.sort(surface.faces, axis=1))


def test_the_stored_normals_are_those_of_the_surface(tmp_path, surface):
    count = len(surface.vertices_nm)
    raw = snpore.write_surface(tmp_path / "a.ply", surface).read_bytes()
    start = raw.index(b"end_header\n") + 11
    vertices = np.frombuffer(raw, "<f4", 6 * count, start).reshape(count, 6)
    assert_array_equal(vertices[:, :3], surface.vertices_nm[:, ::-1])
    assert_allclose(vertices[:, 3:], surface.normals[:, ::-1], atol=1e-6)
    raw = snpore.write_surface(tmp_path / "a.glb", surface).read_bytes()
    length = struct.unpack_from("<I", raw, 12)[0]
    gltf = json.loads(raw[20 : 20 + length])
    accessor = gltf["accessors"][gltf["meshes"][0]["primitives"][0]["attributes"]["NORMAL"]]
    at = 20 + length + 8 + gltf["bufferViews"][accessor["bufferView"]].get("byteOffset", 0)
    normals = np.frombuffer(raw, "<f4", 3 * count, at).reshape(count, 3)
    assert_allclose(normals, surface.normals[:, ::-1], atol=1e-6)


def test_unit_and_history_are_in_the_file(tmp_path, surface):
    steps = [{"name": "bin", "parameters": {"factor": 2}}]
    ply = snpore.write_surface(tmp_path / "a.ply", surface, history=PHASES.history)
    comments = [line[8:] for line in ply.read_bytes().split(b"\n") if line.startswith(b"comment ")]
    assert b"in nm" in comments[0]
    assert json.loads(comments[1])["history"] == steps
    raw = snpore.write_surface(tmp_path / "a.glb", surface, history=PHASES.history).read_bytes()
    magic, version, length, json_bytes = struct.unpack_from("<4sIII", raw)
    assert (magic, version, length) == (b"glTF", 2, len(raw))
    about = json.loads(raw[20 : 20 + json_bytes])["scenes"][0]["extras"]["napari-snpore"]
    assert (about["unit"], about["history"]) == ("nm", steps)
    stl = snpore.write_surface(tmp_path / "a.stl", surface).read_bytes()
    assert stl.startswith(b"napari-snpore: x, y, z in nm")  # not "solid", which means text
    assert len(stl) == 84 + 50 * len(surface.faces)


def test_triangles_of_another_origin_get_normals():
    cube = trimesh.creation.box((2, 2, 2))
    made = surface_of(cube.vertices[:, ::-1], cube.faces[:, ::-1])  # as (z, y, x)
    assert (made.normals * made.vertices_nm > 0).all()  # outwards


def test_refusals(tmp_path, surface):
    with pytest.raises(FileFormatError, match=r"\.stl \.ply \.glb"):
        snpore.write_surface(tmp_path / "a.obj", surface)
    snpore.write_surface(tmp_path / "a.stl", surface)
    with pytest.raises(OutputError, match="there already"):
        snpore.write_surface(tmp_path / "a.stl", surface)
    snpore.write_surface(tmp_path / "a.stl", surface, overwrite=True)
