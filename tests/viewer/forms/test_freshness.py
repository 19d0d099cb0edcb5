"""Results that outlive their settings are marked, and fresh again where the settings come back."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QCheckBox, QComboBox, QVBoxLayout, QWidget

from napari_snpore.errors import InputError
from napari_snpore.viewer.forms.form import CountBox, Freshness, NumberBox, ResultText, TextBox


class Form(QWidget):
    def __init__(self):
        super().__init__()
        column = QVBoxLayout(self)
        self.count, self.number = CountBox(1, 0, 9), NumberBox(0.5, 0.0, 1.0)
        self.tick, self.choice, self.text = QCheckBox("tick"), QComboBox(), TextBox("a")
        self.choice.addItems(["one", "two"])
        self.result = ResultText()
        for part in (
            self.count, self.number, self.tick, self.choice, self.text, self.result,
        ):  # fmt: skip
            column.addWidget(part)
        self.missing = ""
        self.freshness = Freshness(
            self, [self.result], self.settings, "Run makes them fresh", lambda: self.missing
        )

    def settings(self):
        if self.count.value() == 9:
            raise InputError("count is 9; at most 8 is possible.")
        return (
            self.count.value(),
            self.number.value(),
            self.tick.isChecked(),
            self.choice.currentText(),
            self.text.text(),
        )


@pytest.fixture
def form(qtbot):
    made = Form()
    qtbot.addWidget(made)
    return made


def change(form, field):
    match field:
        case "count":
            form.count.setValue(2)
        case "refused":
            form.count.setValue(9)
        case "number":
            form.number.setValue(0.7)
        case "tick":
            form.tick.setChecked(True)
        case "choice":
            form.choice.setCurrentIndex(1)
        case "text":
            form.text.setText("b")
            form.text.editingFinished.emit()


FIELDS = ["count", "refused", "number", "tick", "choice", "text"]


@pytest.mark.parametrize("field", FIELDS)
def test_every_kind_of_field_marks_results_that_are_there(form, field):
    change(form, field)
    assert not form.result.text(), "nothing was made yet"
    form.result.show_lines(["length <b>2 nm</b>"])
    form.freshness.note()
    assert not form.freshness.is_stale
    form.count.setValue(3)
    assert form.freshness.is_stale
    assert "stale" in form.result.text()
    assert "Run makes them fresh." in form.result.text()
    assert "length <b>2 nm</b>" in form.result.text(), "the numbers stay readable"


@pytest.mark.parametrize("field", FIELDS)
def test_a_mark_follows_the_field_at_once(form, field):
    form.result.show_lines(["2 nm"])
    form.freshness.note()
    change(form, field)
    assert "stale" in form.result.text()


def test_old_settings_make_old_results_fresh(form):
    form.result.show_lines(["2 nm"])
    form.freshness.note()
    form.count.setValue(5)
    form.count.setValue(1)
    assert form.result.text() == "2 nm"


def test_settings_that_changed_while_it_ran_are_noticed(form):
    before = form.settings()
    form.count.setValue(5)
    form.result.show_lines(["2 nm"])
    form.freshness.note(before)
    assert "stale" in form.result.text()


def test_spoiled_input_is_said_until_the_next_run(form):
    form.freshness.spoil("the phases have changed")
    assert not form.result.text()
    form.result.show_lines(["2 nm"])
    form.freshness.note()
    form.freshness.spoil("the phases have changed")
    assert "stale: the phases have changed." in form.result.text()
    form.freshness.note()
    assert form.result.text() == "2 nm"


def test_what_has_to_be_done_before_is_said_where_the_button_is_off(form):
    form.result.show_lines(["2 nm"])
    form.freshness.note()
    form.missing = "Open a volume"
    form.count.setValue(5)
    assert "shown now. Open a volume; then Run makes them fresh." in form.result.text()
    form.missing = ""
    form.freshness.compare()
    assert "shown now. Run makes them fresh." in form.result.text()


def test_a_problem_goes_when_the_user_changes_a_field_but_not_the_one_just_caused(
    qtbot, monkeypatch
):
    from napari_snpore.viewer.shared import worker

    status = worker.StepStatus()
    qtbot.addWidget(status)
    status.say("Made 'fibre'.")
    status.forget_problem()
    assert status.message.text() == "Made 'fibre'.", "what was done was done"
    status.say("There is no volume.", problem=True)
    status.forget_problem()
    assert "There is no volume." in status.message.text(), "refused by this very change"
    monkeypatch.setattr(worker, "_FRESH_S", 0.0)
    status.forget_problem()
    assert not status.message.text()
