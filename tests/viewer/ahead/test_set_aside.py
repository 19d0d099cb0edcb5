"""What stays is left out of garbage collections, and what goes is still given back."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QCoreApplication
from qtpy.QtWidgets import QWidget

from napari_snpore.viewer.ahead import set_aside as set_aside_module
from napari_snpore.viewer.ahead.set_aside import SetAside
from napari_snpore.viewer.shared.layers import KEY


class Ring:
    """Garbage that only a collection finds."""

    def __init__(self):
        self.itself = self


class Form(QWidget):
    def __init__(self):
        super().__init__()
        self.ring = Ring()
        self.ring.form = self

    def closed(self):
        pass


@pytest.fixture
def aside(qapp):
    gc.unfreeze()  # what the tests themselves set aside
    made = SetAside(QCoreApplication.instance(), lambda: False)
    made.stop()  # looked at by hand
    yield made
    gc.unfreeze()
    made.deleteLater()
    gc.collect()
    gc.freeze()


def is_given_back(seen):
    gc.collect()
    return seen() is None


def test_what_stays_is_not_looked_at_and_later_garbage_is_found(aside):
    gc.collect()
    stays = [Ring() for _ in range(1000)]
    before = len(gc.get_objects())
    aside.begin()
    assert len(gc.get_objects()) < before - len(stays)
    later = Ring()
    seen = weakref.ref(later)
    del later
    assert is_given_back(seen)


def test_all_is_looked_at_again_from_the_removal_of_a_layer(aside):
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((4, 4)))
    aside.watch(viewer)
    aside.begin()
    assert gc.get_freeze_count() > 0
    later = viewer.add_image(np.zeros((4, 4)))
    viewer.layers.remove(later)
    assert gc.get_freeze_count() > 0, "it was not among what was set aside"
    viewer.layers.remove(layer)
    assert gc.get_freeze_count() == 0
    aside._look()
    assert gc.get_freeze_count() == 0, "the layer is not gone yet"


def test_what_goes_is_given_back_before_all_is_set_aside_again(aside):
    ring = Ring()
    seen = weakref.ref(ring)
    aside.begin()
    aside._among.add(ring)
    aside.end(ring)
    aside._look()
    assert gc.get_freeze_count() == 0, "it is still held"
    del ring
    assert is_given_back(seen)
    aside._look()
    assert gc.get_freeze_count() > 0


def test_garbage_of_what_went_is_collected_once_where_nothing_else_does(aside):
    ring = Ring()
    seen = weakref.ref(ring)
    aside.begin()
    aside._among.add(ring)
    aside.end(ring)
    del ring
    gc.disable()
    try:
        aside._look()
        assert seen() is None
        assert gc.get_freeze_count() > 0
    finally:
        gc.enable()


def test_a_form_that_is_closed_is_given_back(aside, qtbot):
    form = Form()
    seen = weakref.ref(form.ring)
    aside.begin()
    aside.end(form)
    form.deleteLater()
    del form
    qtbot.wait(10)
    assert is_given_back(seen)


def test_a_preview_is_never_set_aside(aside):
    viewer = ViewerModel()
    aside.watch(viewer)
    viewer.add_image(np.zeros((4, 4)), metadata={KEY: {"kind": "preview"}})
    aside._look()
    assert gc.get_freeze_count() == 0
    viewer.layers.clear()
    aside._look()
    assert gc.get_freeze_count() > 0


def test_what_came_since_is_looked_at_between_two_clicks(aside, monkeypatch):
    aside.begin()
    aside._is_due = False
    ring = Ring()
    seen = weakref.ref(ring)
    del ring
    monkeypatch.setattr(gc, "get_count", lambda: (0, 0, 100))
    aside._looked -= 1e3  # the timer is late: a click is being answered
    gc.disable()
    try:
        aside._look()
        assert seen() is not None
        aside._look()
        assert seen() is None
    finally:
        gc.enable()


def test_python_looks_at_all_by_itself_only_at_last(aside, monkeypatch):
    before = gc.get_threshold()
    monkeypatch.setattr(set_aside_module, "_one", None)
    try:
        set_aside_module.set_aside(ViewerModel(), lambda: False)
        assert gc.get_threshold() == (*before[:2], 100)
    finally:
        gc.set_threshold(*before)
        set_aside_module._one.deleteLater()
