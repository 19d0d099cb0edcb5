"""Undo and redo of states, such as thresholds before a drag, a typed number or a preset."""

from __future__ import annotations

from typing import Generic, TypeVar

State = TypeVar("State")


class Undo(Generic[State]):
    """Stacks of earlier and undone states, compared by equality."""

    def __init__(self) -> None:
        self._past: list[State] = []
        self._future: list[State] = []

    @property
    def can_go_back(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._past)

    @property
    def can_go_forth(self) -> bool:
        """Whether there is a step that was taken back."""
        return bool(self._future)

    def clear(self) -> None:
        """Remove all states."""
        self._past.clear()
        self._future.clear()

    def remember(self, present: State) -> None:
        """Keep the present state before it changes, once; what was undone is forgotten."""
        if not self._past or self._past[-1] != present:
            self._past.append(present)
        self._future.clear()

    def back(self, present: State) -> State | None:
        """Return the state before, or None."""
        if not self._past:
            return None
        self._future.append(present)
        return self._past.pop()

    def forth(self, present: State) -> State | None:
        """Return the state that was undone last, or None."""
        if not self._future:
            return None
        self._past.append(present)
        return self._future.pop()
