"""TV in three dimensions: its objective against scipy, the same bits for any cut, and what the blur in
the model is worth.
"""

import tracemalloc

import numpy as np
import pytest
import scipy
from scipy.optimize import minimize

from napari_snpore.errors import InputError, Stopped
from napari_snpore.history import ReconstructStep, last_step
from napari_snpore.tomography import row_slabs, tv_method
from napari_snpore.tomography.detector_blur import blur_images
from napari_snpore.tomography.noise import noise_model
from napari_snpore.tomography.options import Tv
from napari_snpore.tomography.projector import LANE_COUNTS, Beam, Planes, project
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.tomography.slice_preview import SlicePreview
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.total_variation import TotalVariation, cut_into_parts
from napari_snpore.tomography.tv_reconstruction import (
    noise_of_object,
    relative_weights,
    variation_weight,
)

SHAPE = (8, 4, 8)
ANGLES = np.arange(-60, 61, 15.0)
WEDGE = np.arange(-69, 70, 2.0)


def balls(n=48, slices=40, seed=200, count=30, levels=(1.0, 5.0)):
    """A cylinder along y of carbon with spherical pores and bright balls, radius 2 to 6 voxels."""
    rng = np.random.default_rng(seed)
    z, y, x = np.mgrid[:n, :slices, :n].astype(np.float32)
    middle = (n - 1) / 2
    volume = np.where(np.hypot(z - middle, x - middle) < 0.42 * n, levels[0], 0).astype(np.float32)
    for k in range(count):
        center = rng.uniform((0.25 * n, 0, 0.25 * n), (0.75 * n, slices, 0.75 * n))
        far = np.sqrt((z - center[0]) ** 2 + (y - center[1]) ** 2 + (x - center[2]) ** 2)
        volume[far < rng.uniform(2, 6)] = 0 if k < 0.7 * count else levels[1]
    return volume


def series_of(volume, blur_px=0.0, counts=None, seed=201):
    """Tilt images of a volume, blurred, with Poisson noise of ``counts`` where the object is."""
    images = blur_images(project(volume, WEDGE), blur_px)
    if counts is not None:
        scale = counts / images[images > 0.05 * images.max()].mean()
        images = (np.random.default_rng(seed).poisson(images * scale) / scale).astype(np.float32)
    return TiltSeries(images, WEDGE, 0.5)


def error(volume, truth):
    return np.linalg.norm(volume.data - truth) / np.linalg.norm(truth)


def blur_matrix(length, sigma_px, mirrored):
    """A Gaussian on whole pixels up to 3.5 σ as a matrix, mirrored or cut off at both ends."""
    if sigma_px == 0:
        return np.eye(length)
    reach = round(3.5 * sigma_px)
    weight = {k: np.exp(-(k**2) / (2 * sigma_px**2)) for k in range(-reach, reach + 1)}
    total = sum(weight.values())
    matrix = np.zeros((length, length))
    # a row that reads beyond an end reads the mirror image: ... 1 0 | 0 1 2 ...
    mirror = [*range(length), *range(length)[::-1]]
    for place in range(length):
        for k, value in weight.items():
            if mirrored:
                matrix[place, mirror[(place + k) % (2 * length)]] += value / total
            elif 0 <= place + k < length:
                matrix[place, place + k] += value / total
    return matrix


def imaging_matrix(shape, angles, blur_px):
    """The projector and the blur of the images as one dense matrix, images in order (tilt, y, x)."""
    depth, slices, width = shape
    voxels = np.eye(depth * width, dtype=np.float32).reshape(-1, depth, width)
    plane = project(np.ascontiguousarray(voxels.transpose(1, 0, 2)), angles)  # (tilt, voxel, x)
    across = np.einsum("tvx,Xx->tXv", plane.astype(float), blur_matrix(width, blur_px, False))
    along = blur_matrix(slices, blur_px, True)
    full = np.einsum("tXv,Yy->tYXvy", across, along)
    full = full.reshape(len(angles), slices, width, depth, width, slices)
    return full.transpose(0, 1, 2, 3, 5, 4).reshape(-1, depth * slices * width)


def differences(volume):
    """Forward differences along z, y and x; none across the last face."""
    return [np.diff(volume, axis=axis, append=volume.take([-1], axis)) for axis in range(3)]


class Objective:
    """½ Σ w (b - M x)² + λ Σ l √(|∇x|² + ε), with its gradient."""

    def __init__(self, matrix, images, weights, weight, limits=1.0):
        self.matrix, self.images, self.weights = matrix, images.ravel().astype(float), weights
        self.weight, self.limits = weight, limits

    def __call__(self, volume, rounding=0.0):
        return self.with_gradient(np.asarray(volume, float).ravel(), rounding)[0]

    def with_gradient(self, flat, rounding):
        rest = self.matrix @ flat - self.images
        steps = differences(flat.reshape(SHAPE))
        length = np.sqrt(sum(step**2 for step in steps) + rounding)
        value = 0.5 * (self.weights * rest**2).sum() + self.weight * (self.limits * length).sum()
        if rounding == 0:
            return value, None
        slope = np.zeros(SHAPE)
        for axis, step in enumerate(steps):
            part = np.moveaxis(self.limits * step / length, axis, 0)
            into = np.moveaxis(slope, axis, 0)
            into -= part
            into[1:] += part[:-1]
        return value, self.matrix.T @ (self.weights * rest) + self.weight * slope.ravel()

    def minimum(self):
        """The volume that scipy finds, by less and less rounding."""
        found = np.full(np.prod(SHAPE), 0.5)
        for rounding in (1e-2, 1e-4, 1e-6):
            found = minimize(
                self.with_gradient,
                found,
                (rounding,),
                jac=True,
                method="L-BFGS-B",
                bounds=[(0, None)] * len(found),
                options={"maxiter": 1000, "maxfun": 2000, "maxcor": 30},
            ).x
        return found


def small_case(blur_px, weighted):
    rng = np.random.default_rng(202)
    truth = np.zeros(SHAPE, np.float32)
    truth[2:6, 1:4, 1:7] = 2
    truth[3:5, 2, 3:5] = 5
    matrix = imaging_matrix(SHAPE, ANGLES, blur_px)
    images = (matrix @ truth.ravel()).reshape(len(ANGLES), SHAPE[1], SHAPE[2])
    images = (images + rng.normal(0, 0.4, images.shape)).astype(np.float32)
    weights = rng.uniform(0.3, 2, images.shape).astype(np.float32) if weighted else None
    return matrix, images, weights


def solver_of(images, weights=None, **options):
    return TotalVariation(
        images, Beam(ANGLES, (SHAPE[0], SHAPE[2]), SHAPE[2]), weights=weights, **options
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("blur_px", [0.0, 1.2])
def test_the_objective_is_as_low_as_scipy_can_bring_it(blur_px, weighted):
    matrix, images, weights = small_case(blur_px, weighted)
    objective = Objective(matrix, images, 1.0 if weights is None else weights.ravel(), 0.8)
    solver = solver_of(images, weights, blur_px=blur_px)
    for _ in range(2000):
        solver.iterate(0.8)
    ours, theirs = objective(solver.rows(0, SHAPE[1])), objective(objective.minimum())
    assert ours <= theirs * 1.0005
    assert ours >= theirs * 0.999  # else the two have different objectives


def test_reweighting_scales_the_penalty_of_each_voxel():
    matrix, images, _ = small_case(1.2, False)
    solver = solver_of(images, blur_px=1.2)
    for _ in range(300):
        solver.iterate(0.8)
    before = solver.rows(0, SHAPE[1]).astype(float)
    solver.favor_edges(2.0)
    limits = 2 / (2 + np.sqrt(sum(step**2 for step in differences(before))))
    for _ in range(2000):
        solver.iterate(1.2)
    objective = Objective(matrix, images, 1.0, 1.2, limits)
    assert objective(solver.rows(0, SHAPE[1])) == pytest.approx(
        objective(objective.minimum()), rel=1e-3
    )


def test_reconstruct_solves_the_convex_problem_with_the_weights_of_the_images():
    matrix, images, _ = small_case(1.2, False)
    series = TiltSeries(images, ANGLES, 1.0)
    options = Tv(weight=0.8, blur_px=1.2, reweight=False, iterations=2000, tolerance=0)
    found = reconstruct(series, method=options)
    noise = noise_model(series)
    weights = relative_weights(images, noise, noise_of_object(images, noise))
    objective = Objective(matrix, images, weights.ravel(), 0.8)
    assert objective(found.data) == pytest.approx(objective(objective.minimum()), rel=1e-3)


def cut_by(solver, lanes):
    """Replace the parts of a solver by narrower ones."""
    slices = solver.images.shape[1]
    solver.parts = [
        solver._part(Planes(solver.beam, lanes), first, min(first + lanes, slices), None, None)
        for first in range(0, slices, lanes)
    ]
    return solver


@pytest.mark.parametrize("lanes", list(LANE_COUNTS))
def test_bits_do_not_depend_on_cut_and_threads(lanes):
    rng = np.random.default_rng(203)
    images = rng.random((9, 70, 24), dtype=np.float32)
    weights = rng.uniform(0.5, 2, images.shape).astype(np.float32)
    found = []
    for threads, cut in ((1, None), (2, lanes)):
        solver = TotalVariation(
            images, Beam(ANGLES, (24, 24), 24), weights=weights, blur_px=1.0, threads=threads
        )
        if cut is not None:
            cut_by(solver, cut)
        for _ in range(5):
            solver.iterate(0.05)
        solver.favor_edges(0.1)
        squares = [solver.iterate(0.05) for _ in range(5)]
        found.append((solver.rows(0, 70), squares, solver.squares_left()))
    (one, squares_one, left_one), (two, squares_two, left_two) = found
    assert one.std() > 0
    assert np.array_equal(one, two)
    assert squares_one == squares_two
    assert left_one == left_two


def test_cut_covers_each_slice_once():
    for slices in range(1, 300):
        parts = cut_into_parts(slices)
        assert [k for first, last, _ in parts for k in range(first, last)] == list(range(slices))
        assert all(last - first <= lanes for first, last, lanes in parts)


def test_slabs_are_cut_by_the_shape_alone(monkeypatch):
    monkeypatch.setattr(row_slabs, "_SLAB_VOXELS", 1000)

    def kept(shape):
        return [(slab.first, slab.last) for slab in row_slabs.row_slabs(shape)]

    assert kept((10, 30, 10)) == [(0, 10), (10, 20), (20, 30)]
    assert kept((10, 31, 10)) == [(0, 8), (8, 16), (16, 23), (23, 31)]
    assert kept((100, 3, 100)) == [(0, 1), (1, 2), (2, 3)]
    first, middle, *_ = row_slabs.row_slabs((10, 60, 10))
    assert (first.low, first.high, middle.low, middle.high) == (0, 26, 0, 36)
    assert middle.inside == slice(10, 20)


def test_slabs_give_the_volume_that_one_piece_gives(monkeypatch):
    truth = balls(48, 96)
    series = series_of(truth, 1.0, counts=1000)
    whole = reconstruct(series, method=Tv(blur_px=1.0))
    monkeypatch.setattr(row_slabs, "_SLAB_VOXELS", 48**3)
    cut = reconstruct(series, method=Tv(blur_px=1.0))
    assert last_step(cut.history, ReconstructStep).slab_rows == ((0, 48), (48, 96))
    for threshold in (0.5, 3.0):  # halves of carbon and between carbon and the bright balls
        shares = [(volume.data > threshold).mean() for volume in (whole, cut)]
        assert shares[0] == pytest.approx(shares[1], abs=0.0005)
    change = np.abs(whole.data - cut.data)
    assert np.sqrt((change**2).mean()) < 2e-3  # carbon reads 1
    # the most is not at the seam: each slab finds the level of its weakest phase itself
    assert change.max() < 0.05


def test_halo_reaches_as_far_as_blur_and_gradients(monkeypatch):
    """With the same steps in every slab, what is left of the cut is what lies beyond the halo."""
    series = series_of(balls(48, 96), 1.0, counts=1000)
    options = Tv(blur_px=1.0, reweight=False, iterations=120, tolerance=0)
    whole = reconstruct(series, method=options).data
    monkeypatch.setattr(row_slabs, "_SLAB_VOXELS", 48**3)
    assert np.abs(reconstruct(series, method=options).data - whole).max() < 1e-3


def test_working_memory_is_seven_volumes_beside_the_images():
    n, tilts = 128, 50
    images = np.zeros((tilts, n, n), np.float32)
    beam = Beam(np.linspace(-69, 69, tilts), (n, n), n)

    def work():
        solver = TotalVariation(images, beam, blur_px=1.0, threads=2)
        solver.iterate(1.0)
        solver.favor_edges(1.0)
        solver.squares_left()

    work()  # compiles, which takes memory of its own
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 7 * 4 * n**3


@pytest.fixture(scope="module")
def truth():
    return balls()


@pytest.fixture(scope="module")
def series(truth):
    return series_of(truth, 1.0, counts=1000)


@pytest.mark.parametrize("counts", [None, 1000])
def test_tv_halves_the_error_of_the_best_sirt(counts, truth):
    series = series_of(truth, counts=counts)
    best = min(error(reconstruct(series, iterations=n), truth) for n in (30, 60, 120, 250, 500))
    found = reconstruct(series, method=Tv(blur_px=0.0))
    assert error(found, truth) <= 0.5 * best


@pytest.mark.parametrize("counts", [None, 1000])
def test_the_blur_in_the_model_halves_the_wrong_voxels(counts, truth):
    series = series_of(truth, 1.2, counts=counts)
    cuts = (0.5, 3.0)
    phases = np.digitize(truth, cuts)
    wrong, bias, errors = [], [], []
    for sigma in (1.2, 0.0):
        volume = reconstruct(series, method=Tv(blur_px=sigma))
        found = np.digitize(volume.data, cuts)
        wrong.append((found != phases).mean())
        bias.append(abs((found == 0).mean() - (phases == 0).mean()))
        errors.append(error(volume, truth))
    assert wrong[0] <= 0.5 * wrong[1]
    assert bias[0] <= bias[1] / 3
    assert errors[0] <= 0.75 * errors[1]


def test_the_weight_comes_from_noise_or_where_there_is_none_from_the_grey_value(series):
    depth = series.shape[2]
    noise, of_noise = variation_weight(series.images, depth, 50.0)
    clean, of_gray = variation_weight(series.images, depth, 0.0)
    assert (of_noise, of_gray) == ("noise of the images", "grey value of the images")
    assert noise == pytest.approx(0.25 * 50.0 * np.sqrt(len(series.images)))
    assert clean > 0


def test_what_no_volume_explains_counts_as_noise(truth, series):
    moves = np.random.default_rng(5).normal(0, 0.7, (len(series.images), 2))
    images = [
        scipy.ndimage.shift(np.asarray(image), move, mode="nearest")
        for image, move in zip(series.images, moves, strict=True)
    ]
    displaced = TiltSeries(np.array(images), series.angles_deg, series.pixel_size_nm)
    steps, errors = [], []
    for images, weight in ((series, None), (displaced, None), (displaced, "of noise alone")):
        given = weight and steps[-1].tv_weight
        found = reconstruct(images, method=Tv(blur_px=1.0, weight=given))
        steps.append(last_step(found.history, ReconstructStep))
        errors.append(error(found, truth))
    assert steps[0].tv_misfit == pytest.approx(1, abs=0.1)
    assert steps[1].tv_misfit > 1.5
    assert steps[2].tv_misfit == 1  # a weight of the user's is taken as it is
    assert errors[1] < 0.9 * errors[2]


def test_nothing_outside_the_support_and_below_zero(truth, series):
    support = truth > 0
    found = reconstruct(series, method=Tv(blur_px=1.0, iterations=60), support=support).data
    assert not found[~support].any()
    assert found.min() == 0
    free = reconstruct(series, method=Tv(blur_px=1.0, iterations=10, nonnegative=False)).data
    assert free.min() < 0


def test_a_start_is_used_and_kept(truth, series):
    before = truth.copy()
    started = reconstruct(series, method=Tv(blur_px=1.0, iterations=2), initial=truth)
    assert error(started, truth) < 0.1
    assert np.array_equal(truth, before)


def test_it_ends_where_the_volume_has_converged(series):
    told = []
    step = last_step(
        reconstruct(series, method=Tv(blur_px=1.0), callback=lambda *one: told.append(one)).history,
        ReconstructStep,
    )
    assert step.converged
    assert 80 <= step.iterations < 300
    assert step.finished_early is None
    assert told == list(enumerate(step.residuals, 1))
    looser = reconstruct(series, method=Tv(blur_px=1.0, tolerance=0.02))
    assert last_step(looser.history, ReconstructStep).iterations < step.iterations


def test_residual_is_that_of_the_blurred_projections(series):
    found = reconstruct(series, method=Tv(blur_px=1.0, iterations=12))
    left = blur_images(project(found.data, WEDGE), 1.0) - series.images
    step = last_step(found.history, ReconstructStep)
    assert not step.converged
    assert step.residual == pytest.approx(
        np.linalg.norm(left) / np.linalg.norm(series.images), rel=1e-4
    )


def test_finish_now_keeps_what_there_is(series, truth):
    count = []
    found = reconstruct(
        series,
        method=Tv(blur_px=1.0),
        progress=lambda *done: count.append(done),
        finish_now=lambda: len(count) >= 12,
    )
    step = last_step(found.history, ReconstructStep)
    assert step.finished_early == "12 to 12 of 300 iterations"
    assert not step.converged
    assert error(found, truth) < 0.7
    assert count[-1][0] == count[-1][1]


def test_cancel_ends_within_an_iteration(series):
    count = []
    with pytest.raises(Stopped):
        reconstruct(
            series,
            method=Tv(blur_px=1.0),
            progress=lambda *done: count.append(done),
            should_stop=lambda: len(count) > 3,
        )
    assert len(count) == 4


def test_looking_on_shows_the_volume_and_changes_nothing(series, truth):
    seen = []
    options = Tv(blur_px=1.0, iterations=25)
    plain = reconstruct(series, method=options)
    watched = reconstruct(
        series,
        method=options,
        partial=lambda volume, k: seen.append((k, np.linalg.norm(volume - truth))),
    )
    assert np.array_equal(plain.data, watched.data)
    assert [k for k, _ in seen] == [2, 5, 5, 10, 20, 25]  # two of a quick SIRT, then TV
    errors = [far for _, far in seen]
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"blur_px": -1}, "blur_px is -1"),
        ({"blur_px": 9.0}, "0 to 8"),
        ({"blur_px": "none"}, "blur_px is 'none'"),
        ({"tolerance": -1}, "tolerance is -1"),
        ({"tolerance": np.nan}, "tolerance is nan"),
        ({"weight": np.inf}, "weight is inf"),
    ],
)
def test_bad_options_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        Tv(**options)


def test_a_memory_limit_below_the_need_is_refused_before_the_blur_is_searched(monkeypatch, series):
    monkeypatch.setattr(tv_method, "find_blur", lambda *_, **__: pytest.fail("searched"))
    with pytest.raises(InputError, match="TV couples all rows by the blur and needs"):
        reconstruct(series, method=Tv(), memory_limit=2_000_000)


@pytest.mark.parametrize(("shape", "tilts"), [((64, 64, 64), 70), ((16, 64, 96), 140)])
def test_memory_that_is_asked_for_is_what_it_takes(shape, tilts):
    """A thin volume of many tilts is mostly images; the levels of a small one are mostly level
    sets.
    """
    depth, _, width = shape
    rod = np.zeros(shape, np.float32)
    rod[depth // 4 : -depth // 4, :, width // 4 : -width // 4] = 1
    rod[depth // 2 :, :, width // 2 : width // 2 + 5] *= 4
    angles = np.linspace(-69, 69, tilts)
    series = TiltSeries(project(rod, angles), angles, 0.5)
    options = Tv(blur_px=1.0, iterations=42, tolerance=0)
    out = np.empty(shape, np.float32)
    with pytest.raises(InputError) as refused:
        reconstruct(
            series, method=options, thickness_px=depth, out=out, memory_limit=1000, threads=2
        )
    asked = float(str(refused.value).split("needs ")[1].split(" MB")[0]) * 1e6
    reconstruct(series, method=options, thickness_px=depth, out=out, threads=2)  # compiles
    tracemalloc.start()
    reconstruct(series, method=options, thickness_px=depth, out=out, threads=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.7 * asked < peak < 1.1 * asked


def test_cancel_ends_within_an_iteration_of_many_parts():
    images = np.ones((9, 200, 16), np.float32)
    asked = []

    def stop():
        asked.append(True)
        return len(asked) > 3

    solver = TotalVariation(images, Beam(np.linspace(-60, 60, 9), (16, 16), 16), should_stop=stop)
    with pytest.raises(Stopped):
        solver.iterate(1.0)
    assert not np.isfinite(solver.change)  # in the middle of the first iteration


def test_ending_early_keeps_the_quick_volume_in_the_slabs_that_were_not_reached(monkeypatch):
    truth = balls(32, 64)
    series = series_of(truth, 1.0, counts=1000)
    monkeypatch.setattr(row_slabs, "_SLAB_VOXELS", 32**3)
    done = []
    found = reconstruct(
        series,
        method=Tv(blur_px=1.0, iterations=20),
        partial=lambda *_: None,
        progress=lambda *counts: done.append(counts),
        finish_now=lambda: len(done) >= 20,
    )
    assert np.linalg.norm(found.data[:, 32:] - truth[:, 32:]) < 0.7 * np.linalg.norm(truth[:, 32:])


@pytest.mark.parametrize("blur_px", [0.0, 1.2])
def test_preview_is_the_slice_of_a_fibre_that_is_the_same_along_y(blur_px, truth):
    series = series_of(np.repeat(truth[:, 20:21], 16, axis=1), blur_px)
    options = Tv(blur_px=blur_px, iterations=120, weight=1.0)
    full = reconstruct(series, method=options).data[:, 8]
    found = SlicePreview(series).reconstruct(8, method=options)
    assert np.linalg.norm(found.image - full) < 0.02 * np.linalg.norm(full)
    assert found.made_by.blur_px == blur_px


def test_preview_without_the_blur_is_another_plane(truth):
    series = series_of(np.repeat(truth[:, 20:21], 16, axis=1), 1.2)
    sharp, dull = (
        SlicePreview(series).reconstruct(8, method=Tv(blur_px=sigma, weight=1.0)).image
        for sigma in (1.2, 0.0)
    )
    assert np.linalg.norm(sharp - truth[:, 20]) < 0.8 * np.linalg.norm(dull - truth[:, 20])


@pytest.mark.parametrize("thickness_px", [0, -3, 2.5])
def test_preview_refuses_a_thickness_that_is_none(series, thickness_px):
    with pytest.raises(InputError, match="thickness_px is"):
        SlicePreview(series).reconstruct(0, thickness_px=thickness_px)
