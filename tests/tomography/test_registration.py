import numpy as np
import pytest
from scipy import ndimage

from napari_snpore.tomography.registration import (
    axial_likeness,
    centers_of_mass,
    gauge_part,
    shifts_along_axis,
    small_shifts,
    track_by_correlation,
)


def texture(shape, seed, width=2.0):
    return ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), width) * 10


@pytest.mark.parametrize("shift", [(0.3, -0.7), (1.6, 1.1), (0.0, 0.0)])
def test_small_shifts_to_a_hundredth_whatever_gain_and_level(shift):
    reference = texture((60, 60), 0, width=3.0)
    frame = 1.7 * ndimage.shift(reference, shift, mode="wrap") + 4
    found = small_shifts(frame[None].astype(np.float32), reference[None].astype(np.float32))[0]
    np.testing.assert_allclose(found, -np.array(shift), atol=0.03)


def test_gauge_terms_are_recognised():
    angles = np.linspace(-70, 70, 36)
    theta = np.deg2rad(angles)
    part, constant = gauge_part(3 + 5 * np.cos(theta) - 2 * np.sin(theta), angles)
    np.testing.assert_allclose(part, 3 + 5 * np.cos(theta) - 2 * np.sin(theta), atol=1e-10)
    assert constant == pytest.approx(3)


def test_center_of_mass_counts_from_the_centre_of_the_frame():
    frames = np.zeros((2, 4, 9), np.float32)
    frames[0, 1, 4] = 2.0
    frames[1, :, 6] = 1.0
    frames[1, :, 7] = 3.0
    np.testing.assert_allclose(centers_of_mass(frames), [0.0, 2.75])


def test_flat_specimen_is_followed_through_its_foreshortening():
    angles = np.arange(-60.0, 61.0, 3.0)
    film = np.pad(texture((96, 320), 1, width=1.5), 0)
    rng = np.random.default_rng(2)
    drift = rng.uniform(-3, 3, (len(angles), 2))
    rows, columns = np.indices((96, 96)).astype(float)
    frames = []
    for angle, (dy, dx) in zip(angles, drift, strict=True):
        x = (columns - 47.5 - dx) / np.cos(np.deg2rad(angle)) + 159.5
        frames.append(ndimage.map_coordinates(film, [rows - dy, x], mode="nearest"))
    found = track_by_correlation(np.array(frames, np.float32), angles)
    across = found[:, 1] + drift[:, 1]
    across -= gauge_part(across, angles)[0]
    along = found[:, 0] + drift[:, 0]
    assert np.sqrt(np.mean(across**2)) < 0.3
    assert np.std(along) < 0.3


def test_common_projection_gives_the_shift_along_the_axis():
    angles = np.linspace(-60, 60, 15)
    rows, columns = np.indices((64, 64)) - 31.5
    shifts = np.random.default_rng(3).uniform(-4, 4, len(angles))
    frames = np.zeros((len(angles), 64, 64), np.float32)
    for frame, angle, shift in zip(frames, np.deg2rad(angles), shifts, strict=True):
        for y, x, z in ((-12, 8, 3), (1, -9, -6), (9, 2, 10), (14, -4, 0)):
            place = x * np.cos(angle) + z * np.sin(angle)
            frame += np.exp(-((rows - y + shift) ** 2 + (columns - place) ** 2) / 8)
    found = shifts_along_axis(frames)
    np.testing.assert_allclose(found - found.mean(), shifts - shifts.mean(), atol=0.1)


def test_likeness_tells_structure_from_noise_and_from_an_oblique_edge():
    clean = texture((6, 40, 40), 4, width=(0, 2, 2))
    noise = np.random.default_rng(5).normal(size=(2, 6, 40, 40))
    assert axial_likeness(clean + 0.1 * noise[0], clean + 0.1 * noise[1]) > 0.8
    assert abs(axial_likeness(noise[0], noise[1])) < 0.1
    rows, columns = np.indices((40, 40))
    band = np.repeat(np.exp(-((columns - 20 + 0.2 * rows) ** 2) / 30)[None], 6, axis=0)
    assert abs(axial_likeness(band + 0.02 * noise[0], band + 0.02 * noise[1])) < 0.1
