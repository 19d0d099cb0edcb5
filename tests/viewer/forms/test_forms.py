"""Every form of the menus: each field says what it means, and is reached by Tab in the order in
which it is read.
"""

from __future__ import annotations

from itertools import pairwise

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QScrollBar,
    QWidget,
)

from napari_snpore.viewer.forms.form import Fold

FORMS = (
    "Workbench",
    "Reconstruct",
    "Threshold",
    "Ortho slices",
    "Subvolumes",
    "3D scene",
    "Measure",
    "Figure",
    "Compare",
    "In situ",
)
FIELDS = (QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit, QAbstractSlider)


def open_form(make_napari_viewer_proxy, name):
    """Return a form in a real window; no fixture, for pytest would keep its canvases beyond the
    window's end.
    """
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(1400, 950)
    _, widget = viewer.window.add_plugin_dock_widget("napari-snpore", name)
    QTest.qWait(300)
    return widget


def fields_of(widget):
    """Return the fields of a form that are ours: not the parts of a canvas of napari's, nor of
    another field.
    """
    found = []
    for field in widget.findChildren(QWidget):
        if (
            not isinstance(field, FIELDS)
            or isinstance(field, QScrollBar)
            or isinstance(field.parent(), QAbstractItemView)
        ):
            continue
        parents, above = [], field.parentWidget()
        while above is not None and above is not widget:
            parents.append(above)
            above = above.parentWidget()
        if any(
            isinstance(one, (*FIELDS, Fold)) and field in one.findChildren(QWidget)
            for one in parents[:1]
        ):
            continue
        if any(
            type(one).__module__.startswith("napari.") or type(one).__name__ == "_Canvas"
            for one in parents
        ):
            continue
        found.append(field)
    return found


@pytest.mark.parametrize("name", FORMS)
def test_every_field_says_what_it_means(make_napari_viewer_proxy, name):
    form = open_form(make_napari_viewer_proxy, name)
    silent = []
    for field in fields_of(form):
        above, said = field, ""
        while above is not None and above is not form and not said:
            said, above = above.toolTip(), above.parentWidget()
        if not said:
            silent.append(f"{type(field).__name__} {getattr(field, 'text', lambda: '')()!r}")
    assert not silent


@pytest.mark.parametrize("name", FORMS)
def test_tab_goes_down_the_form(make_napari_viewer_proxy, name):
    form = open_form(make_napari_viewer_proxy, name)
    fields = [
        field
        for field in fields_of(form)
        if field.isVisible() and field.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    order, now = [], form.nextInFocusChain()
    while (
        now is not form
    ):  # without a window manager no window has the focus, but the chain is there
        order += [now] if now in fields else []
        now = now.nextInFocusChain()
    assert set(order) == set(fields)
    tops = [field.mapTo(form, QPoint(0, field.height() // 2)).y() for field in order]
    start = tops.index(min(tops))
    tops = tops[start:] + tops[:start]
    back = [(one, two) for one, two in pairwise(tops) if two < one - 12]
    assert not back, "Tab goes up again"
