"""Polishing against energies summed by hand, brute force over all labellings, and planted truth."""

from __future__ import annotations

import time
from itertools import product

import numpy as np
import pytest
import scipy

import napari_snpore as sn
from napari_snpore.history import PolishStep, required_step
from napari_snpore.tomography import row_slabs
from napari_snpore.tomography.detector_blur import blur_images
from napari_snpore.tomography.discrete import sweeps
from napari_snpore.tomography.discrete._polish_kernels import _holds_together
from napari_snpore.tomography.discrete.label_images import LabelImages
from napari_snpore.tomography.discrete.phase_levels import levels_of_phases
from napari_snpore.tomography.discrete.polish import polish_labels
from napari_snpore.tomography.discrete.sweeps import Sweeps
from napari_snpore.tomography.noise import NoiseModel
from napari_snpore.tomography.projector import project

WEDGE = np.arange(-69.0, 70.0, 4.0)
FULL = np.arange(-90.0, 90.0, 4.0)
LEVELS = (0.0, 0.0, 1.0, 4.0)


def fibre(shape=(40, 32, 40), seed=0, smooth=2.5):
    """Cuts of random fields in a cylinder along y: 1, 2 and 3 inside, 0 around it."""
    rng = np.random.default_rng(seed)
    fields = [scipy.ndimage.gaussian_filter(rng.normal(size=shape), smooth) for _ in range(2)]
    one, two = (field / field.std() for field in fields)
    labels = np.where(one < 0, 1, np.where(two > 0.8, 3, 2)).astype(np.uint8)
    z, x = np.ogrid[: shape[0], : shape[2]]
    away = (z - (shape[0] - 1) / 2) ** 2 + (x - (shape[2] - 1) / 2) ** 2
    labels.transpose(0, 2, 1)[away > (0.45 * min(shape[0], shape[2])) ** 2] = 0
    return labels


def images_of(labels, levels, angles, blur_px):
    return blur_images(project(np.asarray(levels, np.float32)[labels], angles), blur_px)


def counted(images, dose, seed):
    """Poisson images in units of the model, and one over their variance."""
    smooth = np.maximum(images, 0.05 * images.max())
    noisy = np.random.default_rng(seed).poisson(np.maximum(images, 0) * dose) / dose
    return noisy.astype(np.float32), (dose / smooth).astype(np.float32)


def unlike_pairs(labels):
    """Sum 1, 1/2 or 1/3 over pairs of unlike voxels that share a face, an edge, a corner."""
    total = 0.0
    for step in product((-1, 0, 1), repeat=3):
        one = labels[tuple(slice(max(0, -d), min(0, -d) or None) for d in step)]
        two = labels[tuple(slice(max(0, d), min(0, d) or None) for d in step)]
        total += np.count_nonzero(one != two) / max(sum(map(abs, step)), 1)
    return total / 2


def energy(labels, images, weights, angles, levels, blur_px, boundary_weight):
    left = images_of(labels, levels, angles, blur_px).astype(np.float64) - images
    seen = np.where(labels == 0, 1, labels)  # exterior and pore are both vacuum
    return 0.5 * np.sum(weights * left**2) + boundary_weight * unlike_pairs(seen)


def field_of(start, images, weights, angles, levels, blur_px, boundary_weight=0.6):
    field = Sweeps(
        start,
        weights,
        angles,
        blur_px=blur_px,
        boundary_weight=boundary_weight,
        exterior_as=1,
        grows_from=3,
    )
    field.set_forces(weights * (images_of(start, levels, angles, blur_px) - images))
    return field


def disturbed(labels, share, seed):
    """Give a share of the voxels a random label."""
    rng = np.random.default_rng(seed)
    out = labels.copy()
    wrong = (rng.random(labels.shape) < share) & (labels > 0)
    out[wrong] = rng.integers(1, 4, np.count_nonzero(wrong))
    return out


@pytest.mark.parametrize(
    ("shape", "blur_px"),
    [((24, 61, 20), 1.0), ((20, 3, 24), 1.3), ((20, 70, 24), 2.9), ((20, 9, 24), 0.0)],
)
def test_a_sweep_keeps_forces_and_energy_exact(shape, blur_px):
    truth = fibre(shape)
    images, weights = counted(images_of(truth, LEVELS, WEDGE, blur_px), 20.0, 1)
    start = disturbed(truth, 0.1, 2)
    field = field_of(start, images, weights, WEDGE, LEVELS, blur_px)
    before = energy(start, images, weights, WEDGE, LEVELS, blur_px, 0.6)
    for _ in range(2):
        done = field.run(LEVELS, threads=2)
        after = energy(field.labels, images, weights, WEDGE, LEVELS, blur_px, 0.6)
        assert done.energy_change <= 0
        assert done.changed > 0
        np.testing.assert_allclose(after - before, done.energy_change, rtol=1e-4)
        before = after
    fresh = weights * (images_of(field.labels, LEVELS, WEDGE, blur_px) - images)
    np.testing.assert_allclose(field.forces, fresh, atol=2e-5 * np.abs(fresh).max())


def test_planes_in_several_calls_and_a_cancel_between_them(monkeypatch):
    truth = fibre((24, 20, 24))
    images, weights = counted(images_of(truth, LEVELS, WEDGE, 1.0), 20.0, 1)
    start = disturbed(truth, 0.1, 2)
    options = {"levels": LEVELS, "blur_px": 1.0, "weights": weights, "sweeps": 2}
    whole = polish_labels(start, images, WEDGE, **options)
    monkeypatch.setattr(sweeps, "_COLUMNS", 1)
    np.testing.assert_array_equal(
        polish_labels(start, images, WEDGE, **options).labels, whole.labels
    )
    field = field_of(start, images, weights, WEDGE, LEVELS, 1.0)
    calls = []

    def slow(*_):
        calls.append(True)
        time.sleep(0.05)

    monkeypatch.setattr(sweeps, "polish_slab", slow)
    with pytest.raises(sn.Stopped):
        field.run(LEVELS, should_stop=lambda: bool(calls))
    assert len(calls) < truth.shape[0]  # one slab of 24 planes


def test_images_narrower_than_the_volume():
    truth = fibre((24, 20, 40))
    images, weights = counted(blur_images(project(truth == 2, WEDGE, detector_px=25), 1.0), 20.0, 1)
    start = disturbed(truth, 0.1, 2)
    field = Sweeps(
        start, weights, WEDGE, blur_px=1.0, boundary_weight=0.6, exterior_as=1, grows_from=3
    )

    def forces(labels):
        volume = np.asarray(LEVELS, np.float32)[labels]
        return weights * (blur_images(project(volume, WEDGE, detector_px=25), 1.0) - images)

    field.set_forces(forces(start))
    field.run(LEVELS)
    fresh = forces(field.labels)
    np.testing.assert_allclose(field.forces, fresh, atol=2e-5 * np.abs(fresh).max())


def test_the_same_bits_on_one_and_two_threads():
    truth = fibre((24, 90, 24))
    images, weights = counted(images_of(truth, LEVELS, WEDGE, 1.0), 20.0, 1)
    options = {"levels": LEVELS, "blur_px": 1.0, "weights": weights, "sweeps": 3}
    start = disturbed(truth, 0.1, 2)
    one = polish_labels(start, images, WEDGE, threads=1, **options)
    two = polish_labels(start, images, WEDGE, threads=2, **options)
    np.testing.assert_array_equal(one.labels, two.labels)
    assert (one.levels, one.residual, one.changes) == (two.levels, two.residual, two.changes)


@pytest.mark.parametrize("boundary_weight", [0.0, 0.6, 3.0])
def test_three_voxels_against_all_labellings(boundary_weight):
    angles = np.array([-50.0, 0.0, 40.0])
    images = images_of(np.array([[[2, 1, 2]]], np.uint8), LEVELS, angles, 0.5)
    images += np.random.default_rng(5).normal(scale=0.2, size=images.shape).astype(np.float32)
    weights = np.full(images.shape, 9.0, np.float32)

    def cost(labelling, weight):
        labels = np.array(labelling, np.uint8).reshape(1, 1, 3)
        return energy(labels, images, weights, angles, LEVELS, 0.5, weight)

    labellings = list(product((1, 2, 3), repeat=3))
    for start in labellings:
        polished = polish_labels(
            np.array(start, np.uint8).reshape(1, 1, 3),
            images,
            angles,
            levels=LEVELS,
            blur_px=0.5,
            weights=weights,
            boundary_weight=boundary_weight,
            fit_levels=False,
            bright_grows_only=False,
            sweeps=20,
        )
        end = tuple(polished.labels.ravel().tolist())
        # pairs weigh more where more than noise is left: by the mean squared residual
        left = 2 * cost(end, 0.0) / images.size
        costs = {one: cost(one, boundary_weight * max(left, 1.0)) for one in labellings}
        for other in costs:
            if sum(a != b for a, b in zip(end, other, strict=True)) == 1 and visited(end, other):
                assert costs[end] <= costs[other] + 1e-4
        if start == min(costs, key=costs.get):
            assert end == start


def visited(labels, other):
    """Whether the voxel in which two rows of three differ has an unlike neighbour."""
    place = next(k for k in range(3) if labels[k] != other[k])
    return any(labels[k] != labels[place] for k in (place - 1, place + 1) if 0 <= k < 3)


def test_true_labels_stay_where_nothing_speaks_against_them():
    truth = fibre()
    images = images_of(truth, LEVELS, FULL, 1.0)
    series = sn.TiltSeries(images, FULL, 0.15)
    polished, levels = sn.polish_phases(
        sn.Volume(truth, 0.15), series, levels=LEVELS, blur_px=1.0, noise=NoiseModel(0, 0, np.inf)
    )
    np.testing.assert_array_equal(polished.data, truth)
    np.testing.assert_allclose(levels, LEVELS, atol=1e-4)
    assert required_step(polished.history, PolishStep).changed_voxels == 0


def rough_border(labels, share, seed):
    """Give a share of the voxels at a border the greatest or the least label around them."""
    rng = np.random.default_rng(seed)
    inside = labels > 0
    most = scipy.ndimage.maximum_filter(labels, 3)
    least = scipy.ndimage.minimum_filter(np.where(inside, labels, 9), 3)
    other = np.where(rng.random(labels.shape) < 0.5, most, least)
    return np.where(inside & (rng.random(labels.shape) < share), other, labels).astype(np.uint8)


@pytest.mark.parametrize("dose", [10.0, 30.0])
def test_wrong_voxels_fall_from_a_rough_border(dose):
    truth = fibre(smooth=3.0)
    levels = (0.0, 0.0, 1.0, 2.0)
    images, weights = counted(images_of(truth, levels, WEDGE, 1.0), dose, 1)
    start = rough_border(truth, 0.3, 2)
    polished = polish_labels(start, images, WEDGE, levels=levels, blur_px=1.0, weights=weights)
    wrong = np.count_nonzero(start != truth), np.count_nonzero(polished.labels != truth)
    # a border so rough joins bright clusters by specks, and polishing does not part them again
    assert wrong[1] < 0.7 * wrong[0]
    np.testing.assert_array_equal(polished.labels == 0, truth == 0)
    assert polished.changed == np.count_nonzero(polished.labels != start)
    assert polished.residual < 1 < polished.residual_before


def test_noise_moves_true_labels_little():
    truth = fibre()
    images, weights = counted(images_of(truth, LEVELS, WEDGE, 1.0), 30.0, 1)
    polished = polish_labels(truth, images, WEDGE, levels=LEVELS, blur_px=1.0, weights=weights)
    inside = np.count_nonzero(truth)
    for label in (1, 2, 3):
        share = np.count_nonzero(polished.labels == label) - np.count_nonzero(truth == label)
        assert abs(share) < 0.01 * inside
    np.testing.assert_allclose(polished.levels[2:], LEVELS[2:], rtol=0.01)


def test_a_bright_phase_grows_only_beside_itself():
    truth = fibre()
    images, weights = counted(images_of(truth, LEVELS, WEDGE, 1.0), 30.0, 1)
    start = np.where(truth == 3, 2, truth).astype(np.uint8)
    options = {"levels": LEVELS, "blur_px": 1.0, "weights": weights, "fit_levels": False}
    beside = polish_labels(start, images, WEDGE, **options)
    anywhere = polish_labels(start, images, WEDGE, bright_grows_only=False, **options)
    assert np.count_nonzero(beside.labels == 3) == 0
    assert np.count_nonzero(anywhere.labels[truth == 3] == 3) > 0.5 * np.count_nonzero(truth == 3)


def test_what_holds_together_is_what_scipy_joins():
    rng = np.random.default_rng(0)
    offsets, _, _, touching = sweeps._pairs(9, 3, 1.0)
    for share in (0.1, 0.3, 0.6):
        for labels in np.where(rng.random((60, 3, 3, 3)) < share, 3, 2).astype(np.uint8):
            around = labels >= 3
            around[1, 1, 1] = False
            pieces = scipy.ndimage.label(around, np.ones((3, 3, 3)))[1]
            found = _holds_together(labels.reshape(-1), 13, offsets, touching, 3)
            assert found == (pieces <= 1)


def test_bright_clusters_are_not_broken_by_images_that_fit_badly():
    truth = fibre()
    images, weights = counted(images_of(truth, LEVELS, WEDGE, 1.0), 30.0, 1)
    shifts = np.random.default_rng(2).normal(0, 0.4, (len(images), 2))
    moved = [scipy.ndimage.shift(image, shift) for image, shift in zip(images, shifts, strict=True)]
    polished = polish_labels(
        truth, np.array(moved), WEDGE, levels=LEVELS, blur_px=1.0, weights=weights
    )
    pieces = [
        scipy.ndimage.label(one == 3, np.ones((3, 3, 3)))[1] for one in (truth, polished.labels)
    ]
    assert polished.changed > 1000
    assert pieces[1] <= pieces[0]


def test_levels_are_fitted_and_one_that_drifts_is_held():
    truth = fibre()
    images, weights = counted(images_of(truth, LEVELS, WEDGE, 1.0), 30.0, 1)
    model = LabelImages(images, weights, WEDGE, 1.0, (2, 3), 1, None)
    model.project(truth)
    levels, held = model.fit((0.0, 0.0, 1.05, 4.2))
    np.testing.assert_allclose(levels, LEVELS, rtol=0.01)
    assert held == ()
    levels, held = model.fit((0.0, 0.0, 1.0, 5.0))
    assert (levels[3], held) == (5.0, (3,))


def test_labels_without_exterior_and_five_phases_in_a_thin_slab():
    rng = np.random.default_rng(1)
    field = scipy.ndimage.gaussian_filter(rng.normal(size=(28, 24, 28)), 2.5)
    truth = np.digitize(field, np.quantile(field, [0.3, 0.55, 0.75, 0.9])).astype(np.uint8) + 1
    levels = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0)
    images, weights = counted(images_of(truth, levels, WEDGE, 1.0), 10.0, 1)
    start = rough_border(truth, 0.3, 2)
    polished = polish_labels(start, images, WEDGE, levels=levels, blur_px=1.0, weights=weights)
    assert set(np.unique(polished.labels)) == {1, 2, 3, 4, 5}
    assert polished.residual < 1.1 < polished.residual_before


def test_history_progress_and_cancel():
    truth = fibre()
    images, _ = counted(images_of(truth, LEVELS, WEDGE, 1.0), 30.0, 1)
    series = sn.TiltSeries(images, WEDGE, 0.15)
    start = sn.Volume(disturbed(truth, 0.05, 1), 0.15, origin=(1.0, 2.0, 3.0))
    reports = []
    polished, levels = sn.polish_phases(
        start,
        series,
        levels=LEVELS,
        blur_px=1.0,
        sweeps=2,
        progress=lambda done, total: reports.append(done / total),
    )
    step = required_step(polished.history, PolishStep)
    assert (polished.data.dtype, polished.origin) == (np.uint8, start.origin)
    assert step.levels == levels
    assert step.changed_voxels == np.count_nonzero(polished.data != start.data)
    assert step.residual_after < step.residual_before
    assert step.noise_b == pytest.approx(1 / 30, rel=0.15)
    assert reports == sorted(reports)
    assert reports[-1] == 1
    with pytest.raises(sn.Stopped):
        sn.polish_phases(start, series, levels=LEVELS, blur_px=1.0, should_stop=lambda: True)


class OnDisk:
    """An array that gives and takes boxes only, as one in a file does."""

    def __init__(self, data):
        self.data, self.shape, self.dtype = data, data.shape, data.dtype
        self.ndim, self.largest = 3, 0

    def __getitem__(self, box):
        part = self.data[box].copy()
        self.largest = max(self.largest, part.size)
        return part

    def __setitem__(self, box, values):
        self.data[box] = values


def test_each_row_of_a_part_is_visited_once_and_as_in_the_whole():
    for thickness, before, count in product(range(1, 8), range(5), range(1, 30)):
        first = thickness * before
        parts = [sweeps._rows_of(color, thickness, first, count) for color in (0, 1)]
        rows = sorted(row for part in parts for low, high in part for row in range(low, high))
        assert rows == list(range(count))
        for color, part in enumerate(parts):
            assert all(((first + low) // thickness) % 2 == color for low, _ in part)


@pytest.mark.parametrize("blur_px", [0.5, 1.0, 2.0])  # slabs begin in rows of either colour
def test_slabs_are_polished_as_the_whole_is(monkeypatch, blur_px):
    truth = fibre((40, 96, 40), smooth=3.0)
    images, _ = counted(images_of(truth, LEVELS, WEDGE, blur_px), 30.0, 1)
    series = sn.TiltSeries(images, WEDGE, 0.15)
    start = rough_border(truth, 0.03, 2)
    noise = NoiseModel(0.0, 1 / 30, float(images.max()))

    def polished(data, **options):
        phases = sn.Volume(data, 0.15)
        levels = levels_of_phases(phases, series, blur_px=blur_px, noise=noise)
        given = {"levels": levels, "blur_px": blur_px, "noise": noise}
        return sn.polish_phases(phases, series, **given, **options)

    whole, levels = polished(start)
    monkeypatch.setattr(row_slabs, "_SLAB_VOXELS", 40 * 32 * 40)
    source, target = OnDisk(start), OnDisk(np.full_like(start, 9))
    cut, levels_cut = polished(source, out=target)
    assert cut.data is target
    np.testing.assert_allclose(levels_cut, levels, rtol=1e-6)
    assert source.largest < start.size, "a slab and the rows beside it"
    steps = [required_step(found.history, PolishStep) for found in (whole, cut)]
    assert steps[1].changed_voxels == np.count_nonzero(target.data != start)
    assert steps[1].residual_before == pytest.approx(steps[0].residual_before, rel=1e-5)
    assert steps[1].residual_after == pytest.approx(steps[0].residual_after, rel=3e-3)
    inside = np.count_nonzero(truth)
    assert np.count_nonzero(target.data != whole.data) < 0.02 * inside
    for label in (1, 2, 3):
        counts = [np.count_nonzero(one == label) for one in (whole.data, target.data)]
        assert abs(counts[0] - counts[1]) < 0.0005 * inside, "0.05 points"
    again, _ = polished(start)
    np.testing.assert_array_equal(again.data, target.data)


def test_slabs_take_the_levels_that_they_are_given(monkeypatch):
    monkeypatch.setattr(row_slabs, "_SLAB_VOXELS", 40 * 16 * 40)
    series = sn.TiltSeries(np.ones((len(WEDGE), 32, 40)), WEDGE, 0.15)
    phases = sn.Volume(fibre(), 0.15)
    with pytest.raises(sn.InputError, match="fit_levels"):
        sn.polish_phases(phases, series, levels=LEVELS, blur_px=1.0, fit_levels=True)
    with pytest.raises(sn.InputError, match="cannot hold"):
        sn.polish_phases(phases, series, levels=LEVELS, blur_px=1.0, out=np.zeros((40, 32, 40)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"levels": (0, 0, 2, 1)}, "rise"),
        ({"levels": (0, 0, 1)}, "levels has 3 values"),
        ({"blur_px": 9.0}, "bin the images"),
        ({"blur_px": 7.0}, "at most half"),
        ({"blur_px": -1.0}, "from 0 to 8"),
        ({"boundary_weight": -0.1}, "boundary_weight"),
        ({"sweeps": 0}, "sweeps"),
        ({"images": np.zeros((0, 32, 40))}, "at least one"),
        ({"images": np.zeros((35, 31, 40))}, "rows along y"),
        ({"angles_deg": WEDGE[:-1]}, "one angle per image"),
        ({"labels": np.full((40, 32, 40), 9, np.uint8)}, "0 to 5 are possible"),
        ({"labels": np.zeros((40, 32, 40))}, "whole numbers"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(changes, words):
    given = {
        "labels": fibre(),
        "images": np.zeros((len(WEDGE), 32, 40)),
        "angles_deg": WEDGE,
        "levels": LEVELS,
        "blur_px": 1.0,
        "weights": np.ones((len(WEDGE), 32, 40)),
        **changes,
    }
    if given["images"].shape[1] == 31:
        given["weights"] = np.ones((35, 31, 40))
    labels, images, angles = (given.pop(name) for name in ("labels", "images", "angles_deg"))
    with pytest.raises(sn.InputError, match=words) as refusal:
        polish_labels(labels, images, angles, **given)
    assert str(refusal.value).endswith(".")


def test_pixels_have_to_be_as_large_as_voxels():
    series = sn.TiltSeries(np.zeros((len(WEDGE), 32, 40)), WEDGE, 0.3)
    with pytest.raises(sn.DisagreementError):
        sn.polish_phases(sn.Volume(fibre(), 0.15), series, levels=LEVELS, blur_px=1.0)
