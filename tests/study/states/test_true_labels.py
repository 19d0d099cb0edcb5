"""True labels through the comparison: planted values come back exactly, and so do their differences."""

from __future__ import annotations

import pytest

from napari_snpore import make_phantom
from napari_snpore.comparison.compare import compare_states
from napari_snpore.study.states.phases_state import state_of_phases
from napari_snpore.volume import Volume

STATES = ("pristine", "sodiated")


@pytest.fixture(scope="module")
def phantoms():
    return {state: make_phantom(state, shape=(64, 24, 64), spacing=0.4, seed=3) for state in STATES}


def test_planted_fractions_and_their_difference_come_back_exactly(phantoms):
    found = compare_states(
        {
            state: [state_of_phases(state, Volume(one.phases, 0.4), names=("pore", "C", "Sn"))]
            for state, one in phantoms.items()
        }
    )
    values = found.states.set_index(["state", "quantity"])["value"]
    changes = found.differences.set_index("quantity")["difference"]
    for phase in ("pore", "C", "Sn"):
        name = f"{phase} fraction, whole"
        planted = {}
        for state, one in phantoms.items():
            table = one.fractions.set_index("name")["fraction_percent"]
            planted[state] = float(table[phase])
            assert values[state, name] == planted[state]
        assert changes[name] == planted["sodiated"] - planted["pristine"]
