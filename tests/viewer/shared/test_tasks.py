"""Steps in a thread: where results arrive, what a cancel, a refusal and a fault leave behind."""

from __future__ import annotations

import threading
import time
import warnings

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QThreadPool
from qtpy.QtWidgets import QApplication

from napari_snpore.compute import check_stop
from napari_snpore.errors import InputError, Stopped
from napari_snpore.viewer.shared.worker import (
    InUse,
    StepStatus,
    Worker,
    is_working,
    run_alive,
)


@pytest.fixture
def status(qtbot):
    status = StepStatus()
    qtbot.addWidget(status)
    return status


def endless(progress, should_stop):
    for done in range(1, 10_000):
        progress(done, 10_000)
        check_stop(should_stop)
        time.sleep(0.005)


def test_work_runs_in_a_thread_and_its_result_arrives_in_this_one(status):
    seen = {}

    def work(progress, should_stop):
        seen["work"] = threading.get_ident()
        return 42

    status.run("Count", work, lambda result: seen.update(result=result, done=threading.get_ident()))
    assert status.busy
    status.wait()
    assert seen["result"] == 42
    assert seen["done"] == threading.get_ident() != seen["work"]
    assert not status.busy


def test_bar_says_what_and_how_far(status, qtbot):
    go_on = threading.Event()

    def work(progress, should_stop):
        progress(3, 4)
        go_on.wait(5)

    status.run("Reconstruct", work, lambda result: None)
    qtbot.waitUntil(lambda: "75 %" in status.bar.format())
    assert "Reconstruct" in status.bar.format()
    go_on.set()
    status.wait()
    assert status.bar.isHidden()


def test_cancel_keeps_nothing_and_says_so(status, qtbot):
    results = []
    status.run("Align", endless, results.append)
    qtbot.waitUntil(lambda: status.bar.maximum() == 10_000)
    status.cancel_button.click()
    status.wait()
    assert results == []
    assert status.message.text() == "Align was cancelled; nothing was kept."


def test_users_mistake_is_one_sentence_here_and_in_napari(status):
    def work(progress, should_stop):
        raise InputError("The volume holds 3 NaN values; repair it.")

    notification_manager.records.clear()
    status.run("Apply", work, lambda result: None)
    status.wait()
    assert status.message.text() == "⚠ The volume holds 3 NaN values; repair it."
    assert [str(record.message) for record in notification_manager.records] == [
        "The volume holds 3 NaN values; repair it."
    ]


def test_refusal_of_the_result_is_shown_too(status):
    def refuse(result):
        raise InputError("The layer is gone; open it again.")

    status.run("Apply", lambda progress, should_stop: 1, refuse)
    status.wait()
    assert "The layer is gone" in status.message.text()


def test_a_fault_of_ours_reaches_napari_with_its_traceback(status, monkeypatch):
    received = []
    monkeypatch.setattr(
        notification_manager, "receive_error", lambda *error: received.append(error)
    )

    def work(progress, should_stop):
        raise ZeroDivisionError("by design")

    status.run("Apply", work, lambda result: None)
    status.wait()
    assert received[0][0] is ZeroDivisionError
    assert "by design" in status.message.text()


def test_a_new_step_drops_the_one_before(status):
    results = []
    status.run("Old", endless, lambda result: results.append("old"))
    status.run("New", lambda progress, should_stop: "new", results.append)
    status.wait()
    assert results == ["new"]


def test_warnings_of_a_step_become_notifications(status, qtbot):
    def work(progress, should_stop):
        warnings.warn("few voxels", stacklevel=1)

    notification_manager.records.clear()
    status.run("Measure", work, lambda result: None)
    status.wait()
    qtbot.waitUntil(lambda: len(notification_manager.records) > 0)
    assert "few voxels" in str(notification_manager.records[-1].message)


def test_work_stops_when_its_widget_is_gone(qapp):
    stopped = threading.Event()

    def work(progress, should_stop):
        try:
            endless(progress, should_stop)
        finally:
            stopped.set()

    status = StepStatus()
    status.run("Reconstruct", work, lambda result: None)
    qapp.processEvents()
    status.deleteLater()
    qapp.sendPostedEvents(status, QEvent.Type.DeferredDelete)
    assert stopped.wait(5)


def test_without_a_window_work_just_runs():
    assert (
        run_alive("Make", lambda progress, should_stop: threading.get_ident())
        == threading.get_ident()
    )


def watched_stop(stopped):
    """Return an endless step that notes its end."""

    def work(progress, should_stop):
        try:
            endless(progress, should_stop)
        finally:
            stopped.set()

    return work


@pytest.mark.parametrize("remove", [lambda all_: all_.remove("one"), lambda all_: all_.clear()])
def test_a_step_ends_with_the_layer_it_works_on(status, viewer, qtbot, remove):
    one, other = (viewer.add_image(np.zeros((4, 4)), name=name) for name in ("one", "other"))
    stopped, results = threading.Event(), []
    of = InUse(viewer, (one,), "nothing was counted")
    status.run("Count", watched_stop(stopped), results.append, of=of)
    qtbot.waitUntil(lambda: status.bar.maximum() == 10_000)
    viewer.layers.remove(other)
    assert status.busy, "another layer may go"
    remove(viewer.layers)
    assert not status.busy
    assert status.message.text() == "⚠ 'one' was removed meanwhile; nothing was counted."
    assert stopped.wait(1), "the thread ended within a second"
    qtbot.wait(50)
    assert results == []


def test_a_finished_step_says_nothing_when_its_layer_goes(status, viewer):
    layer = viewer.add_image(np.zeros((4, 4)), name="one")
    status.run("Count", lambda *_: 1, lambda _: status.say("Done."), of=InUse(viewer, (layer,)))
    status.wait()
    viewer.layers.clear()
    assert status.message.text() == "Done."


def test_a_step_that_ends_after_the_program_ends_quietly(qapp):
    """Qt deletes the signals of a worker when the process ends; an exception from its thread would
    abort it.
    """

    def work(progress, should_stop):
        worker.signals.deleteLater()
        QApplication.sendPostedEvents(worker.signals, QEvent.Type.DeferredDelete)
        raise Stopped("stopped")

    worker = Worker(work)
    worker.run()
    assert not isalive(worker.signals)


def test_more_steps_than_processors_run_at_once(qtbot):
    """Previews of other forms do not wait until long steps end."""
    count = QThreadPool.globalInstance().maxThreadCount() + 2
    all_there = threading.Barrier(count, timeout=60)
    results, many = [], [StepStatus() for _ in range(count)]
    for one in many:
        qtbot.addWidget(one)
        one.run("Wait", lambda progress, should_stop: all_there.wait(), results.append)
    for one in many:
        one.wait()
    assert sorted(results) == list(range(count)), "each met all others"
    assert not is_working()
