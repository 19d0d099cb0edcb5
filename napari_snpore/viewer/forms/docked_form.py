"""Base class of the forms: settings in a column that scrolls; results, main button and status
below it, always in view.

It opens no dropped files, so that the form that asks about a dropped file can derive from it.
"""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QApplication, QFormLayout, QVBoxLayout, QWidget

from napari_snpore.viewer.forms.docked_widget import DockedWidget
from napari_snpore.viewer.forms.form import (
    SETTINGS_HEIGHT,
    FormScroll,
    MainButton,
    ResultScroll,
    SettingsScroll,
    form_layout,
    is_enter,
    is_redo,
    is_undo,
    on_change,
)
from napari_snpore.viewer.shared.docking import dock_as_tab, join_instrument, keep_docked
from napari_snpore.viewer.shared.worker import StepStatus


class DockedForm(DockedWidget):
    """A form in the instrument: rows on top, results below them, then buttons and status; Enter
    presses ``main_button``, Escape cancels what runs.

    In a field in which something was typed Enter takes what was typed, and the next Enter presses
    the button. ``column`` scrolls where it is longer than the window is high. ``results`` are as
    high as they need to be, up to half of the form, and scroll beyond that. What is in ``footer``
    is always visible.

    Parameters
    ----------
    viewer : Viewer or ViewerModel
        napari passes its own.
    main_button : MainButton
        The form places and connects it.
    """

    is_step = True
    """Whether the form belongs to the instrument; else it keeps a dock of its own."""

    def __init__(self, viewer: Any, main_button: MainButton) -> None:
        super().__init__(viewer)
        self.main_button = main_button
        self.status = StepStatus()
        inside = QWidget()
        self.column = QVBoxLayout(inside)
        self.column.setContentsMargins(8, 8, 8, 8)
        self.column.setSpacing(6)
        scroll_area = SettingsScroll() if self.is_step else FormScroll()
        scroll_area.setWidget(inside)
        self._result_scroll = ResultScroll()
        self._others = 0
        self.results = self._result_scroll.column
        self.footer = QVBoxLayout()
        self.footer.setContentsMargins(8, 4, 8, 8)
        self.footer.setSpacing(6)
        around = QVBoxLayout(self)
        around.setContentsMargins(0, 0, 0, 0)
        around.setSpacing(0)
        around.addWidget(scroll_area, 1)
        around.addWidget(self._result_scroll)
        around.addLayout(self.footer)

    def resizeEvent(self, event: Any) -> None:
        """Give the results their share of the new height."""
        super().resizeEvent(event)
        self._result_scroll.updateGeometry()

    def event(self, event: QEvent | None) -> bool:
        """Give the results another height where settings or buttons need another one."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            others = self.height_of_others()
            if others != self._others:
                self._others = others
                self._result_scroll.updateGeometry()
        return bool(super().event(event))

    def height_of_others(self) -> int:
        """Return what the footer needs, and the settings up to the height that results leave them."""
        width = max(self.width(), self._result_scroll.minimumWidth())
        footer, settings = self.footer, self.column
        below = footer.totalHeightForWidth(width) if footer.hasHeightForWidth() else -1
        above = settings.totalHeightForWidth(width) if settings.hasHeightForWidth() else -1
        below = below if below > 0 else footer.totalSizeHint().height()
        above = above if above > 0 else settings.totalSizeHint().height()
        return below + min(SETTINGS_HEIGHT, above)

    def rows(self) -> QFormLayout:
        """Add a block of labelled rows and return it."""
        form = form_layout()
        self.column.addLayout(form)
        return form

    def closed(self) -> None:
        """Stop the work that runs."""
        self.status.drop()

    def _on_docked(self) -> None:
        for field in self.findChildren(QWidget):
            on_change(field, self._on_field)
        if self.is_step and join_instrument(self, self._viewer):
            return
        dock_as_tab(self, DockedForm)
        keep_docked(self)

    def _on_field(self, *_: Any) -> None:
        """Take a problem away when the user changes a field; what a script sets says nothing."""
        focus = QApplication.focusWidget()
        if focus is not None and self.isAncestorOf(focus):
            self.status.forget_problem()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Run the main button on Enter; cancel the running step on Escape; undo and redo where the
        form can.
        """
        if event is not None and is_enter(event) and self.main_button.isEnabled():
            self.main_button.click()
            return
        if event is not None and event.key() == Qt.Key.Key_Escape and self.status.busy:
            self.status.cancel()
            return
        step_back, step_forth = getattr(self, "undo", None), getattr(self, "redo", None)
        if event is not None and callable(step_back) and is_undo(event):
            step_back()
            return
        if event is not None and callable(step_forth) and is_redo(event):
            step_forth()
            return
        super().keyPressEvent(event)
