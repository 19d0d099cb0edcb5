"""What a form has on the graphics side ends with it; counted in objects of OpenGL."""

from __future__ import annotations

import ctypes
import gc
from ctypes.util import find_library
from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtGui import QOffscreenSurface, QOpenGLContext
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from vispy.gloo import gl

from napari_snpore.viewer.canvas.gl_objects import _ContextEnd, waiting_contexts
from napari_snpore.viewer.shared.layers import add_layer, volume_data
from napari_snpore.volume import Volume
from tests.viewer.mouse import settle

MOST_NAMES = 400
"""OpenGL numbers its textures from 1: more than a window with one form ever has."""


@pytest.fixture
def window(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(1300, 900)
    values = np.random.default_rng(1).normal(size=(16, 16, 16)).astype(np.float32)
    add_layer(viewer, volume_data(Volume(values, 1.0), "noise"))
    return viewer


def textures(window):
    """Count the textures that exist for all canvases of the process: their contexts share them."""
    canvas = window.window._qt_window.centralWidget().findChild(QOpenGLWidget)
    canvas.repaint()  # vispy deletes at the next drawing what a removed layer had there
    canvas.makeCurrent()
    found = sum(bool(gl.glIsTexture(name)) for name in range(1, MOST_NAMES))
    canvas.doneCurrent()
    return found


def slices_of(form):
    linked = getattr(form, "linked", None)
    return () if linked is None else linked.views.values()


def open_and_close(window, name):
    """Return how many textures there are while a form is open."""
    dock, form = window.window.add_plugin_dock_widget("napari-snpore", name)
    settle(0.3)
    while any(view.is_veiled for view in slices_of(form)):  # a busy machine draws them later
        settle(0.1)
    most = textures(window)
    window.window.remove_dock_widget(dock)
    del dock, form
    settle(0.1)
    gc.collect()
    settle(0.1)
    return most


@pytest.mark.parametrize("name", ["Threshold", "Ortho slices"])
def test_textures_of_a_form_go_with_it(window, name):
    open_and_close(window, name)  # what is made once
    before, waiting = textures(window), waiting_contexts()
    times = 4
    for _ in range(times):
        assert open_and_close(window, name) > before  # such as that of a colormap
    # two small ones a time stay: vispy keeps the texture of a colormap (16 kB) in the main canvas
    assert textures(window) < before + 3 * times
    assert waiting_contexts() == waiting


def test_an_earlier_error_of_the_context_is_not_blamed_on_the_deletion(window):
    """The wrapper of OpenGL raises at the next call whatever the context still reports."""
    context, surface = QOpenGLContext(), QOffscreenSurface()
    surface.create()
    assert context.create()
    assert context.makeCurrent(surface)
    name = gl.glCreateBuffer()
    deleted = SimpleNamespace(delete=lambda: gl.glDeleteBuffer(name))
    end = _ContextEnd(context, SimpleNamespace(_objects={1: deleted}))
    ctypes.CDLL(find_library("GL")).glEnable(0xFFFF)  # no capability: the error stays
    end._delete()  # raised GLError in a window's end, once in many
    assert not end._parser._objects
    context.doneCurrent()


@pytest.mark.parametrize("name", ["Threshold", "Ortho slices"])
def test_events_of_the_window_keep_nothing_of_closed_forms(window, name):
    def connections():
        emitters = [
            *window.layers.events.emitters.values(),
            *window.dims.events.emitters.values(),
            *window.events.emitters.values(),
            *window.layers[0].events.emitters.values(),
        ]
        # napari drops the callbacks of dead objects when the event is emitted next
        called = [one for emitter in emitters for one in emitter.callbacks]
        return sum(not isinstance(one, tuple) or one[0]() is not None for one in called)

    found = []
    for _ in range(3):
        open_and_close(window, name)
        found.append(connections())
    assert found[-1] == found[1], found
