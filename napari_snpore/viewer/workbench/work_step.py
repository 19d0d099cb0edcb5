"""One step of the work as a row of the workbench shows it: its contents, its state, its sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from napari.layers import Layer

State = Literal["done", "ready", "waits", "stale", "spare", "later", "running", "failed", "open"]

SIGNS: Mapping[State, str] = {
    "done": "✓",
    "ready": "▸",
    "waits": "–",
    "stale": "↻",
    "spare": "·",
    "later": "…",
    "running": "◔",
    "failed": "✕",
    "open": "◉",
}
"""Sign of each state, shown beside the words."""

WORDS: Mapping[State, str] = {
    "done": "done",
    "ready": "ready",
    "waits": "waits",
    "stale": "stale",
    "spare": "not needed",
    "later": "comes later",
    "running": "running",
    "failed": "failed",
    "open": "open",
}

_SHORT = {
    "painted": "phases edited",
    "whole": "older cut",
    "threshold": "older phases",
    "moved": "thresholds",
}


@dataclass(frozen=True)
class WorkStep:
    """One row of the workbench.

    Parameters
    ----------
    number : int or None
        Its place in the order; None for *In situ*, which is outside the order.
    name : str
        Of the step.
    holds : str
        What there is now, in few words; empty where there is nothing.
    state : str
        ``done``, ``ready`` (its input is there), ``waits`` (for another step), ``stale`` (made from
        what changed since), ``spare`` (not needed here), ``later`` (not made yet), ``running``,
        ``failed`` (its last run ended with an error), ``open`` (its views are).
    hint : str
        What the state means here and what to do, in whole sentences.
    layer : Layer or None
        To be selected for this step: its input.
    widget : str or None
        Display name of the widget that does it.
    stale_by : str
        What changed, where it is stale.
    share : float, optional
        How much of it is done while it runs, from 0 to 1, where that can be told.
    """

    number: int | None
    name: str
    holds: str
    state: State
    hint: str
    layer: Layer | None = None
    widget: str | None = None
    stale_by: str = ""
    share: float | None = None

    @property
    def words(self) -> str:
        """Text beside the name: the contents, and the state unless it is done."""
        if self.state == "done":
            return self.holds
        if self.state == "running":
            return WORDS["running"] if self.share is None else f"{100 * self.share:.0f} %"
        state = WORDS[self.state]
        if self.state == "stale":
            state = f"stale: {_SHORT.get(self.stale_by, self.stale_by)}"
        elif self.state == "waits" and self.holds:
            return self.holds
        return f"{self.holds}, {state}" if self.holds else state
