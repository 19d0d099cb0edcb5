"""Every measurement of phases and labels: strange arrays are measured, or refused in one
sentence.
"""

from __future__ import annotations

import numpy as np
import pytest

import napari_snpore as snpore
from napari_snpore.errors import InputError

OF_PHASES = {
    "volume_fractions": lambda phases: snpore.volume_fractions(phases, spacing=1),
    "slice_fractions": lambda phases: snpore.slice_fractions(phases, axis=1, spacing=1),
    "radial_profile": lambda phases: snpore.radial_profile(phases, shell_nm=1, spacing=1),
    "contact_areas": lambda phases: snpore.contact_areas(
        np.zeros(phases.shape, np.uint8), phases, spacing=1
    ),
    "phase_networks": lambda phases: snpore.phase_networks(phases, spacing=1),
    "geodesic_tortuosity": lambda phases: snpore.geodesic_tortuosity(phases, core_nm=1, spacing=1),
    "dead_pores": lambda phases: snpore.dead_pores(phases, spacing=1),
    "accessible_pores": lambda phases: snpore.accessible_pores(phases, [0, 1], spacing=1),
}


@pytest.mark.parametrize("measure", OF_PHASES.values(), ids=OF_PHASES)
@pytest.mark.parametrize(
    "phases",
    [
        pytest.param(np.zeros((0, 4, 4), np.uint8), id="no slice"),
        pytest.param(np.zeros((4, 0, 4), np.int64), id="no row"),
        pytest.param(np.full((3, 3, 3), -1), id="below 0"),
        pytest.param(np.full((3, 3, 3), 256), id="above 255"),
        pytest.param(np.ones((3, 3, 3)), id="float"),
    ],
)
def test_what_is_no_phase_map_is_refused_in_one_sentence(measure, phases):
    with pytest.raises(InputError, match=r"^phases .*[.:;]"):
        measure(phases)


@pytest.mark.parametrize("measure", OF_PHASES.values(), ids=OF_PHASES)
@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.uint64, ">i2"])
def test_every_kind_of_integer_gives_the_numbers_of_uint8(measure, dtype):
    phases = np.random.default_rng(5).integers(0, 4, (5, 6, 7)).astype(np.uint8)
    expected, found = measure(phases), measure(phases.astype(dtype))
    if isinstance(expected, snpore.DeadPores):
        expected, found = expected.table, found.table
    assert str(found) == str(expected)


@pytest.mark.parametrize(
    "measure",
    [
        lambda axes: snpore.radial_profile(
            np.ones((3, 3, 3), np.uint8), shell_nm=1, spacing=1, cut_axes=axes
        ),
        lambda axes: snpore.dead_pores(np.ones((3, 3, 3), np.uint8), spacing=1, cut_axes=axes),
        lambda axes: snpore.accessible_pores(
            np.ones((3, 3, 3), np.uint8), [0], spacing=1, cut_axes=axes
        ),
    ],
)
@pytest.mark.parametrize("axes", [(5,), (-2,), (0, 3)])
def test_an_axis_that_does_not_exist_is_refused(measure, axes):
    with pytest.raises(InputError, match="cut_axes"):
        measure(axes)


def test_an_envelope_without_a_surface_has_no_shells():
    with pytest.raises(InputError, match="no surface"):
        snpore.radial_profile(
            np.ones((3, 3, 3), np.uint8), shell_nm=1, spacing=1, cut_axes=(0, 1, 2)
        )


def test_shells_begin_where_their_depth_says():
    """A slab of 0.15 nm voxels lies 0.075, 0.225 ... deep: shells of 0.075 nm hold every second
    one, whatever float32 says.
    """
    phases = np.zeros((42, 3, 3), np.uint8)
    phases[1:-1] = 1
    table = snpore.radial_profile(phases, shell_nm=0.075, spacing=0.15, cut_axes=(1, 2))
    counts = table[table["sector"] == "all"]["voxel_count"].to_numpy()
    assert (counts[1::2] == 18).all()
    assert (counts[::2] == 0).all()


@pytest.mark.parametrize("voxel", [0.1, 0.15, 0.25, 0.3, 0.35, 0.4, 0.7])
@pytest.mark.parametrize("steps", range(2, 8))
def test_a_pore_exactly_at_the_edge_width_lies_within_it(voxel, steps):
    phases = np.full((3, 3, 16), 2, np.uint8)
    phases[1, 1, 2], phases[1, 1, 2 + steps] = 3, 1
    labels = (phases == 3).astype(np.uint8)
    contact = snpore.contact_areas(labels, phases, spacing=voxel, edge_width_nm=steps * voxel)
    assert contact["pore_within_delta"].all()
    short = snpore.contact_areas(labels, phases, spacing=voxel, edge_width_nm=0.999 * steps * voxel)
    assert not short["pore_within_delta"].any()


@pytest.mark.parametrize("voxel", [0.15, 0.3, 0.35, 0.6, 0.7, 0.9])
@pytest.mark.parametrize("width", [1, 3, 5, 7])
def test_a_probe_as_wide_as_its_slit_passes(voxel, width):
    phases = np.full((width + 6, 9, 9), 2, np.uint8)
    phases[3 : 3 + width] = 1
    phases[:, 0] = 0
    table = snpore.accessible_pores(
        phases, [width * voxel / 2, 1.001 * width * voxel / 2], spacing=voxel
    )
    exact, wider = table["accessible_share_of_pore"]
    assert exact == 1
    assert wider < 1


def test_one_voxel_in_a_list_has_contacts():
    table = snpore.contact_areas([[[0, 7]]], [[[2, 3]]], spacing=1)
    assert table["matrix_face_percent"].to_list() == [100.0]


@pytest.mark.parametrize(
    ("labels", "dead", "word"),
    [
        (np.full((3, 3, 3), -1), None, "negative"),
        (np.ones((3, 3, 3)), None, "float64"),
        (np.ones((3, 3, 2), int), None, "shape"),
        (np.ones((3, 3, 3), int), np.zeros((3, 3, 1), bool), "dead has shape"),
        (np.ones((3, 3, 3), int), np.zeros((3, 3, 3), np.uint8), "dead is uint8"),
        (
            np.ones((3, 3, 3), int),
            snpore.dead_pores(np.ones((3, 3, 3), np.uint8), spacing=1),
            r"dead\.mask\(6\)",
        ),
    ],
)
def test_contacts_of_what_does_not_fit_are_refused(labels, dead, word):
    with pytest.raises(InputError, match=word):
        snpore.contact_areas(labels, np.ones((3, 3, 3), np.uint8), spacing=1, dead=dead)


def test_dead_pores_may_be_a_volume():
    phases = np.array([[[3, 1, 2, 1]]], np.uint8)
    dead = snpore.Volume(np.array([[[False, True, False, False]]]), 1.0)
    table = snpore.contact_areas((phases == 3).astype(int), phases, spacing=1, dead=dead)
    assert table["open_pore_distance_nm"].to_list() == [3.0]


@pytest.mark.parametrize("spacing", [(1, 1, 1), (4, 1, 1), (1, 1, 4), (1, 4, 1)])
def test_tortuosity_counts_the_voxels_at_the_surface_on_long_voxels_too(spacing):
    """A square fibre of 9 × 9 voxels and 5 slices: 9² - 7² = 32 at the surface of each."""
    phases = np.zeros((11, 5, 11), np.uint8)
    phases[1:10, :, 1:10] = 1
    found = snpore.geodesic_tortuosity(phases, core_nm=1.5, spacing=spacing)
    assert (found["n"], found["tortuosity"], found["reached_percent"]) == (160, 1.0, 100.0)


def test_chords_of_nothing_are_none():
    assert snpore.chord_lengths(np.zeros((0, 4, 4), bool), axis=2, spacing=1).shape == (0,)
