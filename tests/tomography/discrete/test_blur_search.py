"""Blur found in the images of phantoms whose blur is known, and the reasons where it cannot be."""

import time
from dataclasses import replace

import numpy as np
import pytest

from napari_snpore import make_phantom
from napari_snpore.errors import InputError, Stopped
from napari_snpore.history import ReconstructStep, last_step
from napari_snpore.tomography import tv_method
from napari_snpore.tomography.detector_blur import blur_images
from napari_snpore.tomography.discrete import blur_trials
from napari_snpore.tomography.discrete.blur_search import BlurEstimate, find_blur
from napari_snpore.tomography.discrete.blur_trials import BlurTrial
from napari_snpore.tomography.options import Tv
from napari_snpore.tomography.projector import project
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.tomography.tilt_series import TiltSeries

TILTS = np.arange(-69, 70, 3.0)


def series_of(volume, blur_px, seed, angles=TILTS):
    """Blurred projections with a thousand counts where the object is."""
    images = blur_images(project(volume, angles), blur_px)
    scale = 1000 / images[images > 0.05 * images.max()].mean()
    counts = np.random.default_rng(seed).poisson(images * scale)
    return TiltSeries((counts / scale).astype(np.float32), angles, 0.15)


def fibre(seed, easy, blur_px):
    made = make_phantom("pristine", shape=(96, 40, 96), spacing=0.15, seed=seed, easy=easy)
    sharp = np.asarray(made.gray_levels, np.float32)[made.phases.data]
    return series_of(sharp, blur_px, seed)


def small(angles=TILTS, blur_px=1.0):
    """A rod along y with round pores through it, 40 voxels wide: quick to search."""
    z, x = np.mgrid[:40, :40] - 19.5
    plane = (np.hypot(z, x) < 17).astype(np.float32)
    for center in ((-7, -6), (5, 8), (8, -7), (-6, 7), (0, 0)):
        plane[np.hypot(z - center[0], x - center[1]) < 3] = 0
    return series_of(np.repeat(plane[:, None], 16, axis=1), blur_px, 205, angles)


@pytest.mark.parametrize(("easy", "seed", "blur_px"), [(True, 210, 1.2), (False, 211, 0.9)])
def test_blur_of_a_phantom_is_found_within_ten_percent(easy, seed, blur_px):
    found = find_blur(fibre(seed, easy, blur_px))
    assert found.sigma_px == pytest.approx(blur_px, rel=0.1)
    assert found.reliable
    assert found.reason is None
    assert found.low_95 < found.sigma_px < found.high_95
    assert list(found.curve) == sorted(found.curve)
    carbon, tin = (1, 2) if easy else (1, 12)
    assert found.levels == pytest.approx((carbon, tin), rel=0.1)


def test_few_tilts_are_a_reason():
    found = find_blur(small(np.linspace(-69, 69, 19)))
    assert not found.reliable
    assert np.isnan(found.sigma_px)
    assert found.reason == "There are 19 tilts; the blur needs 20 or more."


def test_images_without_signal_are_refused():
    dark = replace(small(), images=np.zeros((len(TILTS), 16, 40), np.float32))
    with pytest.raises(InputError, match="no signal above 0"):
        find_blur(dark)


@pytest.mark.parametrize("levels", [(), (0.0, 1.0), (2.0, 1.0), (-1.0, 1.0), (np.nan,)])
def test_levels_that_do_not_rise_are_refused(levels):
    with pytest.raises(InputError, match="that rise from 0"):
        find_blur(small(), levels=levels)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"phases": 1}, "phases is 1"),
        ({"phases": 6}, "from 2 to 5"),
        ({"phases": 2.5}, "phases is 2.5"),
        ({"levels": (1.0, 2.0, 3.0, 4.0, 5.0)}, "at most 4 above vacuum"),
        ({"thickness_px": -3}, "thickness_px is -3"),
        ({"thickness_px": 0}, "thickness_px is 0"),
    ],
)
def test_numbers_out_of_range_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        find_blur(small(), **options)


def test_halves_of_the_tilts_alternate_by_angle(monkeypatch):
    """Recorded from 0 to both sides, every second image would be one side of the tilt range."""
    series = small(np.linspace(-69, 69, 30))
    order = np.argsort(np.abs(series.angles_deg), kind="stable")
    mixed = replace(series, images=series.images[order], angles_deg=series.angles_deg[order])
    used = []

    def run(search, tilts, trials, *_):
        used.append(search.angles_deg[tilts])
        return {sigma: BlurTrial(1 + (sigma**2 - 1) ** 2, (1.0,), 0.0) for sigma in trials}

    monkeypatch.setattr(blur_trials.BlurTrials, "run", run)
    assert find_blur(mixed).reliable
    np.testing.assert_array_equal(used[-2], series.angles_deg[::2])
    np.testing.assert_array_equal(used[-1], series.angles_deg[1::2])


@pytest.mark.parametrize("lost", [lambda sigma: sigma > 1.3, lambda sigma: sigma < 0.8])
def test_a_trial_that_fits_no_levels_is_passed_by(monkeypatch, lost):
    """Far from the blur of the images no levels of phases may rise; it is enclosed nearer by."""

    def run(search, tilts, trials, *_):
        def fit(sigma):
            return lost(sigma) and len(tilts) == len(search.angles_deg)

        return {
            sigma: BlurTrial(np.inf)
            if fit(sigma)
            else BlurTrial(1 + (sigma**2 - 1) ** 2, (1.0,), 0.0)
            for sigma in trials
        }

    monkeypatch.setattr(blur_trials.BlurTrials, "run", run)
    found = find_blur(small(np.linspace(-69, 69, 30)))
    assert found.sigma_px == pytest.approx(1.0)
    assert found.reliable


def test_levels_that_are_wrong_are_a_reason():
    """Of twice and more the grey value of the object: the phases cannot give these images."""
    found = find_blur(small(), levels=(2.5, 4.0))
    assert not found.reliable
    assert found.reason


def test_noise_alone_is_a_reason():
    images = np.random.default_rng(206).normal(10, 3, (24, 16, 40)).astype(np.float32)
    found = find_blur(replace(small(np.linspace(-69, 69, 24)), images=images))
    assert not found.reliable
    assert found.reason


def test_known_levels_and_threads():
    series, told = small(np.linspace(-69, 69, 30)), []
    one = find_blur(series, levels=(1.0,), threads=1, progress=lambda *done: told.append(done))
    two = find_blur(series, levels=(1.0,), threads=2)
    assert one == two
    assert one.sigma_px == pytest.approx(1.0, rel=0.15)
    shares = [done / total for done, total in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_cancel():
    count = []
    with pytest.raises(Stopped):
        find_blur(
            small(),
            progress=lambda *done: count.append(done),
            should_stop=lambda: len(count) > 2,
        )


def test_cancel_reaches_the_polishing_of_a_trial(monkeypatch):
    entered = []

    def wait_for_the_cancel(*_, should_stop, **__):
        entered.append(True)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if should_stop():
                raise Stopped("stopped")
            time.sleep(0.01)
        raise AssertionError("the cancel did not arrive")

    monkeypatch.setattr(blur_trials, "polish_labels", wait_for_the_cancel)
    with pytest.raises(Stopped):
        find_blur(small(), levels=(1.0,), should_stop=lambda: bool(entered))


def test_reconstruct_says_why_it_used_no_blur():
    series = small(np.linspace(-69, 69, 15))
    step = last_step(reconstruct(series, method=Tv(iterations=5)).history, ReconstructStep)
    assert step.blur_px == 0
    assert step.blur_from == "none was used: There are 15 tilts; the blur needs 20 or more."


def test_reconstruct_uses_the_blur_that_is_found(monkeypatch):
    known = BlurEstimate(1.3, 1.2, 1.4, (), (1.0,), True)
    monkeypatch.setattr(tv_method, "find_blur", lambda *_, **__: known)
    series = small()
    found = reconstruct(series, method=Tv(iterations=5))
    step = last_step(found.history, ReconstructStep)
    assert (step.blur_px, step.blur_from) == (1.3, "images")
    assert np.array_equal(
        found.data, reconstruct(series, method=Tv(iterations=5, blur_px=1.3)).data
    )
