"""Line profiles: linear along a ramp, NaN outside, and of a slab what numpy projects."""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore import line_profile
from napari_snpore.errors import InputError, Stopped
from napari_snpore.volume import Volume

SPACING, ORIGIN = (0.5, 0.25, 0.2), (1.0, 2.0, 3.0)


def ramp(shape=(20, 30, 40)):
    """A volume whose grey value is 10000 z + 100 y + x."""
    z, y, x = np.indices(shape)
    return Volume((10_000 * z + 100 * y + x).astype(np.float32), SPACING, ORIGIN)


def noise(shape=(20, 30, 40)):
    return Volume(
        np.random.default_rng(0).normal(100, 20, shape).astype(np.float32), SPACING, ORIGIN
    )


def test_profile_along_x_counts_voxels():
    profile = line_profile(ramp(), start_nm=ORIGIN, end_nm=(1.0, 2.0, 3.0 + 10 * 0.2))
    assert profile.distances_nm[0] == 0
    assert profile.distances_nm[-1] == pytest.approx(2.0)
    np.testing.assert_allclose(profile.values, profile.distances_nm / 0.2, atol=1e-4)
    outside = line_profile(ramp(), start_nm=(1.0, 2.0, 0.0), end_nm=(1.0, 2.0, 3.4)).values
    assert np.isnan(outside[0])
    assert outside[-1] == pytest.approx(2.0, abs=1e-4)


def test_an_oblique_line_through_a_linear_ramp_is_linear():
    """From voxel (1, 2, 3) to voxel (5, 12, 23): the grey value is linear in the position."""
    ends = [
        tuple(o + k * s for o, k, s in zip(ORIGIN, voxel, SPACING, strict=True))
        for voxel in ((1, 2, 3), (5, 12, 23))
    ]
    profile = line_profile(ramp(), start_nm=ends[0], end_nm=ends[1])
    np.testing.assert_allclose(
        profile.values, np.linspace(10_203, 51_223, len(profile.values)), rtol=1e-6
    )
    assert profile.distances_nm[-1] == pytest.approx(np.sqrt(2.0**2 + 2.5**2 + 4.0**2))


@pytest.mark.parametrize(("projection", "project"), [("mean", np.mean), ("max", np.max)])
def test_a_slab_is_projected_before_it_is_read(projection, project):
    """1.5 nm around voxel 8 along z are the voxels 7, 8 and 9."""
    volume = noise()
    start, end = (
        (1.0 + 8 * 0.5, 2.0 + 4 * 0.25, 3.0),
        (1.0 + 8 * 0.5, 2.0 + 4 * 0.25, 3.0 + 39 * 0.2),
    )
    profile = line_profile(
        volume, start_nm=start, end_nm=end, projection=projection, axis=0, thickness_nm=1.5
    )
    expected = project(volume.data[7:10, 4].astype(np.float64), axis=0)
    np.testing.assert_allclose(
        profile.values, np.interp(profile.distances_nm, np.arange(40) * 0.2, expected), rtol=1e-9
    )


def test_a_slab_that_reaches_beyond_the_volume_projects_what_lies_inside():
    volume = noise()
    profile = line_profile(
        volume, start_nm=ORIGIN, end_nm=(1.0, 2.0, 10.8), projection="mean", thickness_nm=100.0
    )
    np.testing.assert_allclose(profile.values[0], volume.data[:, 0, 0].mean(dtype=np.float64))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"end_nm": (1.0, 2.0)}, "end_nm is"),
        ({"start_nm": (np.nan, 2.0, 3.0)}, "start_nm is"),
        ({"projection": "median"}, "projection is 'median'"),
        ({"projection": "mean", "axis": 3}, "axis is 3"),
        ({"projection": "mean", "end_nm": (4.0, 2.0, 4.0)}, "has to lie in one slice"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(change, message):
    arguments = {"start_nm": ORIGIN, "end_nm": (1.0, 2.0, 4.0), **change}
    with pytest.raises(InputError, match=message):
        line_profile(ramp(), **arguments)


def test_a_request_to_stop_is_noticed():
    with pytest.raises(Stopped):
        line_profile(
            ramp(),
            start_nm=ORIGIN,
            end_nm=(1.0, 2.0, 4.0),
            projection="max",
            should_stop=lambda: True,
        )
