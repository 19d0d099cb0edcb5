"""The Workbench: the steps in their order with contents and state, and below them the form of the
chosen one.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import napari.components
from napari.layers import Layer
from qtpy.compat import isalive
from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QDockWidget,
    QFileDialog,
    QMainWindow,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_snpore.errors import InputError, Stopped
from napari_snpore.viewer.forms.docked_widget import DockedWidget
from napari_snpore.viewer.forms.path_dialogs import folder_for
from napari_snpore.viewer.recipe.saving import RecipeSaving
from napari_snpore.viewer.shared.docking import (
    PLUGIN,
    ancestor,
    give_full_height,
    keep_docked,
    python_name,
)
from napari_snpore.viewer.shared.drops import take_drops, take_drops_here
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.layers import select, stem_of
from napari_snpore.viewer.shared.worker import StepStatus
from napari_snpore.viewer.tour.panel import TourPanel
from napari_snpore.viewer.tour.tour import Tour
from napari_snpore.viewer.window.saving import save_window_as
from napari_snpore.viewer.workbench.contributions import display_names, samples
from napari_snpore.viewer.workbench.form_stack import FormStack
from napari_snpore.viewer.workbench.form_work import FormWork
from napari_snpore.viewer.workbench.header import StepHeader
from napari_snpore.viewer.workbench.keys import KeySheet, WindowKeys, canceller
from napari_snpore.viewer.workbench.layer_watch import LayerWatch
from napari_snpore.viewer.workbench.specimen import specimens_of
from napari_snpore.viewer.workbench.step_list import StepList
from napari_snpore.viewer.workbench.step_row import StepRow
from napari_snpore.viewer.workbench.step_states import in_situ_step, next_step, steps_of
from napari_snpore.viewer.workbench.work_step import WorkStep

_UPDATE_MS = 60
"""Interval of updates (ms): painting emits an event for every stroke of the mouse."""

_LOW_WINDOW = 1001
"""Below this height of the window (px) the list folds when a form is opened: result and plots of the
longest form do not fit beside it."""

_NARROWEST = 300


class WorkbenchWidget(DockedWidget):
    """The instrument: a list of the steps with their states, and the form of the chosen step below.

    Forms that are opened from napari's menus or docked by a script come into it as well; there is
    one of each kind. A form is made when its step is first opened, and stays until the instrument
    is closed.

    Parameters
    ----------
    viewer : Viewer or ViewerModel
        napari passes its own. Without a window a row selects its layer and opens nothing.

    Examples
    --------
    In napari's console::

        widget = WorkbenchWidget(viewer)
        [(step.name, step.state) for step in widget.steps]
        widget.open_step("Measure")
        widget.form.main_button.click()
    """

    def __init__(self, viewer: napari.components.ViewerModel) -> None:
        super().__init__(viewer)
        self._specimen: str | None = None
        self._followed: Layer | None = None
        self._steps: list[WorkStep] = []
        self._chosen: str | None = None
        self._folded_by_user: bool | None = None
        self._names = display_names()
        self._keys: WindowKeys | None = None
        self._sheet: weakref.ref[KeySheet] | None = None
        self._build()
        self._watch = LayerWatch(self._viewer, self)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_UPDATE_MS)
        self._soon.timeout.connect(self.refresh)
        self._watch.changed.connect(self._refresh_soon)
        connect_while_alive(self, self._viewer.layers.selection.events.active, self._on_active)
        connect_while_alive(self, self._viewer.events.theme, self._on_theme)
        self._on_theme()
        self._on_active()
        self.refresh()

    @property
    def form(self) -> QWidget | None:
        """The form that is shown; None before a step was opened."""
        return self.stack.shown

    @property
    def chosen(self) -> str | None:
        """Name of the step whose form is shown."""
        return self._chosen

    @property
    def is_folded(self) -> bool:
        """Whether the list of steps is folded into the top line."""
        return self.step_list.isHidden()

    @property
    def steps(self) -> tuple[WorkStep, ...]:
        """The steps with their present states, those that are numbered and then *In situ*."""
        self.refresh()
        return tuple(self._steps)

    @property
    def specimen(self) -> str | None:
        """The first part of the layer names whose steps are shown; None while the window holds
        nothing to work on.
        """
        return self._specimen

    @specimen.setter
    def specimen(self, name: str) -> None:
        if name not in specimens_of(self._viewer.layers):
            raise InputError(f"No layer's name begins with {name!r}.")
        self._specimen = name
        self.refresh()

    def open_step(self, name: str) -> None:
        """Do what a click on the row of a step does: select its layer, and open its widget or bring
        it to the front.

        Raises
        ------
        InputError
            No step is called so, or it comes later.
        """
        row = next(
            (row for row in self.rows if row.step is not None and row.step.name == name), None
        )
        if row is None or not row.isEnabled():
            raise InputError(f"{name!r} is no step that can be opened.")
        self._open(row)

    def fold(self, folded: bool) -> None:
        """Fold the list of steps into the top line, or show it; as the user does it, to stay."""
        self._folded_by_user = folded
        self._fold(folded)

    def state(self) -> Mapping[str, Any]:
        """Return what a saved window keeps: whose steps are shown, which one, and the fold."""
        return {
            "specimen": self._specimen,
            "step": self._chosen,
            "folded": self._folded_by_user,
        }

    def set_state(self, state: Mapping[str, Any], layers: Mapping[str, Layer]) -> None:
        """Take what ``state()`` returned once; the form of the step is shown where it is open."""
        del layers
        if state.get("specimen") in specimens_of(self._viewer.layers):
            self.specimen = str(state["specimen"])
        if isinstance(state.get("folded"), bool):
            self.fold(state["folded"])
        step = next((one for one in self._steps if one.name == state.get("step")), None)
        form = None if step is None else self._work.form_of(step)
        if step is not None and form is not None:
            self._show_form(form, step.name)

    def adopt(self, form: QWidget) -> None:
        """Take a form out of its dock and show it; nothing happens to one that is in already.

        One of its kind that was there before is closed: the later one is what was asked for.
        """
        if form in self.stack.forms:
            return
        for earlier in [one for one in self.stack.forms if type(one) is type(form)]:
            self._close_form(earlier)
        dock = ancestor(self, QDockWidget)
        if dock is not None and dock.isFloating():
            dock.setFloating(False)  # a canvas cannot move into another window
        stand_in = self.stack.take(form)
        stand_in.asked.connect(self._on_asked)
        stand_in.removed.connect(self._on_removed)
        status = getattr(form, "status", None)
        if isinstance(status, StepStatus):
            status.busy_changed.connect(self._on_busy)
            status.bar.valueChanged.connect(self._show_steps)
        kind = self._names.get(python_name(form))
        steps = [step.name for step in self._steps if step.widget == kind and kind is not None]
        self._show_form(form, self._chosen if self._chosen in steps else next(iter(steps), None))
        keep_docked(self)

    def settle(self) -> None:
        """Hide the docks of the stand-ins and show the instrument: a restored layout of windows
        that were saved with a dock for each form shows them.
        """
        for dock in self.stack.docks():
            dock.hide()
        own = ancestor(self, QDockWidget)
        if own is not None and self.stack.forms:
            own.setFloating(False)
            own.show()
            give_full_height(self)
            keep_docked(self)

    def closed(self) -> None:
        """Close all forms, with what they show elsewhere and what they do."""
        for form in self.stack.forms:
            self._close_form(form)

    def refresh(self) -> None:
        """Update the states of all steps."""
        self._soon.stop()
        layers, active = list(self._viewer.layers), self._viewer.layers.selection.active
        names = specimens_of(layers)
        if self._specimen not in names:
            self._specimen = names[-1] if names else None
        self.step_list.show_specimens(names, self._specimen)
        numbered = steps_of(
            layers, specimen=self._specimen, active=active, edited_since=self._watch.edited_since
        )
        self._steps = [*numbered, in_situ_step(layers, active)]
        is_empty = not names and self._steps[-1].layer is None
        self.sentence.setVisible(is_empty)
        self.tour_panel.invite(is_empty)
        self._show_steps()
        self.step_list.align_names()
        self.step_list.updateGeometry()

    def open_files(self, paths: list[str]) -> None:
        """Open files as if they were dropped on the window; what fails is said in one sentence
        each.
        """
        self._start_opening(paths)
        self.status.wait()

    def _start_opening(self, paths: list[str]) -> None:
        from napari_snpore.viewer.open.opening import (
            open_paths,  # the readers of all formats: not needed to look at steps
        )

        open_paths(self._viewer, paths, self.status.run, self.status.refuse)

    def open_sample(self, key: str) -> None:
        """Open a sample of the plugin by its key, such as ``needle``; Qt's events are processed
        meanwhile.
        """
        self.sample_button.setEnabled(False)
        self.status.say("Making the sample …")
        try:
            self._viewer.open_sample(PLUGIN, key)
            self.status.say("")
        except InputError as error:
            self.status.refuse(error)
        except Stopped as error:
            self.status.say(str(error))
        finally:
            self.sample_button.setEnabled(True)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.tour = Tour(self)
        self.tour_panel = TourPanel(self.tour)
        column.addWidget(self.tour_panel)
        self.header = StepHeader()
        self.header.moved.connect(self._move)
        self.header.folded.connect(self.fold)
        column.addWidget(self.header)
        self.step_list = StepList(samples())
        self.step_list.pressed.connect(self._open)
        self.step_list.sample_asked.connect(self.open_sample)
        self.step_list.open_button.clicked.connect(self._ask_files)
        self.step_list.recipe_asked.connect(self.ask_recipe)
        self.step_list.window_asked.connect(self.save_window)
        self.step_list.specimen_box.activated.connect(self._on_specimen)
        self.rows, self.sentence = self.step_list.rows, self.step_list.sentence
        self.title, self.specimen_box = self.step_list.title, self.step_list.specimen_box
        self.open_button = self.step_list.open_button
        self.sample_button = self.step_list.sample_button
        column.addWidget(self.step_list)
        self.status = StepStatus()
        self.status.layout().setContentsMargins(8, 0, 8, 4)  # type: ignore[union-attr]
        column.addWidget(self.status)
        self._recipes = RecipeSaving(self)
        self.stack = FormStack()
        self._work = FormWork(self._viewer, self.stack, self._names)
        self.stack.hide()
        column.addWidget(self.stack, 1)
        self.step_list.stand_above_form(False)
        self.step_list.setMinimumWidth(_NARROWEST)  # forms need more

    def _show_steps(self, value: object = None) -> None:
        """Show the steps with what their forms are doing; cheap, for it is called as work goes
        on.
        """
        del value
        steps = [self._work.added_to(step, self._specimen) for step in self._steps]
        due = next_step(steps[:-1])
        for row, step in zip(self.rows, steps, strict=True):
            row.show_step(
                step,
                is_next=step is due,
                available=self._can_open(step),
                is_chosen=step.name == self._chosen,
            )
        chosen = next((step for step in steps if step.name == self._chosen), None)
        forth = self._beside(1)
        below = [row for row in self.rows if row.step is not None and row.step.name == self._chosen]
        after = None if forth is None or forth.step is None else forth.step.name
        skips = forth is not None and (
            not below or self.rows.index(forth) - self.rows.index(below[0]) > 1
        )
        self.header.show_step(chosen, before=self._beside(-1) is not None, after=after, skips=skips)

    def _can_open(self, step: WorkStep) -> bool:
        known = step.widget is None or step.widget in self._names.values()
        return step.state != "later" and known

    def _on_busy(self, busy: bool) -> None:
        status = self.sender()
        if isinstance(status, StepStatus):
            self._work.note(status, self._steps, self._specimen, busy=busy)
        self._refresh_soon()

    def _on_specimen(self, index: int) -> None:
        self._specimen = self.specimen_box.itemText(index)
        self.refresh()

    def _on_active(self, event: Any = None) -> None:
        del event
        active = self._viewer.layers.selection.active
        if active is not None and active is not self._followed and specimens_of([active]):
            self._followed = (
                active  # a preview that comes and goes makes the same layer active again
            )
            self._specimen = stem_of(active.name)
        self._refresh_soon()

    def _refresh_soon(self) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def _on_theme(self, event: Any = None) -> None:
        del event
        self.step_list.set_theme(self._viewer.theme)

    def _beside(self, direction: int) -> StepRow | None:
        """Return the row that back or forth leads to; forth from a step that is done leads to the
        one that is due.
        """
        in_situ = self.rows[-1]  # a task of its own: only where there are images in time
        rows = [
            row
            for row in self.rows
            if row.isEnabled()
            and row.step is not None
            and row.step.widget is not None
            and (row is not in_situ or row.step.state != "waits" or self._chosen == row.step.name)
        ]
        names = [row.step.name for row in rows if row.step is not None]
        due = next_step([one.step for one in self.rows[:-1] if one.step is not None])
        then = names.index(due.name) if due is not None and due.name in names else -1
        here = names.index(self._chosen) if self._chosen in names else -1
        place = here + direction
        if direction > 0 and then > here and (here < 0 or _is_over(rows[here].step)):
            place = then
        elif here < 0:
            return None
        return rows[place] if 0 <= place < len(rows) else None

    def _move(self, step: int) -> None:
        row = self._beside(step)
        if row is not None:
            self._open(row)

    def go_back(self) -> None:
        """Open the step before."""
        self._move(-1)

    def go_forth(self) -> None:
        """Open the step after."""
        self._move(1)

    def _open(self, row: StepRow) -> None:
        self.refresh()  # what was shown may be a moment old
        step = row.step
        if step is None:
            return
        self.status.say("")
        if step.layer is not None and step.layer in self._viewer.layers:
            select(self._viewer, step.layer)
        if step.widget is not None:
            self._open_widget(step)
        elif step.layer is None:
            self._ask_files()

    def _open_widget(self, step: WorkStep) -> None:
        window = getattr(self._viewer, "window", None)
        if window is None or step.widget is None:
            self.status.say("There is no window to open it in; the layer is selected.")
            return
        dock, form = window.add_plugin_dock_widget(PLUGIN, step.widget)
        if getattr(form, "is_step", False):
            self.adopt(form)
            self._show_form(form, step.name)
        else:
            dock.show()
            dock.raise_()
        if step.name == "Envelope":
            _bring_into_view(form.envelope)

    def _show_form(self, form: QWidget, name: str | None) -> None:
        self._chosen = name
        self.stack.setCurrentWidget(form)
        self.stack.show()
        self.step_list.stand_above_form(True)
        window = self.window()
        low = window is not None and window.height() < _LOW_WINDOW
        self._fold(low if self._folded_by_user is None else self._folded_by_user)
        dock = ancestor(self, QDockWidget)
        if dock is not None:
            dock.show()
            dock.raise_()
        button = getattr(form, "main_button", None)
        if isinstance(button, QWidget) and form.isVisible():
            (button if button.isEnabled() else form).setFocus(Qt.FocusReason.OtherFocusReason)
        self._show_steps()

    def _fold(self, folded: bool) -> None:
        self.step_list.setVisible(not folded)
        self.header.show_folded(folded)

    def _close_form(self, form: QWidget) -> None:
        dock = self.stack.give_up(form)
        if dock is not None:
            self._viewer.window.remove_dock_widget(dock)

    def _on_asked(self, form: QWidget) -> None:
        """Show a form whose dock a menu opens; the dock stays hidden."""
        for dock in self.stack.docks():
            dock.hide()
        kind = self._names.get(python_name(form))
        steps = [step.name for step in self._steps if step.widget == kind]
        self._show_form(form, self._chosen if self._chosen in steps else next(iter(steps), None))

    def _on_removed(self, form: QWidget) -> None:
        """Close a form whose dock a script removed."""
        self.stack.give_up(form)
        if self.stack.shown is None:
            self._chosen = None
            self.stack.hide()
            self.step_list.stand_above_form(False)
            self._fold(False)
        else:
            self._on_asked(self.stack.shown)
        self._refresh_soon()

    def _on_docked(self) -> None:
        main, dock = ancestor(self, QMainWindow), ancestor(self, QDockWidget)
        right = Qt.DockWidgetArea.RightDockWidgetArea
        if (
            main is not None
            and dock is not None
            and not dock.isFloating()
            and main.dockWidgetArea(dock) != right  # napari remembers where it was last
        ):
            main.addDockWidget(right, dock)  # the layer list leaves no height on the left
        give_full_height(self)
        if main is None or self._keys is not None:
            return
        self._keys = WindowKeys(main, self)
        self._keys.bind(QKeySequence(QKeySequence.StandardKey.Save), self.save_window)
        self._keys.bind(QKeySequence("F1"), self.show_keys)
        self._keys.bind(QKeySequence("Ctrl+PgUp"), self.go_back)
        self._keys.bind(QKeySequence("Ctrl+PgDown"), self.go_forth)
        self._viewer.bind_key("Escape", canceller(self), overwrite=True)

    def save_window(self) -> QFileDialog | None:
        """Ask for a folder and save the whole window there; does not block."""
        return save_window_as(self._viewer)

    def save_recipe(self, path: str | Path, source: str | Path | None = None) -> Path:
        """Write how the specimen was made as a recipe for ``snpore run``; the window stays alive
        meanwhile.

        Parameters
        ----------
        path : path
            Of the TOML file.
        source : path, optional
            The file that the specimen was made of, or the folder of several, where it is not beside
            the data any more.

        Raises
        ------
        InputError
            There is nothing to repeat, a history that one recipe cannot say, or a file that is not
            there.
        """
        self.refresh()
        if self._specimen is None:
            raise InputError("There is nothing yet whose recipe could be saved: open a file.")
        return self._recipes.save(self._specimen, path, source)

    def ask_recipe(self) -> QFileDialog | None:
        """Ask for a file and save the recipe of the specimen there; does not block."""
        self.refresh()
        return self._recipes.ask(self._specimen)

    def show_keys(self) -> None:
        """Show the sheet of keys, or bring it to the front."""
        sheet = None if self._sheet is None else self._sheet()
        if sheet is None or not _is_shown(sheet):
            sheet = KeySheet(self)
            self._sheet = weakref.ref(sheet)
        sheet.show()
        sheet.raise_()
        sheet.activateWindow()

    def cancel(self) -> None:
        """Cancel what the shown form, or the opening of files, is doing."""
        status = getattr(self.form, "status", None)
        for one in (status, self.status):
            if isinstance(one, StepStatus) and one.busy:
                one.cancel()

    def _ask_files(self) -> None:
        dialog = QFileDialog(self, "Open a tilt series or a volume", str(folder_for(self)))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setModal(False)
        dialog.filesSelected.connect(self._start_opening)
        dialog.show()

    def showEvent(self, event: Any) -> None:
        """Align the names once the rows have the font of the window."""
        super().showEvent(event)
        self.step_list.align_names()
        take_drops(self, self._viewer)
        take_drops_here(self, self._viewer)

    def resizeEvent(self, event: Any) -> None:
        """Give the list its share of the new height."""
        super().resizeEvent(event)
        self.step_list.updateGeometry()

    def event(self, event: QEvent | None) -> bool:
        """Update when the mouse enters: an entry written into a layer's metadata emits no event."""
        if event is not None and event.type() in (
            QEvent.Type.Enter,
            QEvent.Type.StyleChange,
            QEvent.Type.FontChange,
        ):
            self._refresh_soon()
        return bool(super().event(event))


def _bring_into_view(part: QWidget) -> None:
    """Scroll to a part of a form once the form has its size: at first it is as high as its dock was
    before.
    """
    scroll = ancestor(part, QScrollArea)
    if scroll is None:
        return
    once = QTimer(part)  # ends with the form
    once.setSingleShot(True)
    once.timeout.connect(lambda: scroll.ensureWidgetVisible(part))
    once.timeout.connect(once.deleteLater)
    once.start(50)


def _is_over(step: WorkStep | None) -> bool:
    return step is not None and step.state in ("done", "open", "spare")


def _is_shown(sheet: QWidget) -> bool:
    return bool(isalive(sheet)) and sheet.isVisible()
