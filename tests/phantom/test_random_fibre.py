from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_snpore.errors import InputError, Stopped
from napari_snpore.phantom import make_phantom, make_random_phantom

SHAPE = (72, 48, 72)
FAMILIES = ("field", "balls")


def made(family, seed=1, **options):
    return make_random_phantom(family, **{"shape": SHAPE, "spacing": 0.2, "seed": seed, **options})


@pytest.fixture(scope="module", params=FAMILIES)
def fibres(request):
    return [made(request.param, seed) for seed in range(6)]


def test_truth_is_what_the_phases_hold(fibres):
    for fibre in fibres:
        body = np.count_nonzero(fibre.envelope)
        np.testing.assert_array_equal(fibre.envelope, fibre.phases > 0)
        counts = [np.count_nonzero(fibre.phases == kind) for kind in (1, 2, 3)]
        assert fibre.fractions["voxel_count"].tolist() == counts
        np.testing.assert_allclose(
            fibre.fractions["fraction_percent"], 100 * np.array(counts) / body
        )
        for center, size, percent in fibre.boxes.values():
            first = [round((c - size / 2) / 0.2 + 0.5) for c in center]
            cube = fibre.phases[tuple(slice(a, a + round(size / 0.2)) for a in first)]
            assert percent == pytest.approx(
                100 * np.count_nonzero(cube == 1) / np.count_nonzero(cube)
            )


def test_fractions_spread_over_their_ranges(fibres):
    pore, _, tin = np.array([fibre.fractions["fraction_percent"] for fibre in fibres]).T
    assert ((pore > 19.9) & (pore < 50.1)).all()
    assert np.ptp(pore) > 8
    assert ((tin > 4.9) & (tin < 23)).all()
    assert np.ptp(tin) > 4


def test_sn_labels_are_the_connected_bodies(fibres):
    for fibre in fibres[:2]:
        parts, count = ndimage.label(fibre.phases == 3, structure=np.ones((3, 3, 3)))
        assert count == fibre.sn_labels.max() == len(fibre.objects["Sn"])
        pairs = np.unique(np.stack([parts, fibre.sn_labels]).reshape(2, -1), axis=1)
        assert pairs.shape[1] == count + 1


def test_dead_pores_are_what_no_path_joins_to_the_outside(fibres):
    fibre = fibres[0]
    for rank, connectivity in ((1, 6), (2, 18), (3, 26)):
        structure = ndimage.generate_binary_structure(3, rank)
        parts, _ = ndimage.label(fibre.phases <= 1, structure=structure)
        joined = np.unique(parts[fibre.phases == 0])
        cut = np.unique(parts[:, [0, -1]])
        dead = (fibre.phases == 1) & ~np.isin(parts, np.union1d(joined, cut))
        np.testing.assert_array_equal(fibre.dead_pores.mask(connectivity), dead)
    np.testing.assert_array_equal(fibre.sealed_labels > 0, fibre.dead_pores.mask(6))
    pores = fibre.objects["pore"]
    assert pores["voxel_count"].sum() == np.count_nonzero(fibre.phases == 1)


def test_pores_may_rise_and_fall_towards_the_surface(fibres):
    z, x = (np.arange(n) - (n - 1) / 2 for n in (SHAPE[0], SHAPE[2]))
    depth = np.broadcast_to(
        np.hypot(z[:, None, None], x[None, None]) / (10 / 11 * SHAPE[0] / 2), SHAPE
    )
    changes = [
        np.mean(fibre.phases[(depth > 0.8) & fibre.envelope] == 1)
        - np.mean(fibre.phases[depth < 0.6] == 1)
        for fibre in fibres
    ]
    assert np.ptp(changes) > 0.1


def test_balls_are_rounder_than_the_cut_field():
    # of a union of balls the solid is the part with sharp, re-entrant corners: more surface is
    # curved towards the solid than in a cut field, which is the same on both sides
    def excess(family):
        values = []
        for seed in range(4):
            pore = made(family, seed).phases[:, 8:-8] == 1
            grown = ndimage.binary_closing(pore, iterations=1)
            shrunk = ndimage.binary_opening(pore, iterations=1)
            gain = np.count_nonzero(grown & ~pore)
            values.append((gain - np.count_nonzero(pore & ~shrunk)) / np.count_nonzero(pore))
        return np.mean(values)

    assert excess("balls") != pytest.approx(excess("field"), abs=0.005)


def test_families_and_seeds_differ_and_the_same_seed_is_the_same(monkeypatch):
    first = [made(family).phases for family in FAMILIES]
    assert (first[0] != first[1]).any()
    assert (made("field", 2).phases != first[0]).any()
    monkeypatch.setenv("SNPORE_THREADS", "1")
    for family, phases in zip(FAMILIES, first, strict=True):
        np.testing.assert_array_equal(made(family).phases, phases)


def test_state_sets_the_grey_values_only():
    for state, easy, tin in (
        ("pristine", False, 12),
        ("sodiated", False, 3.5),
        ("sodiated", True, 2),
    ):
        fibre = made("balls", state=state, easy=easy)
        np.testing.assert_array_equal(fibre.phases, made("balls").phases)
        gray = np.array([0, 0, 1, tin], np.float64)[fibre.phases]
        np.testing.assert_allclose(
            fibre.volume.data, ndimage.gaussian_filter(gray, 0.75), atol=1e-4
        )


def test_family_is_named():
    assert made("field").family == "field"
    assert made("field").volume.history[0].parameters["family"] == "field"
    assert make_phantom("pristine", shape=(64, 40, 64), spacing=0.3).family == "fibre"


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="family is 'fibre'"):
        made("fibre")
    with pytest.raises(InputError, match="state is 'molten'"):
        made("field", state="molten")
    with pytest.raises(InputError, match="spacing is 1"):
        made("field", spacing=1.0)
    with pytest.raises(Stopped):
        made("balls", should_stop=lambda: True)
