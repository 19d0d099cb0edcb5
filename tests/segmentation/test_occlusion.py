"""Occlusion against closed forms and continuous rays; envelopes against bodies whose true envelope
is known.
"""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_snpore.errors import InputError, Stopped
from napari_snpore.segmentation.occlusion import ambient_occlusion, fibre_envelope


def grid(shape):
    """Return coordinates (z, y, x) of voxel centres from the middle of the box, in voxels."""
    return np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in shape), indexing="ij", sparse=True)


def porous_fibre(n=80, slices=48, porosity=0.35, sigma=2.0, seed=0):
    """Return (solid, true envelope) of a cylinder along y with random pores, open where they meet
    its surface.
    """
    z, _, x = grid((n, slices, n))
    body = np.broadcast_to(z**2 + x**2 <= (0.4 * n) ** 2, (n, slices, n))
    noise = gaussian_filter(np.random.default_rng(seed).standard_normal(body.shape), sigma)
    return body & (noise > np.quantile(noise[body], porosity)), body


def rays_by_marching(solid, point, spacing, ray_length, directions=3000, seed=0):
    """Return the share of random directions that meet solid, by small steps on continuous rays."""
    rng = np.random.default_rng(seed)
    rays = rng.standard_normal((directions, 3))
    rays /= np.linalg.norm(rays, axis=1)[:, None]
    met = np.zeros(directions, bool)
    for distance in np.arange(0, ray_length, 0.1 * min(spacing)):
        at = np.rint(np.array(point) + distance * rays / spacing).astype(int)
        inside = ((at >= 0) & (at < solid.shape)).all(axis=1)
        met[inside] |= solid[tuple(at[inside].T)]
    return met.mean()


def check_same_but_for_steps(envelope, body):
    """A voxel on the surface beside a step of it is half surrounded and may count as the body's; no
    other may.
    """
    assert envelope[body].all()
    extra = envelope & ~body
    beside = sum(np.roll(body, shift, axis).astype(int) for shift in (1, -1) for axis in range(3))
    assert (beside[extra] >= 1).all()
    assert np.count_nonzero(extra) < 0.03 * np.count_nonzero(body)


def test_a_closed_cavity_is_dark_and_solid_counts_as_dark():
    z, y, x = grid((31, 31, 31))
    solid = z**2 + y**2 + x**2 > 8**2
    occlusion = ambient_occlusion(solid, spacing=1, ray_length_nm=17)
    assert occlusion.dtype == np.float32
    assert (occlusion == 1).all()


def test_far_from_a_body_nothing_is_occluded():
    solid = np.zeros((60, 60, 60), bool)
    solid[28:32, 28:32, 28:32] = True
    occlusion = ambient_occlusion(solid, spacing=1, ray_length_nm=10)
    assert occlusion[0, 0, 0] == 0
    assert occlusion[30, 30, 5] == 0
    assert occlusion[30, 30, 26] > 0
    assert not ambient_occlusion(np.zeros((5, 6, 7), bool), spacing=1, ray_length_nm=10).any()


@pytest.mark.parametrize("distance", [18, 24, 30])
def test_a_ball_takes_its_solid_angle(distance):
    z, y, x = grid((27, 27, 81))
    solid = z**2 + y**2 + (x + 26) ** 2 <= 12**2
    occlusion = ambient_occlusion(solid, spacing=1, ray_length_nm=60, directions=2000)
    expected = (1 - np.sqrt(1 - (12 / distance) ** 2)) / 2
    assert occlusion[13, 13, 40 - 26 + distance] == pytest.approx(expected, abs=0.012)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("height", [0, 3, 7])
def test_over_a_half_space(axis, height):
    """Rays of length R from a height h meet the plane where cos > h / R: a share (1 − h/R) / 2."""
    shape = [41, 41, 41]
    shape[axis] = 30
    solid = np.zeros(shape, bool)
    solid[(slice(None),) * axis + (slice(0, 10),)] = True
    cut = tuple(a for a in range(3) if a != axis)
    occlusion = ambient_occlusion(solid, spacing=1, ray_length_nm=12, directions=512, cut_axes=cut)
    place = [20, 20, 20]
    place[axis] = 10 + height
    assert occlusion[tuple(place)] == pytest.approx((1 - (height + 0.5) / 12) / 2, abs=0.012)


@pytest.mark.parametrize("spacing", [(1, 1, 1), (0.5, 1, 1), (1, 0.5, 2)])
def test_in_the_middle_of_a_slab_gap(spacing):
    """1 − w / (2R), whatever the voxels."""
    width, ray_length = 9, 12.0
    solid = np.ones((29, 31, 31), bool)
    solid[10 : 10 + width] = False
    occlusion = ambient_occlusion(
        solid, spacing=spacing, ray_length_nm=ray_length, directions=1024, cut_axes=(1, 2)
    )
    assert occlusion[14, 15, 15] == pytest.approx(
        1 - width * spacing[0] / (2 * ray_length), abs=0.015
    )


@pytest.mark.parametrize(("radius", "depth"), [(10, 30), (10, 10), (14, 7)])
def test_at_the_bottom_of_a_pit(radius, depth):
    z, y, x = grid((60, 61, 61))
    floor, top = 10, 10 + depth
    level = z + 29.5  # plane number
    solid = (level < top) & ~((level >= floor) & (y**2 + x**2 <= radius**2))
    occlusion = ambient_occlusion(solid, spacing=1, ray_length_nm=70, directions=2048)
    height = depth - 0.5  # from the centre of the lowest void voxel
    open_share = (1 - height / np.hypot(height, radius)) / 2
    assert 1 - occlusion[floor, 30, 30] == pytest.approx(open_share, abs=0.01)


def test_like_continuous_rays_in_a_porous_body():
    solid, _ = porous_fibre(n=48, slices=40)
    spacing = (1.0, 0.7, 1.4)
    occlusion = ambient_occlusion(solid, spacing=spacing, ray_length_nm=8, directions=1000)
    rng = np.random.default_rng(3)
    places = np.argwhere(~solid & (occlusion > 0) & (occlusion < 1))
    places = places[rng.choice(len(places), 60, replace=False)]
    by_marching = np.array([rays_by_marching(solid, place, spacing, 8) for place in places])
    difference = occlusion[tuple(places.T)] - by_marching
    assert np.sqrt(np.mean(difference**2)) < 0.03
    assert abs(difference.mean()) < 0.015


def test_turning_the_body_turns_the_field():
    solid, _ = porous_fibre(n=40, slices=32)
    options = {"spacing": 1, "ray_length_nm": 8, "directions": 512}
    field = ambient_occlusion(solid, **options)
    for axes in ((0, 1), (0, 2), (1, 2)):
        turned = ambient_occlusion(np.rot90(solid, axes=axes), **options)
        difference = np.rot90(turned, -1, axes=axes) - field
        assert np.sqrt(np.mean(difference**2)) < 0.02
        assert abs(difference.mean()) < 0.002


def test_room_around_the_body_changes_nothing():
    solid, _ = porous_fibre(n=40, slices=24)
    solid = np.pad(solid, 12)
    field = ambient_occlusion(solid, spacing=1, ray_length_nm=8)
    wider = ambient_occlusion(np.pad(solid, 15), spacing=1, ray_length_nm=8)[15:-15, 15:-15, 15:-15]
    np.testing.assert_array_equal(field, wider)


def test_a_cut_face_mirrors_the_body():
    solid, _ = porous_fibre(n=40, slices=30)
    whole = np.concatenate([solid[:, ::-1], solid, solid[:, ::-1]], axis=1)
    part = ambient_occlusion(solid, spacing=1, ray_length_nm=9, cut_axes=(1,), directions=512)
    expected = ambient_occlusion(whole, spacing=1, ray_length_nm=9, directions=512)[:, 30:60]
    assert np.sqrt(np.mean((part - expected) ** 2)) < 0.015
    open_ended = ambient_occlusion(solid, spacing=1, ray_length_nm=9, directions=512)
    pores = ~solid[:, 0] & (expected[:, 0] > 0.9)
    assert open_ended[:, 0][pores].mean() < 0.75 < part[:, 0][pores].mean()


def test_a_ray_longer_than_the_box_is_mirrored_more_than_once():
    solid = np.zeros((6, 5, 40), bool)
    solid[..., :10] = True
    occlusion = ambient_occlusion(
        solid, spacing=1, ray_length_nm=20, cut_axes=(0, 1), directions=512
    )
    assert occlusion[3, 2, 10] == pytest.approx((1 - 0.5 / 20) / 2, abs=0.012)


def test_threads_change_nothing(monkeypatch):
    solid, _ = porous_fibre(n=32, slices=20)
    fields = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("SNPORE_THREADS", threads)
        fields.append(ambient_occlusion(solid, spacing=1, ray_length_nm=6, cut_axes=(1,)))
    np.testing.assert_array_equal(fields[0], fields[1])
    np.testing.assert_array_equal(fields[0], fields[2])


def test_many_directions_are_counted_without_overflow():
    solid = np.ones((5, 5, 5), bool)
    solid[2, 2, 2] = False
    assert ambient_occlusion(solid, spacing=1, ray_length_nm=3, directions=3000)[2, 2, 2] == 1


def test_the_envelope_is_the_fibre_with_its_pores():
    solid, body = porous_fibre()
    envelope = fibre_envelope(solid, spacing=0.15, ray_length_nm=12 * 0.15, cut_axes=(1,))
    assert envelope.dtype == np.bool_
    dice = (
        2
        * np.count_nonzero(envelope & body)
        / (np.count_nonzero(envelope) + np.count_nonzero(body))
    )
    assert dice >= 0.99
    assert envelope[solid].all()


def test_a_bore_through_a_cut_tube_belongs_to_it():
    z, _, x = grid((60, 40, 60))
    inside = np.broadcast_to(z**2 + x**2 <= 8**2, (60, 40, 60))
    body = np.broadcast_to(z**2 + x**2 <= 25**2, (60, 40, 60))
    solid = body & ~inside
    cut = fibre_envelope(solid, spacing=1, ray_length_nm=20, cut_axes=(1,))
    check_same_but_for_steps(cut, body)
    uncut = fibre_envelope(solid, spacing=1, ray_length_nm=20)
    assert not uncut[30, 0, 30]  # the bore's end looks into the open
    assert uncut[30, 20, 30]


def test_a_cavity_wider_than_the_rays_is_not_exterior():
    z, y, x = grid((60, 60, 60))
    radius = np.sqrt(z**2 + y**2 + x**2)
    envelope = fibre_envelope((radius < 25) & (radius > 18), spacing=1, ray_length_nm=5)
    check_same_but_for_steps(envelope, radius < 25)
    assert envelope[radius < 15].all()  # the cavity


def test_a_higher_threshold_takes_more_void_away():
    solid, _ = porous_fibre(n=48, slices=24)
    sizes = [
        np.count_nonzero(
            fibre_envelope(
                solid, spacing=1, ray_length_nm=8, cut_axes=(1,), occlusion_threshold=threshold
            )
        )
        for threshold in (0.4, 0.5, 0.6, 0.8)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < sizes[0]


def test_nonsense_is_refused_in_one_sentence():
    solid = np.zeros((4, 4, 4), bool)
    with pytest.raises(InputError, match="boolean"):
        ambient_occlusion(solid.astype(np.uint8), spacing=1, ray_length_nm=2)
    with pytest.raises(InputError, match="boolean"):
        ambient_occlusion(solid[0], spacing=1, ray_length_nm=2)
    with pytest.raises(InputError, match="ray_length_nm is 0"):
        ambient_occlusion(solid, spacing=1, ray_length_nm=0)
    with pytest.raises(InputError, match="directions is 2"):
        ambient_occlusion(solid, spacing=1, ray_length_nm=2, directions=2)
    with pytest.raises(InputError, match="cut_axes"):
        ambient_occlusion(solid, spacing=1, ray_length_nm=2, cut_axes=(3,))
    with pytest.raises(InputError, match="occlusion_threshold"):
        fibre_envelope(solid, spacing=1, ray_length_nm=2, occlusion_threshold=1.5)
    with pytest.raises(InputError, match="spacing"):
        ambient_occlusion(solid, spacing=0, ray_length_nm=2)


def test_it_stops_on_request_and_tells_progress():
    solid, _ = porous_fibre(n=24, slices=16)
    told = []
    before = solid.copy()
    ambient_occlusion(
        solid, spacing=1, ray_length_nm=4, progress=lambda done, total: told.append((done, total))
    )
    assert [done for done, _ in told] == list(range(1, 65))
    assert {total for _, total in told} == {64}
    np.testing.assert_array_equal(solid, before)
    with pytest.raises(Stopped):
        ambient_occlusion(solid, spacing=1, ray_length_nm=4, should_stop=lambda: len(told) > 0)
