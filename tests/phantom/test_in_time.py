"""The simulated in situ series: what was planted is what is measured, and what is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore.errors import InputError
from napari_snpore.in_situ import break_point, fibre_diameter
from napari_snpore.phantom import make_swelling_fibre


@pytest.fixture(scope="module")
def swelling():
    return make_swelling_fibre()


def test_planted_diameters_are_measured_within_one_percent(swelling):
    table = fibre_diameter(swelling.series)
    assert table["fitted"].all()
    np.testing.assert_allclose(table["diameter_nm"], swelling.truth["diameter_nm"], rtol=0.01)
    assert table["angle_deg"].mean() == pytest.approx(swelling.angle_deg, abs=0.2)
    found = break_point(table["time_s"], table["diameter_nm"])
    assert found.better_than_line
    assert found.time_s == pytest.approx(swelling.break_s, abs=10)


def test_truth_is_that_of_the_paper(swelling):
    truth = swelling.truth
    assert truth["diameter_nm"].iloc[[0, -1]].tolist() == pytest.approx([64.8, 81.1])
    assert truth["time_s"].iloc[-1] == 500
    assert truth["brightness"].iloc[-1] == pytest.approx(1.125)


def test_without_noise_and_blur_the_mass_is_that_of_a_cylinder():
    made = make_swelling_fibre(
        frames=2,
        shape=(64, 256),
        angle_deg=0,
        drift_nm=(0, 0),
        blur_nm=0.01,
        dose=None,
        brightening=0.5,
    )
    lift = made.series.images.astype(float) - 0.08
    area = lift.mean(axis=1).sum(axis=1) * made.series.pixel_size_nm
    # the area below a chord of height 1 is π/4 times its diameter; the clusters lie on it
    planted = np.pi / 4 * made.truth["diameter_nm"] * made.truth["brightness"]
    assert (area > planted).all()
    np.testing.assert_allclose(area, planted, rtol=0.15)


def test_the_same_on_any_number_of_threads(monkeypatch):
    one = make_swelling_fibre(frames=3, shape=(32, 160))
    monkeypatch.setenv("SNPORE_THREADS", "1")
    two = make_swelling_fibre(frames=3, shape=(32, 160))
    np.testing.assert_array_equal(one.series.images, two.series.images)


@pytest.mark.parametrize(
    "wrong",
    [{"frames": 1}, {"break_s": 600.0}, {"pixel_size_nm": 0.0}, {"diameters_nm": (1, -1, 2)}],
)
def test_bad_input_is_refused(wrong):
    with pytest.raises(InputError):
        make_swelling_fibre(**wrong)
