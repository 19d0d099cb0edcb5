"""Polishing as a step of a study: labels come back from images of known levels; what is missing is
said in one sentence.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_snpore import Volume
from napari_snpore.errors import DisagreementError, InputError
from napari_snpore.history import (
    HeldOutChoice,
    PolishStep,
    ReconstructStep,
    SegmentStep,
    required_step,
)
from napari_snpore.study.estimate_errors import _tv
from napari_snpore.study.polishing import polish_segmented, why_not_polished
from napari_snpore.study.recipe import PolishSection
from napari_snpore.study.segmentation_report import polish_statements
from napari_snpore.study.thresholding import rule_in_use
from napari_snpore.study.tomogram import options_of_halves
from napari_snpore.tomography.detector_blur import blur_images
from napari_snpore.tomography.discrete.phase_levels import levels_of_phases
from napari_snpore.tomography.held_out_weight import with_choice_kept
from napari_snpore.tomography.noise import NoiseModel
from napari_snpore.tomography.options import Tv
from napari_snpore.tomography.projector import project
from napari_snpore.tomography.tilt_series import TiltSeries

ANGLES = np.arange(-70.0, 71.0, 5.0)
LEVELS = np.array([0.0, 0.0, 1.0, 5.0], np.float32)
BLUR_PX = 0.8
COUNTS = 20.0  # per grey unit: 600 along the widest ray of phase 2
MADE = ReconstructStep("tv", tilts=len(ANGLES), blur_px=BLUR_PX, blur_from="user")


def truth():
    """A rod of phase 2 in vacuum, with a bore (phase 1) and a bright core (phase 3) apart."""
    z, _, x = np.mgrid[:40, :24, :40] - np.array([19.5, 0, 19.5])[:, None, None, None]
    labels = np.zeros((40, 24, 40), np.uint8)
    labels[np.hypot(z, x) < 15] = 2
    labels[np.hypot(z - 5, x) < 5] = 1
    labels[np.hypot(z + 6, x) < 4] = 3
    return labels


@pytest.fixture(scope="module")
def series():
    sharp = project(LEVELS[truth()], ANGLES)
    images = blur_images(sharp, BLUR_PX) * COUNTS
    noisy = np.random.default_rng(1).poisson(np.maximum(images, 0) + 1) - 1.0
    return TiltSeries((noisy / COUNTS).astype(np.float32), ANGLES, 0.5)


def phases(labels=None, made=MADE):
    history = (made.step, SegmentStep((0.5, 3.0), ("pore", "C", "Sn")).step)
    return Volume(truth() if labels is None else labels, 0.5, history=history)


def roughened():
    """A fifth of the voxels beside bore and core belong to the phase beyond the surface."""
    z, _, x = np.mgrid[:40, :24, :40] - np.array([19.5, 0, 19.5])[:, None, None, None]
    chosen = np.random.default_rng(2).random(z.shape) < 0.2
    labels = truth()
    for distance, radius, phase in ((np.hypot(z - 5, x), 5, 1), (np.hypot(z + 6, x), 4, 3)):
        labels[chosen & (distance >= radius) & (distance < radius + 1)] = phase
        labels[chosen & (distance < radius) & (distance >= radius - 1)] = 2
    return labels


def test_levels_are_those_that_made_the_images():
    images = blur_images(project(LEVELS[truth()], ANGLES), BLUR_PX)
    clean = TiltSeries(images, ANGLES, 0.5)
    found = levels_of_phases(
        phases(), clean, blur_px=BLUR_PX, noise=NoiseModel(1e-3, 1e-3, 1e3), threads=1
    )
    assert found == pytest.approx(LEVELS.tolist(), abs=1e-4)


def test_wrong_voxels_are_mended_with_the_blur_of_the_history(series):
    given, smooth = phases(roughened()), PolishSection(boundary_weight=0.6, sweeps=5)
    found = polish_segmented(given, series, section=smooth)
    before = np.count_nonzero(given.data != truth())
    assert before > 200
    assert np.count_nonzero(np.asarray(found.data) != truth()) < 0.3 * before
    step = required_step(found.history, PolishStep)
    assert found.history[:-1] == given.history
    assert (step.blur_px, step.boundary_weight, step.sweeps) == (BLUR_PX, 0.6, 5)
    assert step.levels == pytest.approx(LEVELS.tolist(), rel=0.02)
    assert step.residual_after < step.residual_before
    assert step.changed_voxels == np.count_nonzero(found.data != given.data)
    share = 100 * step.changed_voxels / np.count_nonzero(truth())
    assert f"changed **{share:.1f} %** of the voxels" in polish_statements(found)[0].sentence
    one = polish_segmented(given, series, section=smooth, threads=1)
    assert np.array_equal(one.data, found.data)
    assert one.history == found.history


SWAPPED = np.array([0, 1, 3, 2], np.uint8)


@pytest.mark.parametrize(
    ("labels", "blur_px", "sentence"),
    [
        (SWAPPED[truth()], None, "do not rise from phase to phase"),
        (np.minimum(truth(), 1), None, "No phase is brighter than vacuum"),
        (np.where(truth() == 2, 3, truth()).astype(np.uint8), None, "Phase 2 has no voxel"),
        (truth(), 6.0, "a blur of at most half of that is needed"),
    ],
)
def test_phases_stay_where_images_say_nothing_of_them(series, labels, blur_px, sentence):
    given = phases(labels)
    found = polish_segmented(given, series, blur_px=blur_px)
    assert np.array_equal(found.data, given.data)
    step = required_step(found.history, PolishStep)
    assert sentence in step.note
    assert step.note.endswith("The phases are as the thresholds made them.")
    assert (step.changed_voxels, step.sweeps) == (0, 0)
    assert sentence in polish_statements(found)[1].sentence


def test_what_is_needed_is_named(series):
    with pytest.raises(InputError, match="no tilt images"):
        polish_segmented(phases(), None)
    sirt = phases(made=ReconstructStep("sirt"))
    with pytest.raises(InputError, match=r"\(SIRT\) has no blur .* Give blur_px"):
        polish_segmented(sirt, series)
    assert polish_segmented(sirt, series, blur_px=BLUR_PX).history[-1].name == "polish"
    with pytest.raises(InputError, match="blur_px is -1"):
        polish_segmented(phases(), series, blur_px=-1.0)
    unknown = replace(MADE, blur_px=0.0, blur_from="none was used: The minimum is flat.")
    with pytest.raises(InputError, match="could not be found"):
        polish_segmented(phases(made=unknown), series)
    with pytest.raises(InputError, match="polish the phases of the whole volume"):
        polish_segmented(Volume(truth()[:, :20], 0.5, history=phases().history), series)
    with pytest.raises(DisagreementError):
        polish_segmented(Volume(truth(), 0.6, history=phases().history), series)


def test_reasons_not_to_polish(series):
    few = TiltSeries(series.images[::2], ANGLES[::2], 0.5)
    history = phases().history
    assert why_not_polished(history, series) is None
    assert "switched off" in why_not_polished(history, series, PolishSection(enabled=False))
    assert "no tilt images" in why_not_polished(history, None, PolishSection(enabled=True))
    assert "There are 15 tilts" in why_not_polished(history, few)
    assert why_not_polished(history, few, PolishSection(enabled=True)) is None
    assert "not reconstructed here" in why_not_polished((), series)
    assert why_not_polished(history, series, phases=6) == (
        "There are 6 phases; at most 5 can be polished."
    )


@pytest.mark.parametrize("blur_px", ["1", True, np.nan, 9.0, -1.0])
def test_a_blur_out_of_range_is_refused(series, blur_px):
    with pytest.raises(InputError, match=r"blur_px is .* from 0 to 8 is needed"):
        polish_segmented(phases(), series, blur_px=blur_px)


def test_rule_follows_from_what_is_behind_the_volume(series):
    few = TiltSeries(series.images[::2], ANGLES[::2], 0.5)
    tv, sirt = (MADE.step,), (ReconstructStep("sirt").step,)
    assert rule_in_use("auto", tv, series) == ("projection", None)
    assert rule_in_use("auto", sirt, series) == ("haadf", None)
    assert rule_in_use("projection", sirt, series) == ("projection", None)
    assert rule_in_use("kmeans", tv, series) == ("kmeans", None)
    for rule, behind, words in (
        ("auto", None, "no tilt images"),
        ("projection", None, "no tilt images"),
        ("auto", few, "There are 15 tilts"),
    ):
        used, note = rule_in_use(rule, tv, behind)
        assert used == "haadf"
        assert words in note
        assert "Sn first, then carbon" in note


def test_halves_of_the_tilts_take_the_blur_and_weight_of_the_whole():
    made = replace(MADE, blur_px=1.02, blur_from="images", tv_weight=3.5)
    whole = Volume(np.zeros((2, 2, 2), np.float32), 0.5, history=(made.step,))
    assert options_of_halves(whole, Tv(tolerance=0.01)) == Tv(
        tolerance=0.01, blur_px=1.02, weight=3.5
    )


def test_what_held_out_tilts_chose_is_kept_where_a_reconstruction_is_repeated():
    chosen = HeldOutChoice(2.0, 9, 1.21, 1.25, -0.04, True, 0.01, 120)
    made = replace(MADE, blur_px=1.02, blur_from="images", tv_weight=3.5, tv_misfit=2.0)
    made = replace(made, iterations=120, tv_weight_from="held-out tilts", held_out=chosen)
    whole = Volume(np.zeros((2, 2, 2), np.float32), 0.5, history=(made.step,))
    kept = Tv(weight=7.0, iterations=120, tolerance=0.0)
    assert options_of_halves(whole, Tv(weight="auto")) == replace(kept, blur_px=1.02)
    assert with_choice_kept(Tv(weight="auto"), made) == kept
    # of a volume that is in a window there is the history alone
    assert replace(_tv(made), reweight=True) == kept
    refused = replace(made, tv_weight_from="noise", held_out=replace(chosen, gain=False))
    assert with_choice_kept(Tv(weight="auto"), refused) == Tv()
