"""Profiles, contacts and networks against counts by hand, closed forms and drawn arrays."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_snpore import Volume, label_objects, measure_objects
from napari_snpore.errors import InputError
from napari_snpore.measurement.contacts import contact_areas
from napari_snpore.measurement.envelope_depth import envelope_depth
from napari_snpore.measurement.networks import geodesic_tortuosity, phase_networks
from napari_snpore.measurement.profiles import radial_profile, slice_fractions


@pytest.fixture
def phases():
    return np.random.default_rng(0).integers(0, 4, (5, 6, 7)).astype(np.uint8)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_are_counted_along_their_axis(phases, axis):
    table = slice_fractions(Volume(phases, (1.0, 2.0, 3.0), (10, 20, 30)), axis=axis)
    assert len(table) == 3 * phases.shape[axis]
    for k, plane in enumerate(np.moveaxis(phases, axis, 0)):
        rows = table[table["slice"] == k].set_index("name")
        body = np.count_nonzero(plane)
        assert rows.loc["Sn", "voxel_count"] == np.count_nonzero(plane == 3)
        assert rows.loc["pore", "fraction_percent"] == pytest.approx(
            100 * np.count_nonzero(plane == 1) / body
        )
        assert rows.loc["C", "position_nm"] == (10, 20, 30)[axis] + k * (1.0, 2.0, 3.0)[axis]


def test_a_slice_without_envelope_has_no_fraction():
    phases = np.ones((3, 4, 4), np.uint8)
    phases[1] = 0
    table = slice_fractions(phases, axis=0, spacing=1)
    assert table[table["slice"] == 1]["fraction_percent"].isna().all()


def test_depth_below_faces_and_cut_ends():
    """A slab of 8 voxels of 0.5 nm that the box cuts along y and x: depth goes with z alone."""
    body = np.zeros((12, 6, 5), bool)
    body[2:10] = True
    deep = envelope_depth(body, spacing=(0.5, 1.0, 1.0), cut_axes=(1, 2))
    expected = 0.5 * np.minimum(np.arange(8) + 0.5, 7.5 - np.arange(8))
    assert deep[2:10, 3, 2] == pytest.approx(expected)
    assert (deep[:2] == 0).all()
    assert envelope_depth(np.ones((5, 5, 5), bool), spacing=1.0)[2, 2, 2] == pytest.approx(2.5)


def cylinder(n=80, length=12, radius=32.0):
    z, _, x = (
        np.mgrid[:n, :length, :n] - np.array([(n - 1) / 2, 0, (n - 1) / 2])[:, None, None, None]
    )
    return np.hypot(z, x), radius


def test_shells_of_a_cylinder_have_their_volumes_and_fractions():
    """Radius 16 nm, shells of 4 nm: areas π(16² - 12²) and so on. Pores fill everything deeper than
    8 nm.
    """
    distance, radius = cylinder()
    phases = np.where(distance < radius, 2, 0).astype(np.uint8)
    phases[distance < 16] = 1
    table = radial_profile(phases, spacing=0.5, cut_axes=(1,), shell_nm=4.0)
    whole = table[table["sector"] == "all"]
    rims = np.array([16, 12, 8, 4, 0])
    expected = np.pi * (rims[:-1] ** 2 - rims[1:] ** 2) * 6
    assert whole["volume_nm3"].to_numpy()[:4] == pytest.approx(
        expected, rel=0.08
    )  # of voxels: the inmost has 282 nm³
    assert whole["pore_percent"].to_numpy()[:4] == pytest.approx([0, 0, 100, 100], abs=4)
    halves = table.groupby("sector")["voxel_count"].sum()
    assert (
        halves["all"]
        == halves["facing the beam"] + halves["across the beam"]
        == np.count_nonzero(phases)
    )
    assert halves["facing the beam"] == pytest.approx(
        halves["across the beam"], rel=0.06
    )  # the diagonals


def test_sectors_tell_the_beam_from_across_it():
    distance, radius = cylinder()
    z, _, x = np.mgrid[:80, :12, :80] - np.array([39.5, 0, 39.5])[:, None, None, None]
    phases = np.where(distance < radius, np.where(np.abs(z) > np.abs(x), 1, 2), 0).astype(np.uint8)
    table = radial_profile(phases, spacing=0.5, cut_axes=(1,), shell_nm=20.0).set_index("sector")
    assert table.loc["facing the beam", "pore_percent"] == pytest.approx(100, abs=1)
    assert table.loc["across the beam", "pore_percent"] == pytest.approx(0, abs=3)


def test_objects_are_counted_in_the_shell_of_their_centroid():
    distance, radius = cylinder(length=20)
    phases = np.where(distance < radius, 2, 0).astype(np.uint8)
    phases[39:41, 9:11, 39:41] = 3  # in the core: 15 to 16 nm deep
    phases[39:41, 9:12, 66:68] = 3  # 2 to 3 nm below the surface, across the beam
    phases[39:41, 0:2, 50:52] = 3  # cut by the box: left out
    objects = measure_objects(label_objects(phases == 3), spacing=0.5)
    table = radial_profile(phases, spacing=0.5, cut_axes=(1,), shell_nm=4.0, objects=objects)
    whole = table[table["sector"] == "all"].reset_index(drop=True)
    assert whole["object_count"].tolist() == [1, 0, 0, 1]
    assert whole.loc[0, "object_density_per_nm3"] == pytest.approx(1 / whole.loc[0, "volume_nm3"])
    assert whole.loc[3, "object_mean_length_nm"] == pytest.approx(np.sqrt(3))
    across = table[table["sector"] == "across the beam"].reset_index(drop=True)
    assert across.loc[0, "object_count"] == 1


def test_faces_of_one_voxel_by_hand():
    """A voxel of tin with a pore on two sides (z), carbon on three and the exterior on one; faces
    of unequal area.
    """
    phases = np.full((3, 3, 3), 2, np.uint8)
    phases[1, 1, 1], phases[0, 1, 1], phases[2, 1, 1], phases[1, 1, 2] = 3, 1, 1, 0
    row = contact_areas(phases // 3, phases, spacing=(1.0, 2.0, 4.0), edge_width_nm=1.0).iloc[0]
    total = 2 * (8 + 4 + 2)
    assert row["pore_face_percent"] == pytest.approx(100 * 2 * 8 / total)
    assert row["exterior_face_percent"] == pytest.approx(100 * 2 / total)
    assert row["matrix_face_percent"] == pytest.approx(100 * (2 * 4 + 2) / total)
    assert row["pore_distance_nm"] == pytest.approx(1.0)
    assert row["pore_within_delta"]


def test_a_thin_rim_hides_a_pore_from_faces_but_not_from_delta():
    phases = np.full((5, 5, 12), 2, np.uint8)
    phases[2, 2, 2] = phases[2, 2, 9] = 3
    phases[2, 2, 4] = 1  # two voxels away: 0.6 nm
    labels = label_objects(phases == 3)
    near = contact_areas(labels, phases, spacing=0.3, edge_width_nm=0.7)
    assert near["pore_face_percent"].tolist() == [0, 0]
    assert near["pore_distance_nm"].tolist() == pytest.approx([0.6, 1.5])
    assert near["encapsulated"].tolist() == [False, True]
    assert contact_areas(labels, phases, spacing=0.3, edge_width_nm=0.5)["encapsulated"].all()
    assert contact_areas(labels, phases, spacing=0.3)["encapsulated"].all(), "no face is shared"
    phases[2, 2, 3] = 1
    assert contact_areas(labels, phases, spacing=0.3)["encapsulated"].tolist() == [False, True]
    phases[2, 2, 3] = 2
    dead = phases == 1
    sealed = contact_areas(labels, phases, spacing=0.3, edge_width_nm=0.7, dead=dead)
    assert sealed["open_pore_distance_nm"].isna().all()
    assert sealed["encapsulated"].tolist() == [False, True], "a dead pore is a pore"


def test_networks_of_drawn_phases():
    phases = np.full((9, 9, 9), 2, np.uint8)
    phases[4, :, 4] = 1  # a channel along y
    phases[1, 1, 1] = phases[2, 2, 2] = 1  # two voxels that meet at a corner
    table = phase_networks(phases, spacing=0.5, names=("pore", "C")).set_index(
        ["name", "connectivity"]
    )
    assert table.loc[("pore", 6), "network_count"] == 3
    assert table.loc[("pore", 26), "network_count"] == 2
    assert table.loc[("pore", 6), "percolates_y"]
    assert not table.loc[("pore", 6), "percolates_z"]
    assert table.loc[("pore", 26), "largest_share_percent"] == pytest.approx(100 * 9 / 11)
    assert table.loc[("pore", 6), "euler_number"] == 3
    assert table.loc[("pore", 26), "euler_number"] == 2
    assert table.loc[("pore", 26), "euler_density_per_nm3"] == pytest.approx(2 / (729 * 0.125))


def test_euler_number_of_a_ring_and_of_a_shell():
    ring = np.zeros((3, 7, 7), np.uint8)
    ring[1, 1:6, 1:6] = 1
    ring[1, 2:5, 2:5] = 0
    shell = np.zeros((7, 7, 7), np.uint8)
    shell[1:6, 1:6, 1:6] = 1
    shell[3, 3, 3] = 0
    for body, euler in (
        (ring, 0),
        (shell, 2),
    ):  # one object less one tunnel; one object and one cavity
        table = phase_networks(body, spacing=1, names=("pore",))
        assert table["euler_number"].tolist() == [euler, euler]


def test_tortuosity_of_straight_and_of_bent_ways():
    phases = np.full((41, 3, 41), 1, np.uint8)
    z, x = np.mgrid[:41, :41] - 20
    phases[np.broadcast_to((np.hypot(z, x) > 18)[:, None], phases.shape)] = 0
    assert geodesic_tortuosity(phases, core_nm=2.0, spacing=1.0)["tortuosity"] == pytest.approx(1)
    walled = phases.copy()
    walled[(phases > 0) & (np.hypot(z, x) >= 9)[:, None] & (np.hypot(z, x) <= 11)[:, None]] = 2
    sealed = geodesic_tortuosity(walled, core_nm=2.0, spacing=1.0)
    assert sealed["reached_percent"] == 0
    walled[19:22, :, 20:][phases[19:22, :, 20:] > 0] = 1  # one gate: all ways go through it
    gated = geodesic_tortuosity(walled, core_nm=2.0, spacing=1.0)
    assert gated["reached_percent"] == 100
    assert gated["tortuosity"] > 1.5


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: slice_fractions(np.ones((3, 3, 3), np.uint8), axis=3, spacing=1),
        lambda: slice_fractions(np.ones((3, 3, 3)), axis=0, spacing=1),
        lambda: radial_profile(np.ones((3, 3, 3), np.uint8), shell_nm=0, spacing=1),
        lambda: radial_profile(np.zeros((3, 3, 3), np.uint8), shell_nm=1, spacing=1),
        lambda: contact_areas(
            np.ones((3, 3, 3), int), np.ones((3, 3, 4), int), edge_width_nm=1, spacing=1
        ),
        lambda: contact_areas(
            np.ones((3, 3, 3), int), np.ones((3, 3, 3), int), edge_width_nm=-1, spacing=1
        ),
        lambda: phase_networks(np.ones((3, 3)), spacing=1),
        lambda: geodesic_tortuosity(np.ones((3, 3, 3), np.uint8), core_nm=0, spacing=1),
    ],
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(InputError):
        wrong()


def test_no_objects_no_rows():
    empty = contact_areas(
        np.zeros((4, 4, 4), int), np.ones((4, 4, 4), int), edge_width_nm=1, spacing=1
    )
    assert isinstance(empty, pd.DataFrame)
    assert len(empty) == 0
    assert "encapsulated" in empty
