"""What a click imports is imported while the window is drawn."""

from __future__ import annotations

import sys
import threading

import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QWidget

import napari_snpore.viewer
from napari_snpore.viewer.ahead.loading import load_alive

DRAWN = "snpore_drawn_meanwhile"
"""Name by which the modules below find the event that the window sets."""


@pytest.fixture
def modules(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, DRAWN, threading.Event())

    def write(name, lines):
        monkeypatch.delitem(sys.modules, name, raising=False)
        (tmp_path / f"{name}.py").write_text(lines)

    return write


@pytest.fixture
def shown(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    return window


def test_the_window_answers_while_a_module_is_imported(shown, modules):
    modules("snpore_waits", f"import {DRAWN} as drawn\nANSWERED = drawn.wait(30)\n")
    QTimer.singleShot(0, sys.modules[DRAWN].set)
    assert load_alive("snpore_waits").ANSWERED
    assert QApplication.overrideCursor() is None


def test_an_error_of_the_import_is_that_of_the_click(shown, modules):
    modules("snpore_fails", "raise ValueError('no such format')\n")
    with pytest.raises(ValueError, match="no such format"):
        load_alive("snpore_fails")
    assert QApplication.overrideCursor() is None


def test_without_a_window_it_is_imported_at_once(qapp, modules):
    modules("snpore_plain", "import threading\nTHREAD = threading.current_thread()\n")
    assert load_alive("snpore_plain").THREAD is threading.main_thread()


def test_a_module_that_is_there_is_returned(shown):
    assert load_alive("sys") is sys


def test_the_viewer_folder_has_what_the_manifest_names_and_nothing_else():
    with pytest.raises(AttributeError, match="no_such_command"):
        napari_snpore.viewer.no_such_command  # noqa: B018
