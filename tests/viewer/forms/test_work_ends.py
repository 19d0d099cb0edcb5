"""Work ends with what it is for: the form, the window, the layer."""

from __future__ import annotations

import ast
import gc
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from qtpy.QtCore import QThread, QThreadPool
from qtpy.QtTest import QTest

import napari_snpore.viewer
from napari_snpore.errors import Stopped
from napari_snpore.viewer.shared.latest_task import LatestTask
from napari_snpore.viewer.shared.worker import InUse, StepStatus
from tests.viewer.forms.test_forms import FORMS

PACKAGE = Path(napari_snpore.viewer.__file__).parent

WITHOUT_LAYERS = {
    ("in_situ/widget.py", "Open"): "reads files",
    ("open/missing_scale.py", "Open"): "reads files",
    ("open/missing_scale.py", "Read"): "reads files",
    ("open/raw_question.py", "Open"): "reads files",
    ("boxes/widget.py", "Save CSV"): "writes what was counted",
    ("compare/saving.py", "Figures"): "draws what was compared",
    ("compare/saving.py", "Report"): "writes what was compared",
    ("compare/saving.py", "Save tables"): "writes what was compared",
    ("compare/study_saving.py", "Save study"): "writes how it was made",
    ("compare/widget.py", "Read runs"): "reads files",
    ("measure/widget.py", "Save"): "writes what was measured",
    ("recipe/saving.py", "Save recipe"): "writes how it was made",
    ("scene/movie_panel.py", "Movie"): "shows whatever is in the window",
    ("window/window_work.py", "what"): "of the whole window",
}


class Watched:
    """Work that goes on until it is asked to stop."""

    def __init__(self):
        self.begun, self.ended = Event(), Event()

    def __call__(self, *callbacks):
        should_stop = callbacks[-1]
        self.begun.set()
        for _ in range(6000):
            if should_stop():
                self.ended.set()
                raise Stopped("Stopped on request.")
            Event().wait(0.01)


def waited(event):
    """Process the window's events until something has happened."""
    for _ in range(500):
        if event.is_set():
            return True
        QTest.qWait(20)
    return False


def started(widget):
    """Start work in every place of a form that runs any."""
    works = []
    for status in widget.findChildren(StepStatus):
        works.append(Watched())
        status.run("Test", works[-1], lambda result: None)
    for task in widget.findChildren(LatestTask):
        task.drop()
        task.wait()
        works.append(Watched())
        task.ask(works[-1])
    assert all(waited(work.begun) for work in works)
    return works


@pytest.fixture
def enough_threads(qapp):
    """Let all of them run at once, also on a machine with two processors."""
    pool = QThreadPool.globalInstance()
    before = pool.maxThreadCount()
    pool.setMaxThreadCount(16)
    yield
    pool.setMaxThreadCount(before)


@pytest.mark.usefixtures("enough_threads")
@pytest.mark.parametrize("closes", ["form", "viewer"])
@pytest.mark.parametrize("name", FORMS)
def test_work_ends_with_its_form_and_its_window(make_napari_viewer_proxy, name, closes):
    viewer = make_napari_viewer_proxy(show=False)
    dock, widget = viewer.window.add_plugin_dock_widget("napari-snpore", name)
    QTest.qWait(50)
    works = started(widget)
    del widget
    if closes == "form":
        viewer.window.remove_dock_widget(dock)
    else:
        viewer.close()
    del dock
    gc.collect()
    assert all(waited(work.ended) for work in works)


def calls_of_run():
    """Yield each call that starts work in a form: its file, its name, and whether it names layers."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            owner = ast.unparse(node.func.value)
            if node.func.attr == "run" and owner.endswith(("status", "counting")):
                name = node.args[0]
                word = name.value if isinstance(name, ast.Constant) else ast.unparse(name)
                yield (
                    path.relative_to(PACKAGE).as_posix(),
                    word,
                    any(word.arg == "of" for word in node.keywords),
                )


def test_all_work_names_the_layers_that_it_ends_with():
    """But for that which is of no layer; every exception is used."""
    without = {(path, word) for path, word, named in calls_of_run() if not named}
    assert without == set(WITHOUT_LAYERS)
    assert sum(named for *_, named in calls_of_run()) > 12


def sentences_with_names():
    """Yield each sentence of a form that names a layer: its file, its code, and whether it says which."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            said = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if said and node.func.attr == "say" and ".name}'" in ast.unparse(node.args[0]):
                named = any(word.arg in ("of", "problem") for word in node.keywords)
                yield path.name, ast.unparse(node.args[0]), named


def test_every_sentence_that_names_a_layer_goes_with_it():
    found = list(sentences_with_names())
    assert [one for one in found if not one[2]] == []
    assert len(found) >= 8


def test_a_sentence_goes_with_its_layer_and_only_with_that(viewer, qtbot):
    status = StepStatus()
    qtbot.addWidget(status)
    made, other = (viewer.add_image(np.zeros((4, 4)), name=name) for name in ("made", "other"))
    status.say("Made 'made'.", of=InUse(viewer, (made,)))
    viewer.layers.remove(other)
    assert status.message.text() == "Made 'made'."
    viewer.layers.remove(made)
    assert not status.message.text()
    assert status.message.isHidden()
    made = viewer.add_image(np.zeros((4, 4)), name="made")
    status.say("Made 'made'.", of=InUse(viewer, (made,)))
    status.say("Wrote table.csv.")
    viewer.layers.clear()
    assert status.message.text() == "Wrote table.csv.", "a later sentence is of something else"


def test_what_was_dropped_does_not_come_back(viewer, qtbot):
    """Its result can be on its way already, behind the removal of its layer."""
    task, shown = LatestTask(viewer_parent := StepStatus()), []
    qtbot.addWidget(viewer_parent)
    task.done.connect(shown.append)
    begun, goes_on = Event(), Event()

    def work(should_stop):
        begun.set()
        goes_on.wait(60)
        return 7

    task.ask(work)
    qtbot.waitUntil(begun.is_set, timeout=60_000)
    goes_on.set()
    QThread.msleep(200)  # its result lies in the queue of the window, which does not look meanwhile
    task.drop()
    task.wait()
    assert shown == []
    task.ask(lambda should_stop: 8)
    task.wait()
    assert shown == [8]


def test_a_task_begins_after_what_asked_for_it(qtbot):
    """A form that is opened is drawn first: a thread beside it would hold the interpreter lock."""
    task, order = LatestTask(parent := StepStatus()), []
    qtbot.addWidget(parent)
    task.ask(lambda should_stop: order.append("first"))
    task.ask(lambda should_stop: order.append("second"))
    assert task.busy
    QThread.msleep(50)
    assert order == []
    task.wait()
    assert order == ["second"]


def test_a_task_that_is_dropped_before_it_begins_is_waited_for_by_nobody(qtbot):
    task, made = LatestTask(parent := StepStatus()), []
    qtbot.addWidget(parent)
    task.ask(lambda should_stop: made.append(1))
    task.drop()
    assert not task.busy
    task.wait()
    assert made == []
