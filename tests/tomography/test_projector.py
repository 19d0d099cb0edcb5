"""Projector pair against closed forms, its own transpose, and ASTRA."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_snpore.errors import InputError, Stopped
from napari_snpore.tomography.projector import backproject, project, slice_blocks
from napari_snpore.volume import Volume


def disc(n, radius, *, oversample=8, center=(0.0, 0.0)):
    """One plane (z, 1, x) of a uniform disc, edge voxels by their covered share."""
    fine = (np.arange(n * oversample) + 0.5) / oversample - n / 2
    inside = np.hypot(fine[:, None] - center[0], fine[None] - center[1]) < radius
    return (
        inside.reshape(n, oversample, n, oversample).mean(axis=(1, 3)).astype(np.float32)[:, None]
    )


def test_one_voxel_at_0_45_90_degrees():
    volume = np.zeros((5, 1, 5), np.float32)
    volume[3, 0, 4] = 1  # z = +1, x = +2 from the centre
    images = project(volume, [0, 90, 45, -45], detector_px=7)[:, 0]
    assert images[0].tolist() == [0, 0, 0, 0, 0, 1, 0]  # x cos 0 = 2
    np.testing.assert_allclose(images[1], [0, 0, 0, 0, 1, 0, 0], atol=1e-6)  # z sin 90 = 1
    # at 45°: u = 3/sqrt 2 = 2.1213; Joseph's weight max(0, 1 - |s - u| sqrt 2) sqrt 2
    u = 3 / np.sqrt(2)
    s = np.arange(7) - 3
    np.testing.assert_allclose(
        images[2], np.maximum(0, 1 - np.abs(s - u) * np.sqrt(2)) * np.sqrt(2), atol=1e-6
    )
    u = 1 / np.sqrt(2)  # at -45°: x cos - z sin = 2/sqrt 2 - 1/sqrt 2
    np.testing.assert_allclose(
        images[3], np.maximum(0, 1 - np.abs(s - u) * np.sqrt(2)) * np.sqrt(2), atol=1e-6
    )


def test_a_tilt_by_180_degrees_mirrors_the_image():
    volume = np.random.default_rng(0).random((9, 2, 12)).astype(np.float32)
    images = project(volume, [20, 200, 110, -70])
    np.testing.assert_allclose(images[0], images[1][:, ::-1], rtol=1e-5)
    np.testing.assert_allclose(images[2], images[3][:, ::-1], rtol=1e-5)


@pytest.mark.parametrize("angle", [0, 17, 45, 63, 90, -30, -80, 135])
def test_a_disc_casts_its_chords(angle):
    n, radius = 129, 50
    image = project(disc(n, radius), [angle])[0, 0]
    s = np.arange(n) - (n - 1) / 2
    chord = 2 * np.sqrt(np.maximum(radius**2 - s**2, 0))
    middle = np.abs(s) < 45
    assert np.abs(image - chord)[middle].max() < 1.0
    assert np.abs(image - chord)[middle].mean() < 0.2


@pytest.mark.parametrize("angle", [0, 10, 44, 46, 69, 90, -55])
def test_mass_is_kept(angle):
    volume = disc(101, 30, center=(7, -11))
    assert project(volume, [angle]).sum() == pytest.approx(volume.sum(), rel=2e-3)


def test_center_of_mass_follows_the_definition():
    z, x = 9.0, -13.0
    volume = disc(101, 20, center=(z, x))
    angles = np.array([-69, -45, -10, 0, 30, 69, 90.0])
    images = project(volume, angles)[:, 0].astype(float)
    center = (images @ (np.arange(101) - 50)) / images.sum(axis=1)
    expected = x * np.cos(np.deg2rad(angles)) + z * np.sin(np.deg2rad(angles))
    np.testing.assert_allclose(center, expected, atol=0.02)


@settings(max_examples=20, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 9), st.integers(1, 40)),
    detector=st.integers(1, 50),
    angles=st.lists(st.floats(-180, 180), min_size=1, max_size=7),
    seed=st.integers(0, 99),
)
def test_backprojection_is_the_adjoint(shape, detector, angles, seed):
    rng = np.random.default_rng(seed)
    x = rng.random(shape).astype(np.float32)
    y = rng.random((len(angles), shape[1], detector)).astype(np.float32)
    ax = project(x, angles, detector_px=detector).astype(float)
    aty = backproject(y, angles, thickness_px=shape[0], width_px=shape[2]).astype(float)
    assert (ax * y).sum() == pytest.approx((x * aty).sum(), rel=3e-6, abs=1e-5)


def test_the_two_matrices_are_transposes_entry_by_entry():
    angles = [-90, -69, -45, 0, 3, 45, 60, 123.4]
    nz, nx, detector = 6, 5, 7
    voxels = np.eye(nz * nx, dtype=np.float32).reshape(nz * nx, nz, nx).transpose(1, 0, 2)
    forward = project(voxels, angles, detector_px=detector).transpose(0, 2, 1).reshape(-1, nz * nx)
    rays = (
        np.eye(len(angles) * detector, dtype=np.float32)
        .reshape(-1, len(angles), detector)
        .transpose(1, 0, 2)
    )
    backward = (
        backproject(rays, angles, thickness_px=nz, width_px=nx)
        .transpose(0, 2, 1)
        .reshape(nz * nx, -1)
    )
    np.testing.assert_allclose(forward, backward.T, atol=3e-6)


def test_agrees_with_joseph_in_double_precision():
    n, angles = 120, np.array([-70, -45, -3, 0, 20, 50, 88.0])
    volume = np.random.default_rng(4).random((n, 1, n)).astype(np.float32)
    s = np.arange(n) - (n - 1) / 2
    for angle, image in zip(angles, project(volume, angles)[:, 0], strict=True):
        cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        # row by row (or column by column) interpolation with numpy, as the method is told in words
        lines, (across, along) = (
            (volume[:, 0], (cos, sin)) if abs(cos) >= abs(sin) else (volume[:, 0].T, (sin, cos))
        )
        padded = np.pad(lines, ((0, 0), (1, 1))).astype(float)
        knots = np.arange(-1, n + 1) - (n - 1) / 2
        rows = zip(padded, s, strict=True)
        expected = sum(
            np.interp((s - q * along) / across, knots, line, left=0, right=0) for line, q in rows
        ) / abs(across)
        np.testing.assert_allclose(image, expected, atol=2e-6 * expected.max())


@pytest.mark.parametrize("n", [64, 101])
def test_agrees_with_astra_linear(n):
    astra = pytest.importorskip("astra")
    rng = np.random.default_rng(1)
    volume = rng.random((n, 1, n)).astype(np.float32)
    angles = np.arange(-70, 71, 2.0)
    geometry = astra.create_vol_geom(n, n)
    rays = astra.create_proj_geom("parallel", 1.0, n, np.deg2rad(angles))
    # ASTRA's first row is the top, y up: our z runs against it
    _, theirs = astra.create_sino(
        np.ascontiguousarray(volume[::-1, 0]), astra.create_projector("linear", rays, geometry)
    )
    ours = project(volume, angles)[:, 0]
    # ASTRA adds up positions in float32, which costs it a few 1e-5 of the largest ray at n = 100
    assert np.linalg.norm(ours - theirs) / np.linalg.norm(theirs) < 2e-5
    assert np.abs(ours - theirs).max() / theirs.max() < 6e-5


def test_same_bits_on_any_number_of_threads_and_any_cut():
    volume = np.random.default_rng(2).random((40, 70, 33)).astype(np.float32)
    angles = np.arange(-60, 61, 7.0)
    one = project(volume, angles, threads=1)
    assert np.array_equal(one, project(volume, angles, threads=2))
    assert np.array_equal(one, project(volume, angles, threads=5))
    assert np.array_equal(one[:, 3:5], project(volume[:, 3:5], angles, threads=2))
    back = backproject(one, angles, thickness_px=40, threads=1)
    assert np.array_equal(back, backproject(one, angles, thickness_px=40, threads=2))


@pytest.mark.parametrize(
    ("slices", "threads"), [(1, 1), (1, 2), (64, 1), (65, 2), (70, 2), (200, 3), (1000, 2)]
)
def test_blocks_cover_every_slice_once(slices, threads):
    blocks = slice_blocks(slices, threads)
    covered = [y for first, last, lanes in blocks for y in range(first, last)]
    assert covered == list(range(slices))
    assert all(last - first <= lanes for first, last, lanes in blocks)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float64, bool])
def test_any_real_dtype_and_memory_order(dtype):
    volume = np.asfortranarray((np.random.default_rng(3).random((8, 3, 9)) * 2).astype(dtype))
    before = volume.copy()
    images = project(Volume(volume, 0.5), [0.0])
    np.testing.assert_allclose(images[0], volume.sum(axis=0, dtype=float), rtol=1e-6)
    assert images.dtype == np.float32
    assert np.array_equal(volume, before)


@pytest.mark.parametrize(
    ("volume", "angles", "options", "word"),
    [
        (np.zeros((4, 4)), [0], {}, "three axes"),
        (np.full((2, 2, 2), np.nan), [0], {}, "NaN"),
        (np.zeros((2, 2, 2), complex), [0], {}, "complex"),
        (np.zeros((2, 2, 2)), [], {}, "at least one tilt"),
        (np.zeros((2, 2, 2)), [np.inf], {}, "finite"),
        (np.zeros((2, 2, 2)), [0], {"detector_px": 0}, "detector_px is 0"),
    ],
)
def test_bad_input_is_refused(volume, angles, options, word):
    with pytest.raises(InputError, match=word):
        project(volume, angles, **options)


def test_angles_must_match_the_images():
    with pytest.raises(InputError, match="2 tilt angles for 3 images"):
        backproject(np.zeros((3, 1, 4)), [0, 1])


def test_progress_and_stop():
    told = []
    project(
        np.zeros((4, 200, 4)),
        [0],
        threads=1,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    with pytest.raises(Stopped):
        project(np.zeros((4, 4, 4)), [0], should_stop=lambda: True)
