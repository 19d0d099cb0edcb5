"""The guided tour: order, waiting, failures, leaving; on stations made for the test, and the real
ones against the real Workbench as far as they need no window.
"""

from __future__ import annotations

import pytest
from napari.layers import Layer
from qtpy.QtWidgets import QWidget

from napari_snpore.errors import InputError
from napari_snpore.viewer.open.samples import needle
from napari_snpore.viewer.shared.worker import StepStatus
from napari_snpore.viewer.tour.command import start_tour
from napari_snpore.viewer.tour.panel import TourPanel
from napari_snpore.viewer.tour.stations import STATIONS, Station
from napari_snpore.viewer.tour.tour import Tour
from napari_snpore.viewer.workbench.widget import WorkbenchWidget


class Form(QWidget):
    """A form with one result."""

    def __init__(self, parent):
        super().__init__(parent)
        self.status = StepStatus(self)
        self.pressed = 0
        self.works = True

    def press(self):
        self.pressed += 1
        return True


class Bench(QWidget):
    """A Workbench that opens one form for every step but the locked ones."""

    def __init__(self):
        super().__init__()
        self.viewer = None
        self.opened = []
        self.locked = set()

    def open_step(self, name):
        if name in self.locked:
            raise InputError(f"{name!r} is no step that can be opened.")
        self.opened.append(name)
        if not self.findChildren(Form):
            Form(self)

    def open_sample(self, key):
        self.opened.append(key)


def station(name):
    return Station(
        name,
        f"{name} happens.",
        f"See {name}.",
        name,
        Form,
        lambda bench, form: form.press(),
        lambda bench, form: form.works and form.pressed > 0,
    )


@pytest.fixture
def bench(qtbot):
    made = Bench()
    qtbot.addWidget(made)
    return made


@pytest.fixture
def tour(bench):
    return Tour(bench, [station("one"), station("two")])


@pytest.fixture
def panel(tour, qtbot):
    made = TourPanel(tour)
    qtbot.addWidget(made)
    return made


def test_stations_come_in_order_each_at_next(tour, panel, bench, qtbot):
    panel.start_button.click()
    assert "one happens." in panel.words.text()
    assert not panel.next_button.isEnabled()
    qtbot.waitUntil(lambda: tour.state == "done")
    assert "See one." in panel.words.text()
    assert bench.opened == ["one"], "nothing goes on without Next"
    panel.next_button.click()
    qtbot.waitUntil(lambda: tour.state == "done")
    assert bench.opened == ["one", "two"]
    panel.next_button.click()
    assert tour.state == "over"
    assert panel.leave_button.text() == "Close"
    panel.leave_button.click()
    assert not tour.is_on


def test_it_goes_on_by_itself_until_that_is_taken_back(tour, panel, bench, qtbot):
    tour._reading.setInterval(0)
    panel.start_button.click()
    panel.itself_button.click()
    qtbot.waitUntil(lambda: tour.state == "over")
    assert bench.opened == ["one", "two"]
    assert bench.findChild(Form).pressed == 2


def test_work_that_runs_is_waited_for(tour, bench, qtbot):
    form = Form(bench)
    form.status.run("Work", lambda progress, should_stop: _until(should_stop), lambda _: None)
    tour.start()
    qtbot.wait(400)
    assert tour.state == "starting"
    assert form.pressed == 0, "an earlier run is not disturbed"
    form.status.drop()
    qtbot.waitUntil(lambda: tour.state == "done")


def _until(should_stop):
    while not should_stop():
        pass


def test_a_step_that_fails_says_why_and_can_be_tried_again(tour, panel, bench, qtbot):
    form = Form(bench)
    form.works = False
    form.status.say("The images are dark.", problem=True)
    panel.start_button.click()
    qtbot.waitUntil(lambda: tour.state == "failed", timeout=10_000)
    assert "The images are dark." in panel.words.text()
    assert panel.next_button.text() == "Try again"
    form.works = True
    panel.next_button.click()
    qtbot.waitUntil(lambda: tour.state == "done")


def test_a_step_that_cannot_be_opened_fails_in_its_sentence(tour, bench, qtbot):
    bench.locked.add("one")
    tour.start()
    qtbot.waitUntil(lambda: tour.state == "failed")
    assert "no step that can be opened" in tour.problem


def test_leaving_ends_everything(tour, panel, bench, qtbot):
    tour._reading.setInterval(0)
    panel.start_button.click()
    panel.itself_button.click()
    panel.leave_button.click()
    qtbot.wait(400)
    assert not tour.is_on
    assert "two" not in bench.opened


def test_every_station_has_sentences_and_a_step_of_the_workbench(viewer, qtbot):
    bench = WorkbenchWidget(viewer)
    qtbot.addWidget(bench)
    names = {step.name for step in bench.steps}
    for one in STATIONS:
        assert one.happens.endswith(".")
        assert one.look.endswith(".")
        assert one.step in names or not one.step


def test_an_empty_window_invites_and_one_with_data_does_not(viewer, qtbot, monkeypatch):
    monkeypatch.setattr(
        type(viewer),
        "open_sample",
        lambda self, plugin, key: [self.add_layer(Layer.create(*one)) for one in needle()],
    )
    bench = WorkbenchWidget(viewer)
    qtbot.addWidget(bench)
    bench.show()
    assert bench.tour_panel.isVisible()
    assert bench.tour_panel.start_button.text() == "Start with the needle"
    bench.tour.start()
    qtbot.waitUntil(lambda: bench.tour.state == "done")
    assert [layer.name for layer in viewer.layers] == ["needle"]
    bench.refresh()
    assert bench.tour_panel.isVisible(), "the tour goes on"
    bench.tour.leave()
    assert not bench.tour_panel.isVisible()


def test_the_command_of_the_menu_starts_it_in_a_window(make_napari_viewer_proxy, qtbot):
    window = make_napari_viewer_proxy(show=True)
    start_tour(window)
    (bench,) = [
        one for one in window.window.dock_widgets.values() if isinstance(one, WorkbenchWidget)
    ]
    qtbot.waitUntil(lambda: bench.tour.state == "done", timeout=20_000)
    assert bench.tour_panel.isVisible()
    assert "Tour 1 of" in bench.tour_panel.words.text()
    assert [layer.name for layer in window.layers] == ["needle"]
    start_tour(window)
    assert len(window.window.dock_widgets) == 1, "one instrument, however often it is asked for"
    bench.tour.leave()
