"""What is planted in each state: the numbers of Ma et al. (doi 10.1002/adma.202307151), as targets for the generator.

Numbers only. A target is what a phantom of this state is made to hold, never a result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["pristine", "sodiated", "desodiated"]

Region = Literal["centre", "edge", "whole"]


@dataclass(frozen=True)
class StateTargets:
    """Targets of one state; fractions are shares of the envelope.

    Parameters
    ----------
    pore_fraction : dict of region to float
        Two regions, each "whole" or the name of a cube; the radial profile has two parameters and is fitted to them. Where the
        source only says that the centre has less than the edge, the number for the centre is a choice of ours.
    tin_fraction : float
        Phase 3, whole fibre.
    short_share : float
        Share by number of clusters with a length below ``LENGTH_LIMIT_NM``.
    median_length_nm : float
        Of the lognormal distribution of planned lengths.
    """

    pore_fraction: dict[Region, float]
    tin_fraction: float
    short_share: float
    median_length_nm: float


LENGTH_LIMIT_NM = 2.0
SIZE_RANGE_NM = (0.25, 4.0)
"""Every cluster's length and width lie in it."""

SEALED_SHARE = 0.004
"""Sealed pores, share of the pore volume."""

TARGETS: dict[State, StateTargets] = {
    "pristine": StateTargets({"centre": 0.321, "edge": 0.476}, 0.15, 0.916, 1.35),
    "sodiated": StateTargets({"whole": 0.258, "centre": 0.19}, 0.165, 0.756, 1.55),
    "desodiated": StateTargets({"whole": 0.309, "centre": 0.23}, 0.15, 0.756, 1.5),
}
