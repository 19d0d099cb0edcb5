"""Phases as data: their labels, names and colours, and how thresholds turn grey values into them."""

from __future__ import annotations

from dataclasses import dataclass

EXTERIOR, PORE, CARBON, TIN = 0, 1, 2, 3


@dataclass(frozen=True)
class PhaseScheme:
    """Names and colours of the phases 1..N in order of grey value; label 0 is the exterior."""

    names: tuple[str, ...] = ("pore", "C", "Sn")
    colours: tuple[str, ...] = ("#ffffff", "#2f6db5", "#f4c20d")


PORE_C_SN = PhaseScheme()
