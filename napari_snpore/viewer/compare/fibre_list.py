"""The fibres of the form in their order: specimens that come and go with their layers, runs that are
added, state names, ticks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from napari_snpore.comparison.state_names import guessed_state, place_in_order
from napari_snpore.errors import InputError
from napari_snpore.viewer.compare.fibres import ComparedFibre, SpecimenLayers, has_intervals
from napari_snpore.viewer.compare.state_style import StateStyle, state_style

if TYPE_CHECKING:
    from napari_snpore.comparison.state_result import StateResult
    from napari_snpore.study.states.found_runs import FoundRun


class FibreList:
    """Fibres in the order in which their states are shown.

    Attributes
    ----------
    fibres : list of ComparedFibre
    """

    def __init__(self) -> None:
        self.fibres: list[ComparedFibre] = []

    @property
    def included(self) -> list[ComparedFibre]:
        """Fibres that take part."""
        return [fibre for fibre in self.fibres if fibre.is_included]

    @property
    def states(self) -> list[str]:
        """States of the fibres that take part, in their order."""
        return list(dict.fromkeys(fibre.state for fibre in self.included))

    def styles(self) -> dict[str, StateStyle]:
        """Return how each state is drawn."""
        return {name: state_style(number) for number, name in enumerate(self.states)}

    def follow(self, specimens: Iterable[SpecimenLayers]) -> bool:
        """Add the specimens that are new in the window, leave those that are gone, and return
        whether anything changed.

        Phases of a run that is in the list are the same fibre: the run has more tables and counts.
        """
        before = [(one.name, one.folder, one.has_errors) for one in self.fibres]
        results = [one.result for one in self.fibres if one.folder is not None and one.result]
        found = {
            one.name: one
            for one in specimens
            if not any(one.is_of_run(result) for result in results)
        }
        self.fibres = [one for one in self.fibres if one.folder is not None or one.name in found]
        known = {one.name: one for one in self.fibres if one.folder is None}
        for name, specimen in found.items():
            if name not in known:
                known[name] = ComparedFibre(name, guessed_state(name))
                self._insert(known[name])
            known[name].has_errors = specimen.has_errors
        return before != [(one.name, one.folder, one.has_errors) for one in self.fibres]

    def add_run(
        self, run: FoundRun, result: StateResult, specimens: Iterable[SpecimenLayers] = ()
    ) -> str:
        """Add a finished run, in the place of the specimen that holds its phases; return a sentence
        where it is there already, else nothing.
        """
        same = {one.name for one in specimens if one.is_of_run(result)}
        self.fibres = [one for one in self.fibres if one.folder is not None or one.name not in same]
        folder = run.folder.resolve()
        for fibre in self.fibres:
            if fibre.folder is not None and fibre.folder.resolve() == folder:
                fibre.result, fibre.has_errors = result, has_intervals(result)
                return f"The run '{run.fibre}' was in the list already and was read again."
        added = ComparedFibre(
            run.fibre,
            run.state,
            folder,
            result,
            has_errors=has_intervals(result),
            is_called_by_folder=run.is_called_by_folder,
        )
        self._call_apart(added)
        added.name = self._free_name(added.name, added.state)
        self._insert(added)
        return ""

    def move(self, row: int, place: int) -> None:
        """Put a fibre into the place of another."""
        self.fibres.insert(place, self.fibres.pop(row))

    def rename(self, row: int, state: str) -> None:
        """Give the state of a fibre another name; fibres of that state follow it nowhere.

        Raises
        ------
        InputError
            An empty name, or a state that has a fibre of this name already.
        """
        state, fibre = state.strip(), self.fibres[row]
        if not state:
            raise InputError("A state has no name; each needs one, such as 'pristine'.")
        if self._is_taken(fibre.name, state, fibre):
            raise InputError(
                f"The state '{state}' has a fibre '{fibre.name}' already; a fibre counts once."
            )
        fibre.state, fibre.is_called_by_folder = state, False

    def remove(self, row: int) -> str:
        """Take a run out of the list; a specimen, which stays in the window, is left out. Return
        what was done.
        """
        fibre = self.fibres[row]
        if fibre.folder is None:
            fibre.is_included = False
            return f"'{fibre.name}' is a specimen of this window: it stays in the list and is left out."
        self.fibres.pop(row)
        return f"'{fibre.name}' is no longer in the list; its folder stays as it is."

    def reorder(self, keys: Sequence[tuple[str, str]]) -> None:
        """Order the fibres by (folder or nothing, name); others come last."""
        wanted = {key: rank for rank, key in enumerate(keys)}
        self.fibres.sort(key=lambda one: wanted.get(key_of(one), len(wanted)))

    def _call_apart(self, added: ComparedFibre) -> None:
        """Tell states apart that are only names of folders, as ``snpore compare`` does."""
        # the study takes half a second to import; a run was read with it
        from napari_snpore.study.states.found_runs import names_apart

        called = [one for one in (*self.fibres, added) if one.is_called_by_folder]
        names = names_apart([one.folder for one in called if one.folder is not None])
        for fibre, state in zip(called, names, strict=True):
            if fibre is added or not self._is_taken(fibre.name, state, fibre):
                fibre.state = state

    def _insert(self, fibre: ComparedFibre) -> None:
        states = [one.state for one in self.fibres]
        self.fibres.insert(place_in_order(fibre.state, states), fibre)

    def _is_taken(self, name: str, state: str, but: ComparedFibre | None = None) -> bool:
        return any(one.name == name and one.state == state for one in self.fibres if one is not but)

    def _free_name(self, name: str, state: str) -> str:
        """Return a name that no other fibre of the state has."""
        found, number = name, 2
        while self._is_taken(found, state):
            found, number = f"{name} ({number})", number + 1
        return found


def key_of(fibre: ComparedFibre) -> tuple[str, str]:
    """Return what a saved window knows a fibre by."""
    return ("" if fibre.folder is None else str(fibre.folder), fibre.name)
