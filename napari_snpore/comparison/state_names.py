"""States that names of files and folders suggest, and their usual order."""

from __future__ import annotations

import re
from collections.abc import Sequence

USUAL_ORDER = ("pristine", "sodiated", "desodiated")
"""States of the electrode in the order of the experiment."""

_STATE = re.compile(
    r"(?<![a-z])(pristine|(?:de)?(?:sodiated|lithiated|potassiated))(?![a-z])", re.IGNORECASE
)


def names_a_state(name: str) -> bool:
    """Return whether a name suggests a state."""
    return _STATE.search(name) is not None


def guessed_state(name: str) -> str:
    """Return the state that a name suggests; the name itself where it names none.

    Examples
    --------
    >>> guessed_state("CNF_Desodiated_03"), guessed_state("desodiated"), guessed_state("needle")
    ('desodiated', 'desodiated', 'needle')
    """
    found = _STATE.search(name)
    return name if found is None else found.group(1).lower()


def place_in_order(state: str, states: Sequence[str]) -> int:
    """Return where a fibre of a state belongs in a list of states: after those of the same state,
    else by :data:`USUAL_ORDER`, else at the end.

    Examples
    --------
    >>> place_in_order("sodiated", ["pristine", "desodiated"]), place_in_order("x", ["pristine"])
    (1, 1)
    """
    same = [k for k, one in enumerate(states) if one == state]
    if same:
        return same[-1] + 1
    if state in USUAL_ORDER:
        rank = USUAL_ORDER.index(state)
        for k, one in enumerate(states):
            if one in USUAL_ORDER and USUAL_ORDER.index(one) > rank:
                return k
    return len(states)
