from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import integrate, ndimage
from scipy.special import j0

from napari_snpore.errors import InputError, Stopped
from napari_snpore.history import AlignStep, SimulateMeasuredSeriesStep, last_step, required_step
from napari_snpore.phantom import (
    Probe,
    Recording,
    make_phantom,
    simulate_measured_series,
    simulate_tilt_series,
)
from napari_snpore.phantom._footprint_kernels import footprint_area, project_footprints
from napari_snpore.phantom.fine_grid import fine_phases
from napari_snpore.subvolume import box_slices

ANGLES = np.arange(-60.0, 61, 15)
IDEAL = Recording.ideal()


@pytest.fixture(scope="module")
def fibre():
    return make_phantom("pristine", shape=(64, 48, 64), spacing=0.2, seed=2)


def mass(phantom) -> float:
    return float(np.array(phantom.gray_levels)[phantom.phases].sum())


def simulated(phantom, *, seed=1, dose=None, angles=ANGLES, **options):
    return simulate_measured_series(phantom, angles_deg=angles, dose=dose, seed=seed, **options)


# --- probe


def closed_form(probe: Probe, radius, depth):
    """Intensity per nm² without a source: a uniform disc, and the tail."""
    edge = probe.radius_nm(depth)
    disc = (radius < edge) / (np.pi * edge**2)
    tail = probe.tail_nm / (2 * np.pi * (radius**2 + probe.tail_nm**2) ** 1.5)
    return (1 - probe.tail_share) * disc + probe.tail_share * tail


@pytest.mark.parametrize("depth", [0.0, 15.0, -40.0])
def test_transfer_function_is_the_hankel_transform_of_disc_and_tail(depth):
    probe = Probe(source_sigma_nm=0.0)
    edge = probe.radius_nm(depth)
    for frequency in (0.3, 1.0, 2.5):

        def ring(radius, frequency=frequency):
            wave = j0(2 * np.pi * frequency * radius)
            return 2 * np.pi * radius * closed_form(probe, radius, depth) * wave

        inner = integrate.quad(ring, 0, edge)[0]
        # the tail beyond some 200 oscillations is less than 1e-3 of the whole
        edges = np.linspace(edge, edge + 60, 1200)
        outer = sum(integrate.fixed_quad(ring, a, b, n=8)[0] for a, b in itertools.pairwise(edges))
        assert probe.transfer(frequency, depth) == pytest.approx(inner + outer, abs=1e-3)


def test_disc_widens_with_depth_as_a_cone_far_from_the_focus():
    probe = Probe(half_angle_mrad=10)
    assert probe.radius_nm(0) == pytest.approx(probe.disc_nm / 2)
    assert probe.radius_nm(40) == probe.radius_nm(-40) == pytest.approx(np.hypot(0.2, 0.4))
    assert probe.radius_nm(4000) == pytest.approx(40, rel=1e-4)


def test_full_width_at_half_maximum_is_near_that_of_the_other_simulator():
    probe, radius = Probe(), np.linspace(0, 0.5, 501)
    frequency = np.linspace(0, 12, 4001)
    profile = [
        integrate.trapezoid(
            2 * np.pi * frequency * probe.transfer(frequency) * j0(2 * np.pi * frequency * r),
            frequency,
        )
        for r in radius
    ]
    half = radius[np.argmax(np.array(profile) < profile[0] / 2)]
    assert 2 * half == pytest.approx(0.37, abs=0.01)


def point(shape=(65, 195, 65), spacing=0.1):
    """A phantom with one voxel of Sn in the middle of nothing."""
    phantom = make_phantom("pristine", shape=(56, 40, 56), spacing=0.25, seed=0)
    phases = np.zeros(shape, np.uint8)
    phases[tuple(n // 2 for n in shape)] = 3
    volume = type(phantom.volume)(np.zeros(shape, np.float32), spacing)
    return type(phantom)(
        **{**vars(phantom), "phases": phases, "envelope": phases > 0, "volume": volume}
    )


def test_image_of_one_voxel_is_the_profile_of_the_probe():
    probe = Probe(disc_nm=1.19, source_sigma_nm=0.1, tail_share=0.2, tail_nm=0.5)
    image = simulated(point(), angles=[0.0], probe=probe, recording=IDEAL, refine=1).images[0]
    image = image[65:-65]
    y, x = 0.02 * (np.indices((585, 585)) - 292) * 5 / 9  # nine samples per pixel
    sharp = closed_form(probe, np.hypot(y, x), 0.0)
    expected = 12 * 0.1**2 * ndimage.gaussian_filter(sharp, 9)[4::9, 4::9]
    np.testing.assert_allclose(image[8:-8, 8:-8], expected[8:-8, 8:-8], atol=0.005 * expected.max())
    tail = image[32, 32 + 15]  # 0.9 nm outside the disc
    assert tail == pytest.approx(expected[32, 32 + 15], rel=0.03)


# --- projection


def test_area_below_a_place_is_the_integral_of_two_boxes():
    wide, narrow = np.cos(0.4), np.sin(0.4)
    steps = np.linspace(-1, 1, 20001)
    height = np.clip((0.5 * (wide + narrow) - np.abs(steps)) / narrow, 0, 1) / wide
    height = np.minimum(height, 1 / wide)
    below = integrate.cumulative_trapezoid(height, steps, initial=0)
    for k in range(0, len(steps), 500):
        assert footprint_area(steps[k], wide, narrow) == pytest.approx(below[k], abs=1e-6)
    assert footprint_area(0.2, 1.0, 0.0) == pytest.approx(0.7)


@pytest.mark.parametrize("angle", [0.0, 17.0, 45.0, -90.0, 133.0])
def test_bins_hold_the_share_of_the_voxel_above_them(angle):
    phases = np.zeros((9, 11, 2), np.uint8)
    phases[6, 3] = 1
    levels = np.zeros(256, np.float32)
    levels[1] = 5
    cosine, sine = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    slabs = np.zeros((5, 15, 2), np.float32)
    project_footprints(phases, phases.any(axis=2), levels, (cosine, sine), 2.0, slabs)
    seen = slabs.sum(axis=0)[:, 0]
    z, x = 6 - 4, 3 - 5
    assert seen.sum() == pytest.approx(5, rel=1e-6)
    inside = (np.arange(1000) + 0.5) / 1000 - 0.5  # a million points in the voxel
    places = (x + inside) * cosine + (z + inside)[:, None] * sine
    share = np.histogram(places, np.arange(16) - 7.5)[0] / 1e6
    np.testing.assert_allclose(seen, 5 * share, atol=0.01)
    (slab,) = np.flatnonzero(slabs.any(axis=(1, 2)))
    depth = z * cosine - x * sine
    assert abs(2.0 * (slab - 2) - depth) <= 1.0 + 1e-9


def test_mass_is_that_of_the_phantom_at_every_tilt(fibre):
    images = simulated(fibre, probe=Probe.gaussian(0.15), recording=IDEAL).images
    masses = images.sum(axis=(1, 2), dtype=np.float64)
    np.testing.assert_allclose(masses, mass(fibre), rtol=3e-3)
    np.testing.assert_allclose(masses, masses.mean(), rtol=3e-4)
    # the tail reaches beyond the field of view
    tailed = simulated(fibre, recording=IDEAL).images.sum(axis=(1, 2), dtype=np.float64)
    assert (tailed < masses).all()
    np.testing.assert_allclose(tailed, mass(fibre), rtol=1e-2)


@pytest.mark.parametrize(("easy", "refine"), [(True, 2), (False, 2), (False, 3)])
def test_both_simulators_agree_for_a_gaussian_probe_and_an_ideal_recording(easy, refine):
    fibre = make_phantom("pristine", shape=(64, 48, 64), spacing=0.2, seed=2, easy=easy)
    ours = simulate_tilt_series(fibre, angles_deg=ANGLES, dose=None, seed=0).images
    other = simulated(fibre, probe=Probe.gaussian(0.15), recording=IDEAL, refine=refine).images
    for one, two in zip(ours, other, strict=True):
        assert np.sqrt(np.mean((one - two) ** 2) / np.mean(one**2)) < 0.03
        assert abs((one * two).sum() / (one**2).sum() - 1) < 0.01


def test_fibre_goes_on_mirrored_beyond_its_cut_faces():
    fibre = make_phantom("pristine", shape=(64, 48, 64), spacing=0.2, seed=2)
    uniform = np.where(fibre.envelope, np.uint8(2), np.uint8(0))
    solid = type(fibre)(**{**vars(fibre), "phases": uniform})
    image = simulated(solid, angles=[30.0], recording=Recording(0.0, 3.0, 1.0, 0.0)).images[0]
    rows = image.sum(axis=1)
    np.testing.assert_allclose(rows, rows.mean(), rtol=2e-3)


# --- fine grid


@pytest.mark.parametrize("refine", [2, 3])
def test_fine_grid_keeps_the_volumes_of_phases_whole_and_in_cubes(fibre, refine):
    fine = fine_phases(fibre.phases, refine)
    assert fine.shape == tuple(refine * n for n in fibre.phases.shape)
    for kind in range(4):
        change = np.count_nonzero(fine == kind) / refine**3 - np.count_nonzero(fibre.phases == kind)
        assert abs(change) < 0.002 * np.count_nonzero(fibre.envelope)
    for center, size, percent in fibre.boxes.values():
        box = box_slices(fibre.phases.shape, fibre.spacing, (0.0, 0.0, 0.0), center, size)
        cube = fine[tuple(slice(refine * one.start, refine * one.stop) for one in box)]
        found = 100 * np.count_nonzero(cube == 1) / np.count_nonzero(cube)
        assert found == pytest.approx(percent, abs=0.5)


def test_fine_grid_rounds_the_staircase_of_a_ball():
    z, y, x = np.indices((40, 40, 40)) - 19.5
    ball = np.where(z**2 + y**2 + x**2 < 15**2, np.uint8(2), np.uint8(0))
    fine = fine_phases(ball, 2)
    places = [(np.arange(80) - 39.5) / 2] * 3
    radius = np.sqrt(sum(one**2 for one in np.meshgrid(*places, indexing="ij")))
    true = radius < (3 * ball.sum() / 2 / (4 * np.pi)) ** (1 / 3)
    blocks = np.kron(ball, np.ones((2, 2, 2), np.uint8)) > 0
    assert np.count_nonzero((fine > 0) != true) < 0.6 * np.count_nonzero(blocks != true)


def test_fine_grid_of_one_is_the_grid():
    phases = np.zeros((4, 4, 4), np.uint8)
    assert fine_phases(phases, 1) is phases
    assert not fine_phases(phases, 2).any()


# --- recording


def test_gain_and_dark_level_are_a_straight_line(fibre):
    plain = simulated(fibre, recording=IDEAL).images
    changed = simulated(fibre, recording=Recording(0.0, 0.0, 1.7, 0.05))
    step = required_step(changed.history, SimulateMeasuredSeriesStep)
    assert step.gain == 1.7
    shadow = fibre.envelope.any(axis=0)
    assert step.dark_level == pytest.approx(1.7 * 0.05 * plain[4][shadow].mean(), rel=1e-4)
    for one, two in zip(plain, changed.images, strict=True):
        slope, level = np.polyfit(one.ravel(), two.ravel(), 1)
        assert slope == pytest.approx(1.7, rel=1e-4)
        assert level == pytest.approx(step.dark_level, rel=0.4)
    assert last_step(changed.history, AlignStep) is None


def test_gain_that_is_not_given_is_drawn(fibre):
    gains = [
        required_step(
            simulated(fibre, angles=[0.0], seed=seed).history, SimulateMeasuredSeriesStep
        ).gain
        for seed in range(4)
    ]
    assert len(set(gains)) == 4
    assert all(0.5 <= gain <= 2 for gain in gains)


def test_residual_shifts_are_what_registration_finds(fibre):
    plain = simulated(fibre, recording=IDEAL).images
    moved = simulated(fibre, recording=Recording(2.0, 1.5, 1.0, 0.0), seed=5)
    found = []
    for one, two in zip(plain, moved.images, strict=True):
        # first-order: two = one − dy · ∂y − dx · ∂x, solved by least squares over several rounds
        shift = np.zeros(2)
        for _ in range(20):
            back = ndimage.shift(two, -shift, order=3, mode="nearest")[8:-8, 8:-8]
            slope = [one_[8:-8, 8:-8].ravel() for one_ in np.gradient(one)]
            error = (one[8:-8, 8:-8] - back).ravel()
            shift += np.linalg.lstsq(np.stack(slope, axis=1), error, rcond=None)[0]
        found.append(shift)
    found = np.array(found)
    assert 1.0 < found.std() < 3.0
    assert found[:, 0].mean() == pytest.approx(0, abs=0.05)
    angle = np.deg2rad(ANGLES)
    assert found[:, 1] @ np.cos(angle) == pytest.approx(0, abs=0.2)
    assert found[:, 1] @ np.sin(angle) == pytest.approx(0, abs=0.2)
    assert len(required_step(moved.history, AlignStep).shifts_px) == len(ANGLES)


def test_noise_is_that_of_counts_without_interpolation(fibre):
    still = Recording(0.0, 0.0, 1.3, 0.0)
    plain = simulated(fibre, recording=still).images
    noisy = simulated(fibre, recording=still, dose=500.0)
    step = required_step(noisy.history, SimulateMeasuredSeriesStep)
    expected = plain * step.counts_per_unit
    counts = noisy.images * step.counts_per_unit
    np.testing.assert_allclose(counts, np.round(counts), atol=0.02)
    inside = expected > 50
    deviation = (counts - expected)[inside] / np.sqrt(expected[inside])
    assert deviation.std() == pytest.approx(1, abs=0.03)
    shadow = fibre.envelope.any(axis=0)
    assert counts[4][shadow].mean() == pytest.approx(500, rel=0.01)


def test_interpolation_correlates_the_noise_of_neighbours(fibre):
    recording = Recording(0.0, 2.0, 1.0, 0.0)
    noise = (
        simulated(fibre, recording=recording, dose=300.0).images
        - simulated(fibre, recording=recording).images
    )[:, 8:-8, 16:-16]
    still = (
        simulated(fibre, recording=IDEAL, dose=300.0).images
        - simulated(fibre, recording=IDEAL).images
    )[:, 8:-8, 16:-16]

    def correlation(one):
        return (one[:, :, 1:] * one[:, :, :-1]).mean() / (one**2).mean()

    assert abs(correlation(still)) < 0.02 < 0.05 < correlation(noise)
    assert noise.var() < 0.95 * still.var()


def test_same_seed_same_images_on_any_number_of_threads(fibre, monkeypatch):
    first = simulated(fibre, dose=500.0).images
    assert (simulated(fibre, dose=500.0, seed=2).images != first).any()
    monkeypatch.setenv("SNPORE_THREADS", "1")
    np.testing.assert_array_equal(simulated(fibre, dose=500.0).images, first)


def test_progress_ends_at_the_end_and_a_stop_is_noticed(fibre):
    shares = []
    simulated(fibre, progress=lambda done, total: shares.append(done / total))
    assert shares == sorted(shares)
    assert shares[-1] == 1
    with pytest.raises(Stopped):
        simulated(fibre, should_stop=lambda: True)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"dose": 0.0}, "dose is 0"),
        ({"refine": 5}, "refine is 5"),
        ({"angles": []}, "angles_deg"),
        ({"angles": [np.nan]}, "angles_deg"),
    ],
)
def test_bad_input_is_refused(fibre, wrong, words):
    with pytest.raises(InputError, match=words):
        simulated(fibre, **wrong)


def test_bad_probe_and_bad_recording_are_refused():
    with pytest.raises(InputError, match="disc_nm is -1"):
        Probe(disc_nm=-1)
    with pytest.raises(InputError, match="tail_share is 1"):
        Probe(tail_share=1.0)
    with pytest.raises(InputError, match="residual_px"):
        Recording(residual_px=np.nan)
    with pytest.raises(InputError, match="gain is 0"):
        Recording(gain=0.0)
