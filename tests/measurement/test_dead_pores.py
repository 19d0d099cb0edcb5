"""Dead pores in blocks drawn by hand, and against scipy's hole filling."""

import numpy as np
import pytest
from scipy import ndimage

from napari_snpore.errors import InputError
from napari_snpore.measurement.dead_pores import accessible_pores, dead_pores
from napari_snpore.volume import Volume


def block(shape=(9, 9, 9), rim=1):
    """Return carbon in exterior."""
    phases = np.zeros(shape, np.uint8)
    phases[(slice(rim, -rim or None),) * 3] = 2
    return phases


def counts(found, column="dead_voxel_count"):
    return dict(zip(found.table["connectivity"], found.table[column], strict=True))


def test_a_sealed_pore_is_dead_and_counted_in_nm3():
    phases = block()
    phases[4, 4, 3:6] = 1  # sealed
    phases[1:4, 2, 2] = 1  # opens at z = 1
    found = dead_pores(phases, spacing=(0.5, 0.2, 0.1))
    assert list(found.table.columns) == [
        *(
            "connectivity",
            "dead_voxel_count",
            "dead_volume_nm3",
            "dead_share_of_pore",
            "dead_share_of_envelope",
        ),
        "open_to_cut_voxel_count",
    ]
    assert counts(found) == {6: 3, 18: 3, 26: 3}
    np.testing.assert_allclose(found.table["dead_volume_nm3"], 0.03)
    np.testing.assert_allclose(found.table["dead_share_of_pore"], 3 / 6)
    np.testing.assert_allclose(found.table["dead_share_of_envelope"], 3 / 343)
    assert counts(found, "open_to_cut_voxel_count") == {6: 0, 18: 0, 26: 0}
    for connectivity in (6, 18, 26):
        mask = found.mask(connectivity)
        assert mask.dtype == np.bool_
        assert sorted(map(tuple, np.argwhere(mask))) == [(4, 4, 3), (4, 4, 4), (4, 4, 5)]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ((0, 0, 1), {6: 0, 18: 0, 26: 0}),
        ((0, 1, 1), {6: 1, 18: 0, 26: 0}),
        ((1, 1, 1), {6: 1, 18: 1, 26: 0}),
    ],
)
def test_faces_edges_and_corners_join(step, expected):
    """A channel from the side, and one voxel more that touches its end by a face, an edge or a
    corner.
    """
    phases = block()
    phases[4, 4, 1:5] = 1
    end = np.array([4, 4, 4]) + step
    phases[tuple(end)] = 1
    assert counts(dead_pores(phases, spacing=1)) == expected


def test_tin_seals_as_carbon_does():
    phases = block()
    phases[4, 4, 1:6] = 1
    phases[4, 4, 1] = 3
    assert counts(dead_pores(phases, spacing=1)) == {6: 4, 18: 4, 26: 4}


def test_beyond_an_uncut_face_lies_the_exterior():
    phases = np.full((5, 5, 5), 2, np.uint8)
    phases[2, 2, 3:] = 1
    phases[2, 0, 0] = 1
    found = dead_pores(phases, spacing=1)
    assert counts(found) == {6: 0, 18: 0, 26: 0}
    assert counts(found, "open_to_cut_voxel_count") == {6: 0, 18: 0, 26: 0}


def test_what_reaches_only_a_cut_face_is_open_to_the_cut():
    phases = block(rim=1)[:, 1:-1]  # carbon meets both faces of axis 1
    phases[4, :3, 4] = 1  # from the cut face inwards
    phases[2, 3, 2] = 1  # sealed
    phases[6, :4, 6] = 1  # from the cut face ...
    phases[6, 3, 6:8] = 1  # ... and out at the side
    found = dead_pores(phases, spacing=1, cut_axes=(1,))
    assert counts(found) == {6: 1, 18: 1, 26: 1}
    assert counts(found, "open_to_cut_voxel_count") == {6: 3, 18: 3, 26: 3}
    assert counts(dead_pores(phases, spacing=1)) == {6: 1, 18: 1, 26: 1}
    assert counts(dead_pores(phases, spacing=1), "open_to_cut_voxel_count") == {6: 0, 18: 0, 26: 0}


def test_six_connected_is_what_hole_filling_fills():
    rng = np.random.default_rng(2)
    phases = np.pad(np.where(rng.random((30, 31, 32)) < 0.25, 1, 2).astype(np.uint8), 2)
    found = dead_pores(Volume(phases, 0.5))
    solid = phases == 2
    for connectivity, rank in ((6, 1), (18, 2), (26, 3)):
        filled = ndimage.binary_fill_holes(
            solid, structure=ndimage.generate_binary_structure(3, rank)
        )
        np.testing.assert_array_equal(found.mask(connectivity), filled & ~solid)
    assert counts(found)[6] > counts(found)[18] > counts(found)[26]


def chamber_behind_a_throat(throat, voxels_long=4):
    """A chamber of 9 voxels edge, joined to the outside by a throat of ``throat`` voxels edge."""
    phases = np.full((25, 25, 25), 2, np.uint8)
    phases[:2] = 0
    phases[2 + voxels_long : 11 + voxels_long, 8:17, 8:17] = 1
    low = 12 - throat // 2
    phases[2 : 2 + voxels_long, low : low + throat, low : low + throat] = 1
    return phases


@pytest.mark.parametrize("size", [0.15, 0.1, 1.0, 0.3, 0.7])
@pytest.mark.parametrize("throat", [1, 3, 5])
def test_a_probe_passes_a_throat_as_wide_as_itself(size, throat):
    """Centre of the ball on voxel centres, distances to voxel faces: a throat of n voxels passes n
    / 2 and no more.
    """
    phases = chamber_behind_a_throat(throat)
    half = throat * size / 2
    passes = dead_pores(phases, spacing=size, probe_radius_nm=half).mask(6)
    assert not passes[6:15, 9:16, 12].any()
    stays = dead_pores(phases, spacing=size, probe_radius_nm=half * 1.01).mask(6)
    assert stays[6:15, 8:17, 8:17].all()


def test_a_probe_is_measured_in_nm_on_long_voxels():
    phases = np.full((9, 21, 21), 2, np.uint8)
    phases[:1] = 0
    phases[1:6, 10, 8:13] = 1  # 1 voxel of 1 nm along y, 5 of 0.3 nm along x
    spacing = (0.5, 1.0, 0.3)
    deep = (
        slice(3, 5),
        10,
        slice(9, 12),
    )  # neither the mouth, which a ball outside covers, nor the far corners
    assert not dead_pores(phases, spacing=spacing, probe_radius_nm=0.5).mask(26)[deep].any()
    assert dead_pores(phases, spacing=spacing, probe_radius_nm=0.51).mask(26)[deep].all()


def test_a_ball_does_not_fill_the_corners_of_a_box():
    """What no ball of the probe's size covers is not accessible, even in a wide pore."""
    phases = chamber_behind_a_throat(9)
    found = dead_pores(phases, spacing=1, probe_radius_nm=3.0)
    dead = found.mask(6)
    assert not dead[10, 12, 12]
    assert dead[14, 8, 8]  # a far corner of the chamber
    assert dead_pores(phases, spacing=1).mask(6).sum() == 0


def test_no_probe_is_plain_connectivity_and_a_tiny_one_nearly_so():
    phases = chamber_behind_a_throat(1)
    assert counts(dead_pores(phases, spacing=1, probe_radius_nm=0.0)) == {6: 0, 18: 0, 26: 0}
    assert counts(dead_pores(phases, spacing=1, probe_radius_nm=0.4)) == {6: 0, 18: 0, 26: 0}


def test_a_body_without_pores_and_a_box_without_body():
    solid = dead_pores(np.full((4, 4, 4), 2, np.uint8), spacing=1).table
    assert (solid["dead_voxel_count"] == 0).all()
    assert solid["dead_share_of_pore"].isna().all()
    empty = dead_pores(np.zeros((4, 4, 4), np.uint8), spacing=1).table
    assert (empty["dead_voxel_count"] == 0).all()
    assert empty["dead_share_of_envelope"].isna().all()


def test_phases_are_not_changed():
    phases = block()
    before = phases.copy()
    dead_pores(phases, spacing=1, probe_radius_nm=1)
    np.testing.assert_array_equal(phases, before)


def test_nonsense_is_refused_in_one_sentence():
    phases = block()
    with pytest.raises(InputError, match="float64"):
        dead_pores(phases.astype(float), spacing=1)
    with pytest.raises(InputError, match="whole numbers"):
        dead_pores(phases[0], spacing=1)
    with pytest.raises(InputError, match="voxel size"):
        dead_pores(phases)
    with pytest.raises(InputError, match="probe_radius_nm is -1"):
        dead_pores(phases, spacing=1, probe_radius_nm=-1)
    with pytest.raises(InputError, match="cut_axes"):
        dead_pores(phases, spacing=1, cut_axes=(7,))
    with pytest.raises(InputError, match="connectivity is 8"):
        dead_pores(phases, spacing=1).mask(8)


def test_wider_probes_reach_less_and_one_map_serves_all():
    """A room of 9 voxels behind a channel of 3: balls of up to 1.5 voxels pass, and a wider one
    finds no way.
    """
    phases = np.full((17, 17, 24), 2, np.uint8)
    phases[:, :, 0] = 0
    phases[4:13, 4:13, 10:19] = 1
    phases[7:10, 7:10, 1:10] = 1
    table = accessible_pores(phases, [0.0, 1.5, 1.6, 3.0], spacing=1.0)
    assert table["probe_radius_nm"].tolist() == [0.0, 1.5, 1.6, 3.0]
    shares = table["accessible_share_of_pore"].tolist()
    assert shares[0] == 1.0
    assert 0.5 < shares[1] < 1.0, "corners stay out of reach of a ball"
    assert shares[3] < 0.02
    for radius, share in zip(table["probe_radius_nm"], shares, strict=True):
        dead = dead_pores(phases, spacing=1.0, probe_radius_nm=radius).table.set_index(
            "connectivity"
        )
        assert share == pytest.approx(1 - dead.loc[6, "dead_share_of_pore"])
    with pytest.raises(InputError, match="radii_nm"):
        accessible_pores(phases, [-1.0], spacing=1.0)
