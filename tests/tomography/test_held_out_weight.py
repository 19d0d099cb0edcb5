"""λ and iterations of TV by held-out tilts: what is chosen, what it is tested with, and when the
usual ones stay.
"""

import json
import math
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from napari_snpore.errors import InputError, Stopped
from napari_snpore.history import ReconstructStep, last_step, parsed_history, stored_history
from napari_snpore.tomography import held_out_weight
from napari_snpore.tomography.detector_blur import blur_images
from napari_snpore.tomography.held_out import TiltSplit, paired_gain
from napari_snpore.tomography.held_out_weight import (
    HELD_OUT,
    _further,
    choose_weight,
    with_choice_kept,
)
from napari_snpore.tomography.noise import NoiseModel
from napari_snpore.tomography.options import Tv
from napari_snpore.tomography.projector import Beam, project
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.tomography.slice_preview import SlicePreview
from napari_snpore.tomography.solving import Problem, Run, checked_problem
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.tv_reconstruction import VariationSettings, largest_slab_bytes

ANGLES = np.arange(-69, 70, 3.0)
SILENT = NoiseModel(0.0, 0.0, math.inf)
AUTO = Tv(weight="auto", blur_px=1.0, iterations=120)


def balls(n=32, slices=20, seed=300):
    """A cylinder along y with spherical pores and bright balls."""
    rng = np.random.default_rng(seed)
    z, y, x = np.mgrid[:n, :slices, :n].astype(np.float32)
    middle = (n - 1) / 2
    volume = np.where(np.hypot(z - middle, x - middle) < 0.42 * n, 1, 0).astype(np.float32)
    for k in range(14):
        center = rng.uniform((0.25 * n, 0, 0.25 * n), (0.75 * n, slices, 0.75 * n))
        far = np.sqrt((z - center[0]) ** 2 + (y - center[1]) ** 2 + (x - center[2]) ** 2)
        volume[far < rng.uniform(2, 4)] = 0 if k < 9 else 5
    return volume


def series_of(volume, counts=None, seed=301):
    images = blur_images(project(volume, ANGLES), 1.0)
    if counts is not None:
        scale = counts / images[images > 0.05 * images.max()].mean()
        images = (np.random.default_rng(seed).poisson(images * scale) / scale).astype(np.float32)
    return TiltSeries(images, ANGLES, 0.5)


def made_by(volume):
    return last_step(volume.history, ReconstructStep)


@pytest.fixture(scope="module")
def clean():
    """Images of the exact model, without noise, and their volumes: usual and by held-out tilts."""
    truth = balls()
    series = series_of(truth)
    return (
        truth,
        series,
        reconstruct(series, method=replace(AUTO, weight=None)),
        reconstruct(series, method=AUTO),
    )


def test_images_of_the_exact_model_want_less_smoothing_and_unseen_angles_come_out_nearer(clean):
    truth, _, usual, auto = clean
    choice = made_by(auto).held_out
    assert choice.gain
    assert choice.factor < 1
    assert choice.residual < choice.usual_residual
    between = ANGLES[:-1] + 1.5
    expected = blur_images(project(truth, between), 1.0)
    off = [
        np.linalg.norm(blur_images(project(volume.data, between), 1.0) - expected)
        for volume in (auto, usual)
    ]
    assert off[0] < off[1]
    assert made_by(auto).tv_weight == pytest.approx(choice.factor * made_by(usual).tv_weight)
    assert made_by(auto).tv_weight_from == HELD_OUT


def test_noise_alone_comes_out_no_stronger_than_with_the_usual_weight():
    noise = np.abs(np.random.default_rng(302).normal(0, 1, (len(ANGLES), 20, 32)))
    series = TiltSeries(noise.astype(np.float32), ANGLES, 0.5)
    usual, auto = (
        reconstruct(series, method=replace(AUTO, weight=weight)) for weight in (None, "auto")
    )
    choice = made_by(auto).held_out
    assert choice.factor >= 1 or not choice.gain
    spread = [float(np.diff(volume.data, axis=2).std()) for volume in (auto, usual)]
    assert spread[0] <= spread[1] * (1 + 1e-6)


def test_without_a_gain_the_volume_is_the_usual_one_bit_for_bit(clean, monkeypatch):
    _, series, usual, _ = clean
    monkeypatch.setattr(held_out_weight, "paired_gain", lambda new, old: paired_gain(old, new))
    kept = reconstruct(series, method=AUTO)
    choice = made_by(kept).held_out
    assert not choice.gain
    assert np.array_equal(kept.data, usual.data)
    assert made_by(kept) == replace(made_by(usual), held_out=choice)


def test_images_of_the_test_have_no_part_in_the_choice(clean):
    _, series, _, _ = clean
    # of a noise that is given: an estimate would read all images
    settings = VariationSettings(SILENT, 0.0, 1.0, 1.0, 60, 1e-3, True, True, weigh_misfit=False)
    split = TiltSplit.of(ANGLES)
    found = []
    for group in ((), split.test, split.validation):
        images = series.images.copy()
        images[list(group)] *= 1.2
        changed = checked_problem(replace(series, images=images), None, None, None)
        found.append(choose_weight(changed, settings, Run(1)))
    plain, test, validation = found
    assert (test.tried, test.factor, test.iterations) == (
        plain.tried,
        plain.factor,
        plain.iterations,
    )
    assert test.gain.residual > 2 * plain.gain.residual
    assert min(residual for _, residual in validation.tried) > 2 * min(
        residual for _, residual in plain.tried
    )


def test_any_number_of_threads_gives_the_same_bits(clean):
    _, series, _, auto = clean
    again = reconstruct(series, method=AUTO, threads=1)
    assert np.array_equal(again.data, auto.data)
    assert again.history == auto.history


def test_what_was_chosen_is_kept_in_the_history_and_can_be_repeated(clean):
    _, series, usual, auto = clean
    stored = json.loads(json.dumps(stored_history(auto.history)))
    made = last_step(parsed_history(stored, "here"), ReconstructStep)
    assert made.held_out == made_by(auto).held_out
    kept = with_choice_kept(AUTO, made)
    assert isinstance(kept.weight, float)
    assert np.array_equal(reconstruct(series, method=kept).data, auto.data)
    assert with_choice_kept(AUTO, made_by(usual)) == replace(AUTO, weight=None)
    given = Tv(weight=2.0)
    assert with_choice_kept(given, made) is given


def test_a_plane_of_a_preview_takes_the_usual_weight(clean):
    _, series, _, _ = clean
    preview = SlicePreview(series)
    few = replace(AUTO, iterations=5)
    planes = [preview.reconstruct(10, method=method) for method in (few, replace(few, weight=None))]
    assert np.array_equal(planes[0].image, planes[1].image)


def test_further_weights_are_tried_until_the_best_is_enclosed():
    class Tried:
        def __init__(self, residual):
            self.residual = residual

    tried = {factor: Tried(abs(np.log(factor / 3.0))) for factor in (0.5, 1.0, 2.0)}
    while (factor := _further(tried)) is not None:
        tried[factor] = Tried(abs(np.log(factor / 3.0)))
    root = 2**0.5
    assert sorted(tried) == pytest.approx([0.5, 1, 2, 2 * root, 4, 4 * root, 8])
    assert min(tried, key=lambda factor: tried[factor].residual) == pytest.approx(2 * root)
    falling = {factor: Tried(-factor) for factor in (0.5, 1.0, 2.0)}
    while (factor := _further(falling)) is not None:
        falling[factor] = Tried(-factor)
    assert max(falling) == 8  # no farther


def test_fewer_tilts_than_twenty_and_a_cancel_are_noticed(clean):
    _, series, _, _ = clean
    few = replace(series, images=series.images[::3], angles_deg=ANGLES[::3])
    with pytest.raises(InputError, match="16 images; to hold some of them out, 20 or more"):
        reconstruct(few, method=AUTO)
    calls = []

    def stop():
        calls.append(1)
        return len(calls) > 60

    with pytest.raises(Stopped):
        reconstruct(series, method=AUTO, should_stop=stop)


def test_progress_rises_to_the_end(clean):
    _, series, _, _ = clean
    seen = []
    reconstruct(
        series,
        method=replace(AUTO, iterations=50),
        progress=lambda done, total: seen.append(done / total),
    )
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


@pytest.mark.parametrize("weight", [-1.0, "held", np.nan, np.inf])
def test_other_weights_are_refused(weight):
    with pytest.raises(InputError, match="'auto' or a number of grey units, 0 or more"):
        Tv(weight=weight)


def test_the_choice_keeps_to_the_memory_that_it_states():
    shape = (96, 40, 96)
    images = np.ones((24, 40, 96), np.float32)
    problem = Problem(images, Beam(np.linspace(-69, 69, 24), (96, 96), 96))
    settings = VariationSettings(SILENT, 0.0, 1.0, 1.0, 2, 1e-3, True, False, weigh_misfit=False)
    choose_weight(problem, settings, Run(1))  # compiled before it is measured
    tracemalloc.start()
    choose_weight(problem, settings, Run(1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    stated = [
        largest_slab_bytes(shape, 24, 1, reweight=False, held_out=held_out)
        for held_out in (True, False)
    ]
    assert 0.6 * stated[0] < peak < stated[0]
    assert stated[1] < stated[0]
