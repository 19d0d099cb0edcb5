"""States by names of files and folders, and their order."""

from __future__ import annotations

import pytest

from napari_snpore.comparison.state_names import guessed_state, place_in_order


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("CNF_pristine_01", "pristine"),
        ("Sodiated-0.01V", "sodiated"),
        ("fibre 3 desodiated", "desodiated"),
        ("delithiated", "delithiated"),
        ("undesodiated", "undesodiated"),
        ("needle", "needle"),
    ],
)
def test_states_are_guessed_from_names(name, state):
    assert guessed_state(name) == state


def test_a_state_comes_after_its_own_fibres_or_in_the_usual_order():
    assert place_in_order("pristine", ["pristine", "pristine", "sodiated"]) == 2
    assert place_in_order("sodiated", ["pristine", "desodiated"]) == 1
    assert place_in_order("pristine", ["desodiated"]) == 0
    assert place_in_order("aged", ["pristine", "sodiated"]) == 2
