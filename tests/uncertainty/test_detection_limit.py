"""The detection limit, with steps whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from napari_snpore import NoiseModel, TiltSeries, Volume
from napari_snpore.errors import InputError, Stopped
from napari_snpore.history import (
    CleanupParameters,
    DetectionLimitStep,
    PlantClustersStep,
    SegmentStep,
    required_step,
)
from napari_snpore.uncertainty.detection_limit import detection_limit
from napari_snpore.uncertainty.detection_options import DetectionOptions
from napari_snpore.uncertainty.recall_limit import RecallLimit, recall_limit
from napari_snpore.uncertainty.size_limit import SizeLimit, recorded_size_limit, size_limit

NM = 0.5
ANGLES = np.array([-40.0, 0.0, 40.0])
LEVELS = (0.0, 0.0, 1.0, 12.0)
COLUMNS = (
    "diameter_nm found length_bias_nm volume_bias_percent merged n recall low_95 high_95".split()
)


@pytest.fixture(scope="module")
def specimen():
    """A carbon bar with a pore along it and one rod of Sn, and empty images."""
    labels = np.zeros((48, 40, 48), np.uint8)
    labels[6:42, :, 6:42] = 2
    labels[20:28, :, 30:38] = 1
    labels[8:16, :, 8:16] = 3
    return Volume(labels, (NM,) * 3), TiltSeries(
        np.zeros((3, 40, 48), np.float32), ANGLES, NM, history=()
    )


def options(**given):
    return {
        "levels": LEVELS,
        "blur_px": 0.8,
        "noise": NoiseModel(0.01, 0.0, math.inf),
        "options": DetectionOptions(**({"diameters_nm": (1.0, 1.5), "clusters": 12} | given)),
    }


class Steps:
    """Steps that see what was planted at 0° and return phases that a rule makes of it."""

    def __init__(self, phases, rule):
        self.phases, self.rule, self.seen = phases, rule, []

    def __call__(self, images, progress):
        self.seen.append(images)
        if progress is not None:
            progress(1, 1)
        labels = np.array(self.phases.data)
        made = required_step(images.history, PlantClustersStep)
        self.rule(labels, images, made)
        return Volume(labels, self.phases.spacing)


def nothing(labels, images, made):
    """The phases as they were: no sphere is found."""


def everything(labels, images, made):
    """Sn wherever there was none: all are found, and merged into one."""
    labels[labels > 0] = 3


def test_what_is_not_found_has_recall_zero(specimen):
    phases, series = specimen
    table = detection_limit(phases, series, Steps(phases, nothing), **options())
    assert set(table.columns) == {"diameter_nm", *COLUMNS}
    assert table["n"].tolist() == [12, 12]
    assert table["found"].tolist() == table["merged"].tolist() == [0, 0]
    assert table["recall"].tolist() == [0, 0]
    assert table["length_bias_nm"].isna().all()
    # Wilson: 0 of 12, z²/(n + z²) with z = 1.96
    assert table["high_95"].tolist() == pytest.approx([3.8415 / 15.8415] * 2, abs=1e-4)
    assert recall_limit(table).above
    assert recall_limit(table).words == "above 1.5 nm"


def test_what_is_one_with_all_others_is_merged(specimen):
    phases, series = specimen
    table = detection_limit(phases, series, Steps(phases, everything), **options())
    assert table["found"].tolist() == [0, 0]
    assert table["merged"].tolist() == [12, 12]


def test_spheres_that_come_back_as_they_were_are_found_with_their_size(specimen, monkeypatch):
    phases, series = specimen
    kept = spheres_seen(monkeypatch)

    def exact(labels, images, made):
        z, y, x = np.indices(labels.shape)
        planted = kept[-1]
        for center, diameter in zip(planted.centers, planted.diameters_nm, strict=True):
            place = (z - center[0]) ** 2 + (y - center[1]) ** 2 + (x - center[2]) ** 2
            labels[place <= (diameter / 2 / NM) ** 2] = 3

    table = detection_limit(
        phases, series, Steps(phases, exact), **options(diameters_nm=(2.0,), clusters=10, runs=3)
    )
    assert table["found"].iloc[0] == table["n"].iloc[0] == 10
    assert abs(table["volume_bias_percent"].iloc[0]) < 5
    # the corners of the outermost voxels stand out by up to half a voxel diagonal at both ends
    assert 0 < table["length_bias_nm"].iloc[0] < math.sqrt(3) * NM
    assert recall_limit(table).words == "below 2 nm"


def spheres_seen(monkeypatch):
    """Keep what is planted in each run."""
    from napari_snpore.uncertainty import detection_limit as module

    kept, plain = [], module.planted_images

    def planted_images(labels, series, planted, **rest):
        kept.append(planted)
        return plain(labels, series, planted, **rest)

    monkeypatch.setattr(module, "planted_images", planted_images)
    return kept


def test_spheres_lie_in_the_fibre_and_keep_their_gap(specimen, monkeypatch):
    phases, series = specimen
    kept = spheres_seen(monkeypatch)
    table = detection_limit(
        phases, series, Steps(phases, nothing), **options(margin_nm=1.2, clusters=60)
    )
    labels = np.asarray(phases.data)
    tin, outside = np.argwhere(labels == 3), np.argwhere(labels == 0)
    for planted in kept:
        radii = planted.diameters_nm / 2
        for center, radius in zip(planted.centers, radii, strict=True):
            assert labels[tuple(np.round(center).astype(int))] in (1, 2)
            assert NM * np.sqrt(((outside - center) ** 2).sum(1)).min() > radius
            assert (NM * (center + 0.5) >= radius).all()
            assert (NM * (np.array(labels.shape) - 0.5 - center) >= radius).all()
            # distance to the nearest corner of a voxel of Sn, by the box around its centre
            gaps = np.maximum(np.abs(tin - center) - 0.5, 0)
            assert NM * np.sqrt((gaps**2).sum(1)).min() - radius >= 1.2 - 1e-6
        apart = NM * np.linalg.norm(planted.centers[:, None] - planted.centers[None], axis=2)
        apart -= radii[:, None] + radii[None]
        assert apart[~np.eye(len(radii), dtype=bool)].min() >= 1.2 - 1e-6
    assert table["n"].max() <= 60
    assert table.attrs["runs"] == len(kept) == 2
    assert table.attrs["margin_nm"] == 1.2


def test_images_gain_the_mass_of_the_spheres_and_its_counting_noise(specimen):
    phases, series = specimen
    labels = np.where(np.asarray(phases.data) == 1, 2, phases.data).astype(np.uint8)
    solid = Volume(labels, phases.spacing)  # no pore: every sphere replaces carbon
    steps = Steps(solid, nothing)
    detection_limit(solid, series, steps, **options(diameters_nm=(1.5,), clusters=9, runs=1))
    image = steps.seen[0].images[1]
    mass = 9 * math.pi / 6 * (1.5 / NM) ** 3 * (12.0 - 1.0)
    assert float(image.sum()) == pytest.approx(mass, rel=1e-3)
    noisy = options(diameters_nm=(1.5,), clusters=9, runs=1) | {
        "noise": NoiseModel(100.0, 0.5, 2.0)
    }
    detection_limit(solid, series, steps, **noisy)
    change = steps.seen[1].images - steps.seen[0].images
    added = steps.seen[0].images
    # only the noise of what is added (b·I), none of the images' own (a = 100)
    assert float((change**2).sum()) == pytest.approx(0.5 * float(added.sum()), rel=0.15)
    np.testing.assert_allclose(change[added < 1e-6], 0, atol=1e-2)


def test_the_same_seed_gives_the_same_table_and_another_one_other_places(specimen, monkeypatch):
    phases, series = specimen
    kept = spheres_seen(monkeypatch)
    for seed in (4, 4, 5):
        detection_limit(phases, series, Steps(phases, nothing), **options(seed=seed, runs=1))
    np.testing.assert_array_equal(kept[0].centers, kept[1].centers)
    assert not np.array_equal(kept[0].centers, kept[2].centers)


def test_one_and_two_threads_make_the_same_images_bit_for_bit(specimen):
    phases, series = specimen
    steps = Steps(phases, nothing)
    given = options(runs=1) | {"noise": NoiseModel(0.01, 0.5, 2.0), "residual_px": 0.3}
    for threads in (1, 2):
        detection_limit(phases, series, steps, threads=threads, **given)
    np.testing.assert_array_equal(steps.seen[0].images, steps.seen[1].images)


def test_a_fibre_without_a_place_has_no_recall(specimen):
    phases, series = specimen
    table = detection_limit(phases, series, Steps(phases, nothing), **options(margin_nm=50.0))
    assert table["n"].tolist() == [0, 0]
    assert table["recall"].isna().all()
    assert table.attrs["runs"] == 0
    assert recall_limit(table).words == "unknown: no cluster had a place"


def test_progress_ends_and_a_stop_is_heard(specimen):
    phases, series = specimen
    seen = []
    detection_limit(
        phases, series, Steps(phases, nothing), **options(clusters=60),
        progress=lambda done, total: seen.append(done / total),
    )  # fmt: skip
    assert seen == sorted(seen)
    assert seen[-1] == 1
    with pytest.raises(Stopped):
        detection_limit(
            phases, series, Steps(phases, nothing), **options(), should_stop=lambda: True
        )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"levels": (0.0, 0.0, 1.0)}, "levels is"),
        ({"levels": (0.0, 0.0, 13.0, 12.0)}, "brightest"),
        ({"blur_px": -1.0}, "blur_px"),
        ({"residual_px": math.nan}, "residual_px"),
    ],
)
def test_what_makes_no_sense_is_refused(specimen, change, words):
    phases, series = specimen
    with pytest.raises(InputError, match=words):
        detection_limit(phases, series, Steps(phases, nothing), **(options() | change))


def test_phases_without_tin_are_refused(specimen):
    phases, series = specimen
    labels = np.minimum(np.asarray(phases.data), 2)
    with pytest.raises(InputError, match="No cluster"):
        detection_limit(Volume(labels, phases.spacing), series, nothing, **options())


@pytest.mark.parametrize(
    "given",
    [
        {"diameters_nm": ()},
        {"diameters_nm": (0.0,)},
        {"clusters": 0},
        {"runs": 0},
        {"margin_nm": -1.0},
    ],
)
def test_options_out_of_range_are_refused(given):
    with pytest.raises(InputError, match=next(iter(given))):
        DetectionOptions(**given)


def recalls(*found, n=100):
    """A table with the Wilson bounds of the formula z = 1.96."""
    z2 = 1.959964**2
    rows = []
    for size, count in enumerate(found, 1):
        share = count / n
        middle = (share + z2 / (2 * n)) / (1 + z2 / n)
        half = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
        rows.append((float(size), n, share, middle - half, middle + half))
    return pd.DataFrame(rows, columns=["diameter_nm", "n", "recall", "low_95", "high_95"])


def test_half_recall_lies_on_the_line_between_two_diameters():
    limit = recall_limit(recalls(0, 20, 70, 100))
    assert limit.diameter_nm == pytest.approx(2.6)
    assert 2 < limit.low_95 < 2.6 < limit.high_95 < 3
    assert not limit.below
    assert limit.words == "2.6 nm (95 %: 2.4 to 2.8 nm)"


def test_a_recall_that_falls_is_averaged_before_it_is_read():
    # 60 and 20 become 40 and 40 (pool of adjacent violators), so that 50 % is reached after 3
    limit = recall_limit(recalls(0, 60, 20, 60))
    assert limit.diameter_nm == pytest.approx(3.5)


def test_an_end_that_was_not_reached_is_not_made_up():
    limit = recall_limit(recalls(10, 52))
    assert limit.diameter_nm == pytest.approx(1 + 40 / 42)
    assert math.isnan(limit.high_95)
    assert "no upper end up to 2 nm" in limit.words
    assert recall_limit(recalls(90, 95)).words == "below 1 nm"


def test_the_limit_on_an_axis_of_lengths_is_what_such_a_sphere_reads():
    table = pd.DataFrame(
        {"diameter_nm": [0.3, 0.4, 0.6], "length_bias_nm": [math.nan, 0.3, 0.5], "n": [100] * 3}
    )
    between = size_limit(RecallLimit(0.5, 0.45, 0.55, 0.3, 0.6), table)
    assert between.length_nm == pytest.approx(0.5 + 0.4)
    assert between.volume_nm3 == pytest.approx(math.pi / 6 * 0.125)
    lowest = size_limit(RecallLimit(0.35, 0.3, 0.4, 0.3, 0.6), table)
    assert lowest.length_nm == pytest.approx(0.35 + 0.3)  # of the nearest that was found
    above = size_limit(RecallLimit(math.nan, math.nan, math.nan, 0.3, 0.6, above=True), table)
    assert (above.diameter_nm, above.length_nm) == pytest.approx((0.6, 1.1))
    below = RecallLimit(math.nan, math.nan, math.nan, 0.3, 0.6, below=True)
    assert size_limit(below, table) is None


def test_a_history_gives_the_limit_of_its_phase_alone():
    step = DetectionLimitStep(
        phase="Sn", clusters=9, runs=1, seed=0, diameter_nm=0.5, length_nm=0.9
    ).step
    assert recorded_size_limit([step], "Sn clusters") == SizeLimit(0.5, 0.9)
    assert recorded_size_limit([step], "Sn") == SizeLimit(0.5, 0.9)
    assert recorded_size_limit([step], "pore objects") is None
    assert recorded_size_limit([], "Sn") is None
    again = SegmentStep((0.5, 6.0), ("pore", "C", "Sn"), "given", None, CleanupParameters()).step
    assert recorded_size_limit([again, step], "Sn") is not None
    assert recorded_size_limit([step, again], "Sn") is None
