"""The Workbench: steps in their order with contents and state; a click opens the widget of a
step.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from importlib.resources import as_file, files
from typing import Any

import napari.components
from napari.layers import Layer
from napari.utils.theme import get_theme
from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QComboBox,
    QDockWidget,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_snpore.errors import InputError, Stopped
from napari_snpore.viewer.forms.docked_widget import DockedWidget
from napari_snpore.viewer.forms.form import ruler
from napari_snpore.viewer.forms.path_dialogs import folder_for
from napari_snpore.viewer.shared.docking import ancestor
from napari_snpore.viewer.shared.drops import take_drops
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.layers import select, stem_of
from napari_snpore.viewer.shared.worker import StepStatus
from napari_snpore.viewer.tour.panel import TourPanel
from napari_snpore.viewer.tour.tour import Tour
from napari_snpore.viewer.workbench.layer_watch import LayerWatch
from napari_snpore.viewer.workbench.specimen import specimens_of
from napari_snpore.viewer.workbench.step_row import StepRow
from napari_snpore.viewer.workbench.step_states import (
    NOTHING_YET,
    WorkStep,
    in_situ_step,
    next_step,
    steps_of,
)

_PLUGIN = "napari-snpore"
_NARROWEST = 300
_UPDATE_MS = 60
"""Interval of updates (ms): painting emits an event for every stroke of the mouse."""

_SHARE = 0.45
"""Largest share of the window's height that the rows get when a form opens below."""


class WorkbenchWidget(DockedWidget):
    """A list of the steps with their states; a row opens the widget of its step with the fitting
    layer selected.

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
    """

    def __init__(self, viewer: napari.components.ViewerModel) -> None:
        super().__init__(viewer)
        self._specimen: str | None = None
        self._followed: Layer | None = None
        self._steps: list[WorkStep] = []
        self._names = _display_names()
        self._build()
        self._watch = LayerWatch(self._viewer, self)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_UPDATE_MS)
        self._soon.timeout.connect(self.refresh)
        self._watch.changed.connect(self._refresh_soon)
        self._settle = QTimer(self)  # once a new dock has its place
        self._settle.setSingleShot(True)
        self._settle.setInterval(150)
        self._settle.timeout.connect(self._keep_height)
        connect_while_alive(self, self._viewer.layers.selection.events.active, self._on_active)
        connect_while_alive(self, self._viewer.events.theme, self._on_theme)
        self._on_theme()
        self._on_active()
        self.refresh()

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

    def state(self) -> Mapping[str, Any]:
        """Return what a saved window keeps: whose steps are shown."""
        return {"specimen": self._specimen}

    def set_state(self, state: Mapping[str, Any], layers: Mapping[str, Layer]) -> None:
        """Take what ``state()`` returned once."""
        del layers
        if state.get("specimen") in specimens_of(self._viewer.layers):
            self.specimen = str(state["specimen"])

    def refresh(self) -> None:
        """Update the states of all steps."""
        self._soon.stop()
        layers, active = list(self._viewer.layers), self._viewer.layers.selection.active
        names = specimens_of(layers)
        if self._specimen not in names:
            self._specimen = names[-1] if names else None
        self._show_specimens(names)
        numbered = steps_of(
            layers, specimen=self._specimen, active=active, edited_since=self._watch.edited_since
        )
        self._steps = [*numbered, in_situ_step(layers, active)]
        due = next_step(numbered)
        for row, step in zip(self.rows, self._steps, strict=True):
            known = step.widget is None or step.widget in self._names
            row.show_step(step, is_next=step is due, available=step.state != "later" and known)
        self._align_names()
        is_empty = not names and self._steps[-1].layer is None
        self.sentence.setVisible(is_empty)
        self.tour_panel.invite(is_empty)

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
            self._viewer.open_sample(_PLUGIN, key)
            self.status.say("")
        except InputError as error:
            self.status.refuse(error)
        except Stopped as error:
            self.status.say(str(error))
        finally:
            self.sample_button.setEnabled(True)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.setSpacing(4)
        self.tour = Tour(self)
        self.tour_panel = TourPanel(self.tour)
        column.addWidget(self.tour_panel)
        column.addLayout(self._top_line())
        self.sentence = QLabel(NOTHING_YET)
        self.sentence.setWordWrap(True)
        column.addWidget(self.sentence)
        inside = QWidget()
        rows = QVBoxLayout(inside)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        self.rows = [StepRow() for _ in range(10)]
        for row in self.rows[:-1]:
            rows.addWidget(row)
        rows.addWidget(ruler())
        rows.addWidget(self.rows[-1])
        rows.addStretch(1)
        for row in self.rows:
            row.clicked.connect(partial(self._open, row))
        self.scroll_area = QScrollArea()
        self.scroll_area.setWidgetResizable(True)
        self.scroll_area.setFrameShape(QFrame.Shape.NoFrame)
        self.scroll_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll_area.setWidget(inside)
        column.addWidget(self.scroll_area, 1)
        self.status = StepStatus()
        column.addWidget(self.status)
        self.setMinimumWidth(_NARROWEST)

    def _top_line(self) -> QHBoxLayout:
        self.title = QLabel()
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.specimen_box = QComboBox()
        self.specimen_box.setToolTip(
            "Whose steps are shown: the first part of the layers' names. It follows the layer selected in napari."
        )
        self.specimen_box.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.specimen_box.setMinimumContentsLength(8)
        self.specimen_box.activated.connect(self._on_specimen)
        self.open_button = QPushButton("Open …")
        self.open_button.setToolTip(
            "Open tilt series, volumes or tables; each file becomes layers of its own."
        )
        self.open_button.clicked.connect(self._ask_files)
        self.sample_button = QPushButton("Sample")
        self.sample_button.setToolTip(
            "Open a real tilt series or a phantom fibre to try the steps on."
        )
        menu = QMenu(self.sample_button)
        for key, words in _samples():
            entry = menu.addAction(words)
            if entry is not None:
                entry.triggered.connect(partial(self._open_sample, key))
        self.sample_button.setMenu(menu)
        line = QHBoxLayout()
        line.addWidget(self.title, 1)
        line.addWidget(self.specimen_box, 1)
        line.addWidget(self.open_button)
        line.addWidget(self.sample_button)
        return line

    def _align_names(self) -> None:
        widest = max(row.name_width for row in self.rows)
        for row in self.rows:
            row.name.setFixedWidth(widest)

    def _show_specimens(self, names: list[str]) -> None:
        box = self.specimen_box
        several = len(names) > 1
        if several and [box.itemText(k) for k in range(box.count())] != names:
            box.clear()  # `activated` is emitted for choices of the user alone
            box.addItems(names)
        if several and self._specimen is not None:
            box.setCurrentIndex(names.index(self._specimen))
        box.setVisible(several)
        self.title.setVisible(not several)
        self.title.setText(self._specimen or "")
        self.title.setToolTip(self._specimen or "")

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
        theme = get_theme(self._viewer.theme)
        ink, ground = QColor(theme.text.as_hex("long")), QColor(theme.background.as_hex("long"))
        for row in self.rows:
            row.set_colors(
                hover=_between(ground, ink, 0.12),
                focus=_between(ground, ink, 0.7),
                faint=_between(ground, ink, 0.6),
            )

    def _open(self, row: StepRow, checked: bool = False) -> None:
        del checked
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
        before = set(window.dock_widgets)
        dock, widget = window.add_plugin_dock_widget(_PLUGIN, step.widget)
        dock.show()
        dock.raise_()
        if set(window.dock_widgets) != before:
            self._settle.start()
        if step.name == "Envelope":
            _bring_into_view(widget.envelope)

    def _keep_height(self) -> None:
        """Resize to the height of the rows after a form was docked below: napari's docks share the
        height by size hints.
        """
        dock, window = ancestor(self, QDockWidget), ancestor(self, QMainWindow)
        inside = self.scroll_area.widget()
        if dock is None or window is None or inside is None or dock.isFloating():
            return
        area = window.dockWidgetArea(dock)
        below = [
            other
            for other in window.findChildren(QDockWidget)
            if other is not dock
            and not other.isFloating()
            and window.dockWidgetArea(other) == area
            and not other.visibleRegion().isEmpty()
        ]
        if len(below) != 1:
            return  # alone, or the user has arranged the docks
        viewport = self.scroll_area.viewport()
        assert viewport is not None
        rows = inside.heightForWidth(viewport.width())
        wanted = min(
            dock.height() - self.scroll_area.height() + rows + 2, round(_SHARE * window.height())
        )
        both = dock.height() + below[0].height()
        window.resizeDocks([dock, below[0]], [wanted, both - wanted], Qt.Orientation.Vertical)

    def _ask_files(self) -> None:
        dialog = QFileDialog(self, "Open a tilt series or a volume", str(folder_for(self)))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setModal(False)
        dialog.filesSelected.connect(self._start_opening)
        dialog.show()

    def _open_sample(self, key: str, checked: bool = False) -> None:
        del checked
        self.open_sample(key)

    def showEvent(self, event: Any) -> None:
        """Align the names once the rows have the font of the window."""
        super().showEvent(event)
        self._align_names()
        take_drops(self, self._viewer)

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


def _between(one: QColor, two: QColor, share: float) -> str:
    """Return the colour at a share of the way from one to another."""
    mixed = [round(a + (b - a) * share) for a, b in zip(_rgb(one), _rgb(two), strict=True)]
    return QColor(*mixed).name()


def _rgb(color: QColor) -> tuple[int, int, int]:
    return color.red(), color.green(), color.blue()


def _display_names() -> set[str]:
    """Return the names of our widgets in the Plugins menu."""
    return {one.display_name for one in _contributions().widgets or ()}


def _samples() -> list[tuple[str, str]]:
    """Return key and title of our entries in File > Open Sample."""
    return [(one.key, one.display_name) for one in _contributions().sample_data or ()]


@cache
def _contributions() -> Any:
    """Return what our manifest offers; read from the file, for a viewer without a window has no
    plugins yet.
    """
    from npe2 import PluginManifest

    with as_file(files("napari_snpore") / "napari.yaml") as path:
        return PluginManifest.from_file(path).contributions
