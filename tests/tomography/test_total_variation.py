"""TV in three dimensions: its objective against scipy, the same bits for any cut, and what the blur in
the model is worth.
"""

import tracemalloc

import numpy as np
import pytest
from scipy.optimize import minimize

from napari_snpore.errors import InputError, Stopped
from napari_snpore.tomography import tv_reconstruction
from napari_snpore.tomography.detector_blur import blur_images
from napari_snpore.tomography.noise import NoiseModel
from napari_snpore.tomography.options import Tv
from napari_snpore.tomography.projector import LANE_COUNTS, Beam, Planes, project
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.tomography.slice_preview import SlicePreview
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.total_variation import TotalVariation
from napari_snpore.tomography.tv_reconstruction import slab_edges

SHAPE = (10, 5, 10)
ANGLES = np.arange(-60, 61, 12.0)
WEDGE = np.arange(-69, 70, 2.0)
NO_NOISE = NoiseModel(0.0, 0.0, np.inf)


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
                options={"maxiter": 4000, "maxfun": 8000, "maxcor": 30, "ftol": 1e-13},
            ).x
        return found


def small_case(blur_px, weighted):
    rng = np.random.default_rng(202)
    truth = np.zeros(SHAPE, np.float32)
    truth[3:7, 1:4, 2:8] = 2
    truth[4:6, 2, 4:6] = 5
    matrix = imaging_matrix(SHAPE, ANGLES, blur_px)
    images = (matrix @ truth.ravel()).reshape(len(ANGLES), SHAPE[1], SHAPE[2])
    images = (images + rng.normal(0, 0.4, images.shape)).astype(np.float32)
    weights = rng.uniform(0.3, 2, images.shape).astype(np.float32) if weighted else None
    return matrix, images, weights


def solver_of(images, weights=None, **options):
    return TotalVariation(images, Beam(ANGLES, (10, 10), 10), weights=weights, **options)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("blur_px", [0.0, 1.2])
def test_the_objective_is_as_low_as_scipy_can_bring_it(blur_px, weighted):
    matrix, images, weights = small_case(blur_px, weighted)
    objective = Objective(matrix, images, 1.0 if weights is None else weights.ravel(), 0.8)
    solver = solver_of(images, weights, blur_px=blur_px)
    for _ in range(3000):
        solver.iterate(0.8)
    ours, theirs = objective(solver.rows(0, 5)), objective(objective.minimum())
    assert ours <= theirs * 1.0005
    assert ours >= theirs * 0.999  # else the two have different objectives


def test_reweighting_scales_the_penalty_of_each_voxel():
    matrix, images, _ = small_case(1.2, False)
    solver = solver_of(images, blur_px=1.2)
    for _ in range(300):
        solver.iterate(0.8)
    before = solver.rows(0, 5).astype(float)
    solver.favor_edges(2.0)
    limits = 2 / (2 + np.sqrt(sum(step**2 for step in differences(before))))
    for _ in range(3000):
        solver.iterate(1.2)
    objective = Objective(matrix, images, 1.0, 1.2, limits)
    assert objective(solver.rows(0, 5)) == pytest.approx(objective(objective.minimum()), rel=1e-3)


def test_reconstruct_solves_the_convex_problem_where_it_is_asked_to():
    matrix, images, _ = small_case(1.2, False)
    objective = Objective(matrix, images, 1.0, 0.8)
    found = reconstruct(
        TiltSeries(images, ANGLES, 1.0),
        method=Tv(weight=0.8, blur_px=1.2, reweight=False, iterations=3000, tolerance=0),
    )
    assert found.history[-1].parameters["noise_b"] >= 0
    assert objective(found.data) == pytest.approx(objective(objective.minimum()), rel=1e-3)
