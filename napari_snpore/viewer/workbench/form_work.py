"""What the forms of the instrument are doing, added to the states of their steps: running, failed,
open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from qtpy.QtWidgets import QWidget

from napari_snpore.viewer.shared.docking import python_name
from napari_snpore.viewer.shared.worker import StepStatus
from napari_snpore.viewer.workbench.form_stack import FormStack
from napari_snpore.viewer.workbench.work_step import WorkStep

_OWN_STEP = {"Envelope": "Make envelope"}
"""Steps done in the form of another one, and how the name of what its status runs begins."""


class FormWork:
    """Work of the forms of a window, and for which specimen a step failed.

    Parameters
    ----------
    viewer : ViewerModel
        Whose docks hold forms that are not in the instrument.
    stack : FormStack
        The forms of the instrument.
    names : mapping of str to str
        Names in the Plugins menu, by ``module:class``.
    """

    def __init__(self, viewer: Any, stack: FormStack, names: Mapping[str, str]) -> None:
        self._viewer, self._stack, self._names = viewer, stack, names
        self._failed: dict[str, str | None] = {}

    def form_of(self, step: WorkStep) -> QWidget | None:
        """Return the form of a step that is in the instrument, or docked beside it."""
        if step.widget is None:
            return None
        window = getattr(self._viewer, "window", None)
        docked = [] if window is None else list(window.dock_widgets.values())
        for one in (*self._stack.forms, *docked):
            if self._names.get(python_name(one)) == step.widget:
                return one if isinstance(one, QWidget) else None
        return None

    def added_to(self, step: WorkStep, specimen: str | None) -> WorkStep:
        """Return a step as its form knows it: running, failed, or open beside the picture."""
        form = self.form_of(step)
        status = getattr(form, "status", None)
        if isinstance(status, StepStatus) and status.busy and _does(status, step):
            return replace(step, state="running", share=status.share, hint=f"{status.what} runs.")
        if step.state != "done" and self._failed.get(step.name, "") == specimen:
            hint = "" if status is None else status.message.text().lstrip("⚠ ")
            return replace(step, state="failed", hint=hint or step.hint)
        if step.name == "Slices" and step.state in ("ready", "done") and form is not None:
            return replace(step, state="open")
        return step

    def note(
        self, status: StepStatus, steps: Iterable[WorkStep], specimen: str | None, *, busy: bool
    ) -> None:
        """Remember for which specimen a step failed; a later run forgets it."""
        for step in steps:
            form = self.form_of(step)
            if form is None or getattr(form, "status", None) is not status:
                continue
            if _does(status, step):
                self._failed.pop(step.name, None)
                if not busy and status.failed:
                    self._failed[step.name] = specimen


def _does(status: StepStatus, step: WorkStep) -> bool:
    """Say whether what a form runs is this step: one form does thresholds and envelope."""
    own = next((name for name, what in _OWN_STEP.items() if status.what.startswith(what)), None)
    return step.name == own if own is not None else step.name not in _OWN_STEP
