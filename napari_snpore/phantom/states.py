"""What is planted in each state: the numbers of Ma et al. (doi 10.1002/adma.202307151), as targets for the generator.

Numbers only. A target is what a phantom of this state is made to hold, never a result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["pristine", "sodiated", "desodiated"]

Region = Literal["centre", "edge", "whole"]


@dataclass(frozen=True)
class PoreTarget:
    """The pore fraction of a region, or by how much it is above that of another region; shares of the envelope."""

    region: Region
    value: float
    above: Region | None = None


@dataclass(frozen=True)
class StateTargets:
    """Targets of one state; fractions are shares of the envelope.

    Parameters
    ----------
    pores : pair of PoreTarget
        Two, for the radial profile has two parameters that are fitted to them. Where the source only says that the centre has
        less than the edge, the difference of the two cubes is a choice of ours.
    tin_fraction : float
        Phase 3, whole fibre.
    short_share : float
        Share by number of clusters with a length below ``LENGTH_LIMIT_NM``.
    median_length_nm : float
        Of the lognormal distribution of planned lengths.
    """

    pores: tuple[PoreTarget, PoreTarget]
    tin_fraction: float
    short_share: float
    median_length_nm: float


LENGTH_LIMIT_NM = 2.0
SIZE_RANGE_NM = (0.25, 4.0)
"""Every cluster's length and width lie in it."""

SEALED_SHARE = 0.004
"""Sealed pores, share of the pore volume."""

TARGETS: dict[State, StateTargets] = {
    "pristine": StateTargets((PoreTarget("centre", 0.321), PoreTarget("edge", 0.476)), 0.15, 0.916, 1.35),
    "sodiated": StateTargets(
        (PoreTarget("whole", 0.258), PoreTarget("edge", 0.08, above="centre")), 0.165, 0.756, 1.55
    ),
    "desodiated": StateTargets((PoreTarget("whole", 0.309), PoreTarget("edge", 0.1, above="centre")), 0.15, 0.756, 1.5),
}
