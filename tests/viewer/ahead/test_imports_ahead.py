"""What the forms import is imported ahead in small pieces, while the window has nothing to do."""

from __future__ import annotations

import gc
import importlib.util
import threading
import time

import pytest
from qtpy.QtCore import QCoreApplication

from napari_snpore.viewer.ahead import imports_ahead
from napari_snpore.viewer.ahead.imports_ahead import ImportsAhead


@pytest.fixture
def ahead(qapp):
    made = []

    def make(*works):
        made.append(ImportsAhead(QCoreApplication.instance(), works))
        return made[-1]

    yield make
    for one in made:
        one.stop()
        one.deleteLater()


def test_pieces_come_one_after_the_other_in_a_thread_and_then_it_stops(ahead, qtbot):
    done = []

    def piece():
        done.append((threading.current_thread() is threading.main_thread(), gc.isenabled()))

    def fails():
        piece()
        raise ImportError("not here")

    one = ahead(piece, fails, piece)
    qtbot.waitUntil(lambda: not one.isActive(), timeout=60_000)
    assert done == [(False, False)] * 3
    assert gc.isenabled()


def test_no_piece_begins_in_the_midst_of_a_click(ahead):
    begun = []
    one = ahead(lambda: begun.append(True))
    one.stop()  # ticked by hand
    one._last = time.monotonic() - 10
    one._on_tick()
    assert one._thread is None
    one._on_tick()
    one._thread.join()
    assert begun == [True]


def test_no_piece_begins_while_another_goes_on(ahead):
    goes_on, begun = threading.Event(), []
    one = ahead(goes_on.wait, lambda: begun.append(True))
    one.stop()
    one._on_tick()
    first = one._thread
    one._on_tick()
    assert one._thread is first
    goes_on.set()
    first.join()
    one._on_tick()
    one._thread.join()
    assert begun == [True]


def test_all_that_is_imported_ahead_exists():
    assert [name for name in imports_ahead._AHEAD if importlib.util.find_spec(name) is None] == []
