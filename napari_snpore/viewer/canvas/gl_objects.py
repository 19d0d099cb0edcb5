"""Deletes textures, buffers and programs of a canvas together with its OpenGL context.

vispy leaves that to the end of the context. napari lets all contexts of the process share their
objects, so that they outlive the context that made them: every canvas that was closed kept its
textures, 4 MB for one line of text alone.
"""

from __future__ import annotations

from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QObject
from qtpy.QtGui import QOffscreenSurface, QOpenGLContext
from vispy.gloo import gl
from vispy.scene import SceneCanvas

MOST_ERRORS = 16
"""OpenGL keeps one flag for each kind of error, and a lost context reports one without end."""

_waiting: set[_ContextEnd] = set()
"""Kept here until their contexts end: Python's garbage collector would take them before."""


def delete_with_context(canvas: SceneCanvas) -> None:
    """Delete all OpenGL objects of a canvas when Qt destroys its context: the widget was deleted,
    or has moved to another window.

    Parameters
    ----------
    canvas : SceneCanvas
        With objects of its own, not shared with another canvas.
    """

    def wait(event: Any = None) -> None:
        del event
        context = canvas.native.context()
        if context is not None:
            _waiting.add(_ContextEnd(context, canvas.context.shared.parser))

    if canvas.native.context() is None:
        canvas.events.initialize.connect(wait)
    else:
        wait()


def waiting_contexts() -> int:
    """Return how many contexts have objects that will be deleted with them."""
    return len(_waiting)


class _ContextEnd(QObject):
    """Deletes the objects of one context when it ends.

    It has a surface of its own: the one of the widget may be gone by then.
    """

    def __init__(self, context: QOpenGLContext, parser: Any) -> None:
        super().__init__()
        self._context, self._parser = context, parser
        self._surface = QOffscreenSurface()
        self._surface.setFormat(context.format())
        self._surface.create()
        context.aboutToBeDestroyed.connect(self._delete)

    def _delete(self) -> None:
        _waiting.discard(self)
        if not (isalive(self._context) and isalive(self._surface)):
            return  # the program ends, and Qt has deleted the surface already
        before = QOpenGLContext.currentContext()
        surface = None if before is None else before.surface()
        objects = self._parser._objects  # vispy has no public way to all of them
        if self._context.makeCurrent(self._surface):
            for one in objects.values():
                if hasattr(one, "delete"):  # else a mark that it is deleted
                    _forget_errors()
                    one.delete()
            self._context.doneCurrent()
        objects.clear()
        if before is not None and before is not self._context and surface is not None:
            before.makeCurrent(surface)
        self._surface.destroy()


def _forget_errors() -> None:
    """Take the errors of earlier drawing, and of deletions that nobody checks, from the context: the
    next deletion would be blamed.
    """
    for _ in range(MOST_ERRORS):
        if gl.glGetError() == gl.GL_NO_ERROR:
            return
