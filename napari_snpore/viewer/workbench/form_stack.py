"""The forms of the instrument, one shown at a time, and what stands in for each of them in its
dock.
"""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QSize, QTimer, Signal
from qtpy.QtWidgets import QDockWidget, QSizePolicy, QStackedWidget, QWidget

from napari_snpore.viewer.shared.docking import ancestor

_NARROWEST = 360


class StandIn(QWidget):
    """What stays in the hidden dock of a form that the instrument shows.

    napari knows a widget by its dock: menus open and close the dock, ``add_plugin_dock_widget``
    returns its widget. As long as the dock is there no second form is made. ``_magic_widget`` is
    where napari looks for the widget that a scripter means, if it is another than the one in the
    dock: by the convention of magicgui, whose widgets are no Qt widgets.

    Signals
    -------
    asked : object
        The form, when its dock is to be shown.
    removed : object
        The form, when its dock was removed.
    """

    asked = Signal(object)
    removed = Signal(object)

    def __init__(self, form: QWidget) -> None:
        super().__init__()
        self._magic_widget: QWidget | None = form
        self._soon = QTimer(self)  # Qt lays out its docks first
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._ask)

    def showEvent(self, event: Any) -> None:
        """Ask for the form: a menu shows the dock."""
        super().showEvent(event)
        self._soon.start()

    def event(self, event: QEvent | None) -> bool:
        """Notice that the dock was removed: napari takes the widget out of it, without a signal."""
        if (
            event is not None
            and event.type() == QEvent.Type.ParentChange
            and self.parentWidget() is None
            and self._magic_widget is not None
        ):
            form, self._magic_widget = self._magic_widget, None
            self._soon.stop()
            self.removed.emit(form)
        return bool(super().event(event))

    def _ask(self) -> None:
        if self.isVisible() and self._magic_widget is not None:
            self.asked.emit(self._magic_widget)


class FormStack(QStackedWidget):
    """Forms of which one is shown; as narrow as the widest allows, and as low as the shown one
    allows.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stand_ins: dict[QWidget, StandIn] = {}
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    @property
    def forms(self) -> list[QWidget]:
        """All forms that were made."""
        return list(self._stand_ins)

    @property
    def shown(self) -> QWidget | None:
        """The form that is shown."""
        return self.currentWidget()

    def take(self, form: QWidget) -> StandIn:
        """Move a form out of its dock, which is hidden and keeps a stand-in."""
        dock = ancestor(form, QDockWidget)
        stand_in = self._stand_ins[form] = StandIn(form)
        self.addWidget(form)
        if dock is not None:
            dock.setWidget(stand_in)
            dock.hide()
        return stand_in

    def give_up(self, form: QWidget) -> QDockWidget | None:
        """Forget a form and let it close; return the dock of its stand-in, to be removed."""
        stand_in = self._stand_ins.pop(form, None)
        self.removeWidget(form)
        form.setParent(None)
        return None if stand_in is None else ancestor(stand_in, QDockWidget)

    def docks(self) -> list[QDockWidget]:
        """Return the docks of the stand-ins."""
        found = (ancestor(one, QDockWidget) for one in self._stand_ins.values())
        return [dock for dock in found if dock is not None]

    def hasHeightForWidth(self) -> bool:
        """Return that wrapped text asks for no height here: a form scrolls."""
        return False

    def sizeHint(self) -> QSize:
        """Return a low size: the form takes what is left of the height."""
        return QSize(self._width(), 240)

    def minimumSizeHint(self) -> QSize:
        """Return the width that the widest form needs, and the height that the shown one needs."""
        shown = self.currentWidget()
        return QSize(self._width(), 0 if shown is None else shown.minimumSizeHint().height())

    def _width(self) -> int:
        return max((_NARROWEST, *(one.minimumSizeHint().width() for one in self._stand_ins)))
