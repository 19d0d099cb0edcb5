from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.distance import pdist

from napari_snpore.errors import InputError, Stopped
from napari_snpore.phantom import Phantom, make_phantom
from napari_snpore.subvolume import extract_subvolume
from napari_snpore.volume import Volume

SHAPE, SPACING = (88, 72, 88), 0.2  # 16 nm thick, 14.4 nm long
SHORT = {"pristine": 0.916, "sodiated": 0.756, "desodiated": 0.756}
STRUCTURE = {
    6: ndimage.generate_binary_structure(3, 1),
    18: ndimage.generate_binary_structure(3, 2),
    26: np.ones((3, 3, 3)),
}


@pytest.fixture(scope="module")
def fibres() -> dict[str, Phantom]:
    return {state: make_phantom(state, shape=SHAPE, spacing=SPACING, seed=3) for state in SHORT}


@pytest.fixture(scope="module")
def long_fibre() -> Phantom:
    return make_phantom("pristine", shape=(120, 120, 120), spacing=SPACING, seed=1)


@pytest.fixture(params=list(SHORT))
def fibre(request, fibres) -> Phantom:
    return fibres[request.param]


def percent(part, whole) -> float:
    return 100 * np.count_nonzero(part) / np.count_nonzero(whole)


def fingerprint(phantom: Phantom) -> str:
    digest = hashlib.sha256()
    for array in (phantom.volume.data, phantom.phases, phantom.sn_labels, phantom.sealed_labels):
        digest.update(array.tobytes())
    return digest.hexdigest()


def depth(shape) -> np.ndarray:
    """Distance from the axis in voxels, (z, 1, x)."""
    z, x = (np.arange(n) - (n - 1) / 2 for n in (shape[0], shape[2]))
    return np.hypot(z[:, None, None], x[None, None, :])


def test_pristine_holds_the_pore_fractions_of_the_source_in_its_two_cubes(fibres):
    fibre = fibres["pristine"]
    phases = Volume(fibre.phases, fibre.spacing)
    for name, target in (("centre", 32.1), ("edge", 47.6)):
        center, size, truth = fibre.boxes[name]
        cube = extract_subvolume(phases, center_nm=center, size_nm=size).data
        assert cube.shape == (20, 20, 20)
        assert size == pytest.approx(4.0)
        assert truth == percent(cube == 1, cube)
        assert truth == pytest.approx(target, abs=1)


@pytest.mark.parametrize(("state", "target"), [("sodiated", 25.8), ("desodiated", 30.9)])
def test_other_states_hold_the_pore_fraction_of_the_whole_and_less_in_the_centre(
    fibres, state, target
):
    fibre = fibres[state]
    assert percent(fibre.phases == 1, fibre.envelope) == pytest.approx(target, abs=1)
    assert fibre.boxes["centre"][2] < fibre.boxes["edge"][2]


def test_fractions_are_those_of_the_labels(fibre):
    counts = np.bincount(fibre.phases.ravel(), minlength=4)[1:]
    assert fibre.fractions["voxel_count"].tolist() == counts.tolist()
    np.testing.assert_allclose(
        fibre.fractions["fraction_percent"], 100 * counts / np.count_nonzero(fibre.envelope)
    )
    assert fibre.fractions["fraction_percent"][2] == pytest.approx(15, abs=2)


def test_pore_fraction_rises_from_the_axis_to_the_surface(fibre):
    place = np.broadcast_to(depth(SHAPE) / 40, SHAPE)
    inner, middle, outer = (
        percent((fibre.phases == 1) & shell, shell & fibre.envelope)
        for shell in (place < 0.35, (place > 0.35) & (place < 0.65), place > 0.65)
    )
    assert inner < middle
    assert inner < outer


def test_envelope_is_the_cylinder(fibre):
    np.testing.assert_array_equal(fibre.envelope, np.broadcast_to(depth(SHAPE) <= 40, SHAPE))
    np.testing.assert_array_equal(fibre.envelope, fibre.phases > 0)


def test_planted_clusters_are_the_connected_ones(fibre):
    parts, count = ndimage.label(fibre.phases == 3, structure=STRUCTURE[26])
    table = fibre.objects["Sn"]
    assert count == len(table) == fibre.sn_labels.max()
    pairs = np.unique(np.stack([parts[parts > 0], fibre.sn_labels[parts > 0]]), axis=1)
    assert pairs.shape[1] == count
    assert table["voxel_count"].tolist() == np.bincount(fibre.sn_labels.ravel())[1:].tolist()
    centers = (
        np.array(ndimage.center_of_mass(fibre.sn_labels > 0, fibre.sn_labels, table["label"]))
        * SPACING
    )
    np.testing.assert_allclose(table[[f"centroid_{axis}_nm" for axis in "zyx"]], centers, atol=1e-4)


def test_clusters_keep_their_distance(fibre):
    # 0.3 nm at 0.2 nm a voxel: two empty voxels between any two
    near = ndimage.grey_dilation(fibre.sn_labels, size=(5, 5, 5))
    assert (near[fibre.sn_labels > 0] == fibre.sn_labels[fibre.sn_labels > 0]).all()


def test_every_cluster_sits_on_a_pore_wall(fibre):
    wall = fibre.phases == 2
    touched = []
    for kind in (fibre.phases == 1, wall):
        near = ndimage.binary_dilation(kind, STRUCTURE[6]) & (fibre.phases == 3)
        touched.append(set(np.unique(fibre.sn_labels[near]).tolist()))
    assert touched[0] == touched[1] == set(range(1, len(fibre.objects["Sn"]) + 1))


def test_share_of_short_clusters_is_exact(fibre):
    table = fibre.objects["Sn"]
    for some in (table, table[~table["touches_border"]]):
        assert abs((some["length_nm"] < 2).sum() - SHORT[fibre.state] * len(some)) <= 0.5
    assert table["touches_border"].any()
    assert table[["length_nm", "width_nm"]].to_numpy().min() >= 0.25
    assert table[["length_nm", "width_nm"]].to_numpy().max() <= 4.0


def test_lengths_are_distances_of_voxel_corners(fibre):
    table = fibre.objects["Sn"].set_index("label")
    found = ndimage.find_objects(fibre.sn_labels)
    for label in range(1, len(found) + 1, max(1, len(found) // 12)):
        place = np.argwhere(fibre.sn_labels[found[label - 1]] == label)
        corners = np.unique(
            (place[:, None] + np.indices((2, 2, 2)).reshape(3, 8).T).reshape(-1, 3), axis=0
        )
        assert table.loc[label, "length_nm"] == pytest.approx(
            pdist(corners).max() * SPACING, rel=1e-6
        )


def test_clusters_are_denser_and_larger_towards_the_surface(long_fibre):
    table, shape = long_fibre.objects["Sn"], long_fibre.phases.shape
    place = np.broadcast_to(depth(shape) * 2.2 / shape[0], shape)
    of_cluster = (
        np.hypot(*(table[f"centroid_{axis}_nm"] / SPACING - 59.5 for axis in "zx")) * 2.2 / shape[0]
    )
    inner, outer = (0.0, 0.4), (0.6, 0.95)
    tin, number, length = (
        [measure(low, high) for low, high in (inner, outer)]
        for measure in (
            lambda low, high: np.mean(long_fibre.phases[(place > low) & (place <= high)] == 3),
            lambda low, high: (
                ((of_cluster > low) & (of_cluster <= high)).sum() / (high**2 - low**2)
            ),
            lambda low, high: table["length_nm"][(of_cluster > low) & (of_cluster <= high)].mean(),
        )
    )
    assert tin[1] > 1.15 * tin[0]
    assert number[1] > number[0]
    assert length[1] > 1.02 * length[0]


def test_sealed_pores_are_what_no_path_joins_at_any_connectivity(fibre):
    planted = fibre.sealed_labels > 0
    for connectivity, structure in STRUCTURE.items():
        parts, _ = ndimage.label(fibre.phases <= 1, structure=structure)
        sealed = (parts > 0) & ~np.isin(parts, np.unique(parts[fibre.phases == 0]))
        np.testing.assert_array_equal(sealed, planted)
        assert ndimage.label(sealed, structure=structure)[1] == fibre.sealed_labels.max()
        np.testing.assert_array_equal(fibre.dead_pores.mask(connectivity), sealed)
    table = fibre.dead_pores.table
    assert table["dead_voxel_count"].tolist() == [np.count_nonzero(planted)] * 3
    assert table["open_to_cut_voxel_count"].tolist() == [0, 0, 0]
    assert 0 < table["dead_share_of_pore"][0] < 0.01
    assert table["dead_share_of_pore"][0] == pytest.approx(
        percent(planted, fibre.phases == 1) / 100
    )


def test_pore_table_tells_network_and_cavities_apart(fibre):
    table = fibre.objects["pore"]
    assert table["voxel_count"].sum() == np.count_nonzero(fibre.phases == 1)
    assert table["sealed"].sum() == fibre.sealed_labels.max()
    assert table["voxel_count"].max() > 0.9 * np.count_nonzero(fibre.phases == 1)


def test_no_solid_floats(fibre):
    assert ndimage.label(fibre.phases >= 2, structure=STRUCTURE[26])[1] == 1


def test_sn_is_as_dense_at_the_ends_as_inside(long_fibre):
    rows = (long_fibre.phases == 3).sum(axis=(0, 2)) / long_fibre.envelope.sum(axis=(0, 2))
    ends = (rows[:12].mean() + rows[-12:].mean()) / 2
    assert ends == pytest.approx(rows[12:-12].mean(), rel=0.15)


def test_grey_values_are_the_blurred_phases(fibre):
    tin = {"pristine": 12, "sodiated": 3.5, "desodiated": 12}[fibre.state]
    gray = np.array([0, 0, 1, tin], np.float64)[fibre.phases]
    assert fibre.gray_levels == (0, 0, 1, tin)
    assert fibre.volume.data.dtype == np.float32
    np.testing.assert_allclose(fibre.volume.data, ndimage.gaussian_filter(gray, 0.75), atol=1e-4)
    assert fibre.volume.data.sum(dtype=np.float64) == pytest.approx(gray.sum(), rel=1e-4)


def test_easy_changes_grey_values_only(fibres):
    easy = make_phantom("pristine", shape=SHAPE, spacing=SPACING, seed=3, easy=True)
    np.testing.assert_array_equal(easy.phases, fibres["pristine"].phases)
    assert 1.9 < easy.volume.data.max() <= 2.0 < 11 < fibres["pristine"].volume.data.max() <= 12.001


def test_same_seed_same_phantom_on_any_number_of_threads(monkeypatch):
    small = {"shape": (48, 40, 48), "spacing": 0.3}
    first = make_phantom("sodiated", seed=3, **small)
    other = make_phantom("sodiated", seed=4, **small)
    monkeypatch.setenv("SNPORE_THREADS", "1")
    again = make_phantom("sodiated", seed=3, **small)
    assert fingerprint(again) == fingerprint(first) != fingerprint(other)


def test_boxes_of_other_shapes():
    fibre = make_phantom("desodiated", shape=(65, 50, 90), spacing=0.25, seed=0)
    assert fibre.phases.shape == fibre.volume.shape == (65, 50, 90)
    section = np.count_nonzero(fibre.envelope[:, 0])
    assert section == pytest.approx(math.pi * (65 / 2.2) ** 2, rel=0.01)
    assert not fibre.envelope[:, :, [0, -1]].any()
    assert not fibre.envelope[[0, -1]].any()


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"state": "charged"}, "state is 'charged'"),
        ({"shape": (40, 40)}, "shape is"),
        ({"shape": (40.5, 40, 40)}, "whole numbers"),
        ({"shape": (30, 60, 60)}, "nm thick"),
        ({"shape": (60, 10, 60)}, "nm long"),
        ({"spacing": (0.2, 0.2, 0.3)}, "cubic voxels"),
        ({"spacing": 0.5}, "at most 0.4 nm"),
        ({"spacing": -1}, "positive"),
        ({"seed": -1}, "0 or more"),
        ({"seed": 1.5}, "whole numbers"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(changed, named):
    arguments = {"state": "pristine", "shape": (60, 60, 60), "spacing": 0.2, "seed": 0} | changed
    with pytest.raises(InputError, match=named):
        make_phantom(arguments.pop("state"), **arguments)


def test_progress_and_stop():
    told = []
    make_phantom(
        "sodiated",
        shape=(48, 32, 48),
        spacing=0.3,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(k, 4) for k in range(1, 5)]
    with pytest.raises(Stopped):
        make_phantom("pristine", shape=(60, 40, 60), spacing=0.3, should_stop=lambda: True)
