"""Reconstruction against known objects, ASTRA, and its own promises (threads, cancel, progress,
refusals).
"""

import threading

import numpy as np
import pytest

from napari_snpore.errors import InputError, Stopped
from napari_snpore.history import BinStep
from napari_snpore.tomography._kernels import gather_rays, gather_voxels
from napari_snpore.tomography._variation_kernels import (
    join_blocks,
    look_ahead,
    step_fields,
    step_image,
    weigh_edges,
)
from napari_snpore.tomography.discrete._gram_kernels import add_gram
from napari_snpore.tomography.discrete._polish_kernels import polish_slab
from napari_snpore.tomography.discrete.polish import polish_labels
from napari_snpore.tomography.options import Sirt, Tv, Wbp
from napari_snpore.tomography.projector import project
from napari_snpore.tomography.reconstruction import reconstruct, warm_up
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.wbp import tilt_weights
from napari_snpore.volume import Volume

FULL = np.arange(-90, 90, 2.0)
WEDGE = np.arange(-68, 71, 2.0)


def distance(n, center=(0.0, 0.0)):
    z, x = np.mgrid[:n, :n] - (n - 1) / 2
    return np.hypot(z - center[0], x - center[1])


def rod(n=96, radius=30.0, slices=2, value=1.0):
    """A uniform rod along y, (z, y, x), with edge voxels by their covered share."""
    plane = np.clip(radius + 0.5 - distance(n), 0, 1) * value
    return np.repeat(plane.astype(np.float32)[:, None], slices, axis=1)


def phantom(n=64, slices=3):
    """Rods of several densities; every slice differs."""
    volume = np.zeros((n, slices, n), np.float32)
    for y in range(slices):
        volume[:, y][distance(n) < 24] = 1
        volume[:, y][distance(n, (5, -8 + y)) < 6] = 0
        volume[:, y][distance(n, (-9, 7)) < 3 + y % 3] = 5
    return volume


def series_of(volume, angles, **options):
    return TiltSeries(project(volume, angles, **options), angles, 0.5)


@pytest.mark.parametrize("name", ["ram-lak", "shepp-logan", "cosine", "hamming", "hann"])
@pytest.mark.parametrize("angles", [FULL, WEDGE], ids=["full", "wedge"])
def test_wbp_of_a_disc_reads_its_density(name, angles):
    truth = rod(value=3.0)
    result = reconstruct(series_of(truth, angles), method=Wbp(filter=name)).data[:, 0]
    assert result[distance(96) < 8].mean() == pytest.approx(3, rel=0.01)
    if angles is FULL:
        assert result[distance(96) < 25].mean() == pytest.approx(3, rel=0.005)
        assert abs(result[distance(96) < 25] - 3).max() < 0.15
        assert abs(result[(distance(96) > 35) & (distance(96) < 45)].mean()) < 0.03


def test_wbp_off_center_keeps_the_place():
    truth = np.zeros((80, 1, 80), np.float32)
    truth[:, 0][distance(80, (12, -9)) < 5] = 1
    result = reconstruct(series_of(truth, FULL), method=Wbp(filter="hann")).data[:, 0].clip(0)
    inside = distance(80, (12, -9)) < 12
    z, x = np.mgrid[:80, :80] - 39.5
    center = [(result * axis)[inside].sum() / result[inside].sum() for axis in (z, x)]
    assert center == pytest.approx([12, -9], abs=0.1)


def test_wbp_weighs_uneven_steps():
    truth = rod(slices=1)
    uneven = np.concatenate([np.arange(-90, 0, 1.0), np.arange(0, 90, 4.0)])
    even = reconstruct(series_of(truth, FULL), method="wbp").data[:, 0]
    result = reconstruct(series_of(truth, uneven), method="wbp").data[:, 0]
    inside = distance(96) < 25
    assert result[inside].mean() == pytest.approx(1, rel=0.01)
    assert np.abs(result - even)[inside].max() < 0.1


def test_tilt_weights_by_hand():
    def degrees(angles):
        return np.rad2deg(tilt_weights(np.array(angles, float)))

    assert degrees([-90, -45, 0, 45]) == pytest.approx([45, 45, 45, 45])
    assert degrees([-60, -30, 0, 30, 60, 90]) == pytest.approx([30] * 6)
    assert degrees([10, 0, 20]) == pytest.approx(
        [60, 60, 60]
    )  # a wedge: the ends count as much as the middle
    assert degrees([0, 1, 3, 5]) == pytest.approx(np.array([1, 1.5, 2, 2]) / 6.5 * 180)
    assert degrees([0, 0, 10, 20]) == pytest.approx([30, 30, 60, 60])  # the same tilt twice


def test_wbp_agrees_with_astra_fbp():
    astra = pytest.importorskip("astra")
    truth = phantom(slices=1)
    series = series_of(truth, FULL)
    n = 64
    geometry = astra.create_vol_geom(n, n)
    rays = astra.create_proj_geom("parallel", 1.0, n, np.deg2rad(FULL))
    configuration = astra.astra_dict("FBP")
    configuration["ProjectorId"] = astra.create_projector("linear", rays, geometry)
    configuration["ProjectionDataId"] = astra.data2d.create(
        "-sino", rays, np.ascontiguousarray(series.images[:, 0])
    )
    configuration["ReconstructionDataId"] = volume = astra.data2d.create("-vol", geometry)
    astra.algorithm.run(astra.algorithm.create(configuration))
    theirs = astra.data2d.get(volume)[::-1]
    ours = reconstruct(series, method="wbp").data[:, 0]
    inside = distance(n) < 30
    assert np.corrcoef(ours[inside], theirs[inside])[0, 1] > 0.99
    assert (
        np.abs(ours - truth[:, 0])[inside].mean()
        <= 1.02 * np.abs(theirs - truth[:, 0])[inside].mean()
    )


def test_sirt_agrees_with_astra_sirt():
    astra = pytest.importorskip("astra")
    series = series_of(phantom(slices=1), WEDGE)
    n = 64
    geometry = astra.create_vol_geom(n, n)
    rays = astra.create_proj_geom("parallel", 1.0, n, np.deg2rad(WEDGE))
    configuration = astra.astra_dict("SIRT")
    configuration["ProjectorId"] = astra.create_projector("linear", rays, geometry)
    configuration["ProjectionDataId"] = astra.data2d.create(
        "-sino", rays, np.ascontiguousarray(series.images[:, 0])
    )
    configuration["ReconstructionDataId"] = volume = astra.data2d.create("-vol", geometry, 0)
    configuration["option"] = {"MinConstraint": 0}
    astra.algorithm.run(astra.algorithm.create(configuration), 20)
    theirs = astra.data2d.get(volume)[::-1]
    ours = reconstruct(series, iterations=20).data[:, 0]
    assert np.linalg.norm(ours - theirs) / np.linalg.norm(theirs) < 5e-4


def test_sirt_converges_on_a_phantom():
    truth = phantom()
    told = []
    result = reconstruct(
        series_of(truth, FULL), iterations=100, callback=lambda i, r: told.append((i, r))
    )
    iterations, residuals = zip(*told, strict=True)
    assert iterations == tuple(range(1, 101))
    assert all(np.diff(residuals) < 0)
    assert residuals[-1] < 0.015
    assert np.linalg.norm(result.data - truth) / np.linalg.norm(truth) < 0.15
    assert result.history[-1].parameters["residuals"] == list(residuals)


def test_the_residual_is_that_of_the_returned_volume():
    series = series_of(phantom(), WEDGE)
    result = reconstruct(series, iterations=7)
    left = series.images - project(result, WEDGE)
    expected = np.linalg.norm(left) / np.linalg.norm(series.images)
    assert result.history[-1].parameters["residual"] == pytest.approx(expected, rel=1e-4)


def test_nonnegativity_is_a_choice():
    series = series_of(phantom(), WEDGE)
    assert reconstruct(series, iterations=5).data.min() >= 0
    assert reconstruct(series, method=Sirt(iterations=5, nonnegative=False)).data.min() < 0


def test_a_warm_start_goes_on_where_it_stopped():
    series = series_of(phantom(), WEDGE)
    half = reconstruct(series, iterations=4)
    kept = half.data.copy()
    whole = reconstruct(series, iterations=9)
    assert np.array_equal(reconstruct(series, iterations=5, initial=half).data, whole.data)
    assert np.array_equal(half.data, kept)


@pytest.mark.parametrize("method", ["sirt", "wbp"])
def test_a_support_that_is_not_square_holds_a_thin_rod(method):
    truth = 2 * rod(61, 10.0)[18:43]  # 25 planes around the axis
    options = {"iterations": 60} if method == "sirt" else {}
    result = reconstruct(series_of(truth, WEDGE), method=method, thickness_px=25, **options)
    assert result.shape == (25, 2, 61)
    inside = distance(61)[18:43] < 6
    assert result.data[:, 0][inside].mean() == pytest.approx(2, rel=0.03)
    assert result.data[:, 0][distance(61)[18:43] > 16].mean() < 0.1


@pytest.mark.parametrize("method", ["sirt", "wbp"])
@pytest.mark.parametrize("slices", [1, 5, 70, 130])
def test_same_bits_on_any_number_of_threads(method, slices):
    rng = np.random.default_rng(slices)
    series = TiltSeries(
        rng.random((9, slices, 24)).astype(np.float32), np.arange(-60, 61, 15.0), 1.0
    )
    options = {"iterations": 3} if method == "sirt" else {}
    one = reconstruct(series, method=method, threads=1, **options)
    for threads in (2, 3):
        other = reconstruct(series, method=method, threads=threads, **options)
        assert np.array_equal(one.data, other.data)
        assert one.history == other.history


def test_the_result_says_where_it_is_and_how_it_was_made():
    raw = series_of(phantom(), WEDGE)
    images = np.round(raw.images).astype(np.uint16)
    before = images.copy()
    series = TiltSeries(images, WEDGE, 0.5).after(BinStep(2), images)
    result = reconstruct(series, iterations=2)
    assert isinstance(result, Volume)
    assert result.data.dtype == np.float32
    assert result.spacing == (0.5, 0.5, 0.5)
    assert result.shape == (64, 3, 64)
    assert [step.name for step in result.history] == ["bin", "reconstruct"]
    parameters = result.history[-1].parameters
    assert (parameters["method"], parameters["iterations"], parameters["thickness_px"]) == (
        "sirt",
        2,
        64,
    )
    assert parameters["crowther_nm"] == pytest.approx(
        parameters["thickness_nm"] * parameters["tilt_step_deg"] * np.pi / 180
    )
    assert np.array_equal(images, before)
    assert reconstruct(series, method=Wbp(filter="hann")).history[-1].parameters["filter"] == "hann"


def test_progress_counts_blocks_times_iterations():
    series = TiltSeries(np.ones((3, 130, 16), np.float32), [-10, 0, 10], 1.0)
    told = []
    caller = threading.get_ident()

    def progress(done, total):
        assert threading.get_ident() == caller
        told.append((done, total))

    reconstruct(series, iterations=4, threads=1, progress=progress)
    total = told[-1][1]
    assert told == [(done, total) for done in range(1, total + 1)]
    assert total % 4 == 0


def test_stop_is_noticed_within_a_block():
    series = TiltSeries(np.ones((41, 8, 128), np.float32), np.arange(-40, 42, 2.0), 1.0)
    asked = []

    def should_stop():
        asked.append(None)
        return len(asked) > 2

    seen = []
    with pytest.raises(Stopped):
        reconstruct(
            series,
            iterations=100_000,
            should_stop=should_stop,
            progress=lambda done, total: seen.append(done),
        )
    assert max(seen, default=0) < 100_000


def test_nothing_is_compiled_after_a_warm_up():
    warm_up()
    before = [len(function.signatures) for function in (gather_rays, gather_voxels)]
    for slices in (1, 20, 64):
        reconstruct(
            TiltSeries(np.ones((3, slices, 8), np.float32), [-10, 0, 10], 1.0),
            iterations=1,
            threads=1,
        )
    assert [len(function.signatures) for function in (gather_rays, gather_voxels)] == before


def test_tv_and_polishing_compile_nothing_after_a_warm_up():
    warm_up()
    kernels = (step_fields, step_image, join_blocks, look_ahead, weigh_edges, add_gram, polish_slab)
    before = [len(function.signatures) for function in kernels]
    assert min(before) > 0
    rod = np.zeros((8, 70, 8), np.float32)
    rod[2:6, :, 2:6] = 1
    images = project(rod, [-10, 0, 10])
    reconstruct(
        TiltSeries(images, [-10, 0, 10], 1.0), method=Tv(blur_px=1.0, iterations=45, tolerance=0)
    )
    polish_labels(
        (rod + 1).astype(np.uint8),
        images,
        [-10, 0, 10],
        levels=(0.0, 0.0, 1.0),
        blur_px=1.0,
        weights=np.ones_like(images),
    )
    assert [len(function.signatures) for function in kernels] == before


GOOD = np.ones((4, 2, 8), np.float32)
ANGLES = [-30.0, 0.0, 30.0, 60.0]


@pytest.mark.parametrize(
    ("images", "angles", "axis", "options", "word"),
    [
        (GOOD, ANGLES, 5.0, {}, "align the series first"),
        (GOOD, ANGLES, 0.0, {"method": "art"}, "sirt, wbp, cgls, tv, dart"),
        (GOOD, ANGLES, 0.0, {"iterations": 0}, "iterations is 0"),
        (GOOD, ANGLES, 0.0, {"iterations": 2.5}, "iterations is 2.5"),
        (GOOD, ANGLES, 0.0, {"iterations": "many"}, "iterations is 'many'"),
        (GOOD, ANGLES, 0.0, {"thickness_px": np.nan}, "thickness_px is nan"),
        (GOOD, ANGLES, 0.0, {"thickness_px": 0}, "thickness_px is 0"),
        (
            GOOD,
            ANGLES,
            0.0,
            {"method": "wbp", "iterations": 3},
            "iterations is an option of sirt, cgls, tv, dart",
        ),
        (GOOD, ANGLES, 0.0, {"initial": np.zeros((3, 3, 3))}, "initial has shape"),
        (GOOD[:2], ANGLES[:2], 0.0, {}, "2 different tilts"),
        (GOOD[:1], ANGLES[:1], 0.0, {}, "1 different tilts"),
        (GOOD, [5.0] * 4, 0.0, {}, "1 different tilts"),
        (GOOD * 0, ANGLES, 0.0, {}, "zero everywhere"),
        (GOOD.astype(complex), ANGLES, 0.0, {}, "real numbers"),
    ],
)
def test_bad_input_is_refused(images, angles, axis, options, word):
    with pytest.raises(InputError, match=word):
        reconstruct(TiltSeries(images, angles, 1.0, tilt_axis_angle_deg=axis), **options)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_image_that_is_not_finite_is_named(value):
    images = GOOD.copy()
    images[2, 1, 3] = value
    with pytest.raises(InputError, match="Image 2"):
        reconstruct(TiltSeries(images, ANGLES, 1.0))
