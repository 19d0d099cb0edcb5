"""The Compare form: fibres from runs and from the window, their order and states by mouse, numbers,
sizes and notes of the comparison, and what is saved.
"""

from __future__ import annotations

import csv
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QLineEdit

from napari_snpore.errors import InputError, Stopped
from napari_snpore.figures.save import recipe_of
from napari_snpore.history import ReadStep
from napari_snpore.viewer.compare.fibre_table import ERRORS, FIBRE, STATE
from napari_snpore.viewer.compare.number_table import DIFFERENCE
from napari_snpore.viewer.compare.sample import _read, runs_folder
from napari_snpore.viewer.compare.widget import CompareWidget
from napari_snpore.viewer.forms.path_dialogs import note_folder
from napari_snpore.viewer.shared.layer_history import COMPARED
from napari_snpore.viewer.shared.layers import add_layer, phases_data
from napari_snpore.volume import Volume

STATES = ("pristine", "sodiated", "desodiated")


def numbers_of(state):
    """Return the numbers of a sample run by quantity and unit, read without the package."""
    with open(runs_folder() / state / "tables" / "numbers.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {(row["quantity"], row["unit"]): row for row in rows}


def block(pore_slices, *, of=10):
    """Return phases of a block without exterior whose first slices are pore, the others C, with one
    Sn voxel.
    """
    labels = np.full((of, 6, 6), 2, np.uint8)
    labels[:pore_slices] = 1
    labels[-1, 3, 3] = 3
    return Volume(labels, (0.5, 0.5, 0.5))


def texts(table, row):
    return [table.item(row, column).text() for column in range(table.columnCount())]


def row_of(table, words):
    return next(
        row for row in range(table.rowCount()) if table.item(row, 0).toolTip().startswith(words)
    )


def point_in(table, row, column=FIBRE):
    """Return a pixel of a cell, right of its box."""
    return table.visualItemRect(table.item(row, column)).center()


@pytest.fixture
def form(viewer, qtbot):
    widget = CompareWidget(viewer)
    qtbot.addWidget(widget)
    widget.resize(420, 760)
    widget.show()
    return widget


@pytest.fixture
def of_runs(form):
    form.add_run(runs_folder())
    return form


def test_runs_of_a_folder_are_listed_with_their_states_in_the_usual_order(of_runs):
    assert [(one.name, one.state, one.has_errors) for one in of_runs.fibres] == [
        (state, state, True) for state in STATES
    ]
    table = of_runs.table
    assert [table.item(row, STATE).text() for row in range(3)] == list(STATES)
    assert {table.item(row, ERRORS).text() for row in range(3)} == {"95 %"}


def test_one_click_compares_and_shows_the_numbers_of_the_runs(of_runs, qtbot):
    assert of_runs.tabs.isHidden()
    qtbot.mouseClick(of_runs.main_button, Qt.MouseButton.LeftButton)
    of_runs.status.wait()
    assert of_runs.comparison.names == STATES
    assert of_runs.tabs.isVisible()
    table = of_runs.tabs.numbers.table
    a, b = (numbers_of(state)["Sn fraction, whole", "%"] for state in STATES[:2])
    cells = texts(table, row_of(table, "Sn fraction, whole"))
    for row, cell in ((a, cells[1]), (b, cells[2])):
        assert cell.startswith(f"{float(row['corrected']):.1f}")
    # the halves of both intervals add up as independent errors (Zou and Donner 2008)
    best, low, high = (
        [float(one[name]) for one in (a, b)] for name in ("corrected", "low_95", "high_95")
    )
    difference = best[1] - best[0]
    down = math.hypot(best[1] - low[1], high[0] - best[0])
    up = math.hypot(high[1] - best[1], best[0] - low[0])
    shown = cells[DIFFERENCE].removeprefix("≈ ")
    assert shown.startswith(f"{difference:+.1f}")
    holds_zero = difference - down <= 0 <= difference + up
    assert cells[DIFFERENCE].startswith("≈") == holds_zero
    assert table.item(row_of(table, "Sn fraction, whole"), DIFFERENCE).font().bold() != holds_zero


def test_sizes_and_profiles_of_all_states_are_drawn_over_each_other(of_runs):
    of_runs.compare()
    sizes, profile = of_runs.tabs.sizes, of_runs.tabs.profile
    for plot in sizes.plots.values():
        assert [curve.name for curve in plot.curves] == list(STATES)
        assert len({(one.style.color, one.style.dash) for one in plot.curves}) == 3
    with open(runs_folder() / "pristine" / "tables" / "objects_Sn.csv", encoding="utf-8") as file:
        lengths = [
            float(row["length_nm"])
            for row in csv.DictReader(file)
            if row["touches_border"] in ("0", "False")
        ]
    first = sizes.plots["length_nm"].curves[0].y
    below_two = sum(length < 2 for length in lengths) / len(lengths)
    assert first[:8].sum() == pytest.approx(100 * below_two)  # bins of 0.25 nm
    sizes.weight_box.setCurrentText("by volume")
    assert sizes.plots["length_nm"].curves[0].y[:8].sum() < first[:8].sum()
    assert [curve.name for curve in profile.plot.curves] == list(STATES)
    assert "n = 1 fibre each" in of_runs.tabs.notes.text()


def test_another_pair_is_chosen(of_runs):
    of_runs.compare()
    panel = of_runs.tabs.numbers
    before = texts(panel.table, 0)[DIFFERENCE]
    panel.pair_box.setCurrentText("desodiated − sodiated")
    assert of_runs.pair == ("sodiated", "desodiated")
    assert texts(panel.table, 0)[DIFFERENCE] != before
    heads = [panel.table.horizontalHeaderItem(k).text() for k in range(1, 5)]
    assert heads == ["sodiated", "desodiated", "desodiated\n− sodiated", "pristine"]
    assert of_runs.tabs.sizes.distances.text().startswith("Distance of desodiated from sodiated")


def test_a_row_is_dragged_with_the_mouse(of_runs):
    table, port = of_runs.table, of_runs.table.viewport()
    start, end = point_in(table, 2), point_in(table, 0)
    QTest.mousePress(port, Qt.MouseButton.LeftButton, pos=start)
    for share in (0.3, 0.6, 1.0):
        QTest.mouseMove(port, start + (end - start) * share)
        QTest.qWait(20)
    QTest.mouseRelease(port, Qt.MouseButton.LeftButton, pos=end)
    assert [one.name for one in of_runs.fibres] == ["desodiated", "pristine", "sodiated"]
    assert of_runs.compare().names == ("desodiated", "pristine", "sodiated")
    assert of_runs.pair == ("desodiated", "pristine")


def test_alt_and_arrows_move_a_row(of_runs):
    of_runs.table.setCurrentCell(0, FIBRE)
    QTest.keyClick(of_runs.table, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert [one.name for one in of_runs.fibres] == ["sodiated", "pristine", "desodiated"]
    assert of_runs.table.currentRow() == 1


def test_a_state_is_renamed_so_that_it_has_two_fibres(of_runs):
    table = of_runs.table
    QTest.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=point_in(table, 2, STATE))
    table.editItem(table.item(2, STATE))
    editor = table.viewport().findChild(QLineEdit)
    editor.selectAll()
    QTest.keyClicks(editor, "sodiated")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    QTest.qWait(50)
    assert [one.state for one in of_runs.fibres] == ["pristine", "sodiated", "sodiated"]
    found = of_runs.compare()
    assert found.names == ("pristine", "sodiated")
    assert set(found.states.loc[found.states["state"] == "sodiated", "n"]) == {2}


def test_an_empty_state_is_refused_and_the_row_stays(of_runs):
    of_runs.table.item(0, STATE).setText("  ")
    QTest.qWait(50)
    assert "no name" in of_runs.status.message.text()
    assert of_runs.table.item(0, STATE).text() == "pristine"


def test_an_unticked_fibre_is_left_out_and_results_are_marked(of_runs):
    of_runs.compare()
    assert "stale" not in of_runs.headline.text()
    of_runs.table.item(1, FIBRE).setCheckState(Qt.CheckState.Unchecked)
    QTest.qWait(50)
    assert "stale" in of_runs.headline.text()
    assert of_runs.compare().names == ("pristine", "desodiated")
    assert "stale" not in of_runs.headline.text()


def test_a_run_is_removed_by_key(of_runs):
    of_runs.table.setCurrentCell(1, FIBRE)
    QTest.keyClick(of_runs.table, Qt.Key.Key_Delete)
    assert [one.name for one in of_runs.fibres] == ["pristine", "desodiated"]
    assert (runs_folder() / "sodiated" / "record.json").is_file()


def test_a_folder_is_dropped_on_the_form(form):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(runs_folder() / "sodiated"))])
    event = QDropEvent(
        QPointF(20, 20),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    form.dropEvent(event)
    form.status.wait()
    assert [one.name for one in form.fibres] == ["sodiated"]
    assert event.isAccepted()


def test_two_drops_in_a_row_are_both_read(form):
    form.add_runs([runs_folder() / "pristine"])
    form.add_runs([runs_folder() / "desodiated"])
    form.status.wait()
    assert [one.name for one in form.fibres] == ["pristine", "desodiated"]


def test_a_folder_without_a_run_is_refused_in_one_sentence(form, tmp_path):
    with pytest.raises(InputError, match="holds no finished run"):
        form.add_run(tmp_path)
    with pytest.raises(InputError, match="no folder"):
        form.add_run(tmp_path / "nowhere")
    assert form.fibres == ()


def test_a_damaged_run_is_named_and_the_others_are_read(form, tmp_path):
    for state in STATES:
        shutil.copytree(runs_folder() / state, tmp_path / state)
    (tmp_path / "sodiated" / "tables" / "numbers.csv").unlink()
    form.add_run(tmp_path)
    assert [one.name for one in form.fibres] == ["pristine", "desodiated"]
    assert "sodiated" in form.status.message.text()
    assert "numbers.csv" in form.status.message.text()


def test_runs_in_folders_of_one_name_are_states_of_their_own(form, tmp_path):
    for name, state in (("a", "pristine"), ("b", "sodiated"), ("c", "desodiated")):
        shutil.copytree(runs_folder() / state, tmp_path / name / "results")
        form.add_run(tmp_path / name / "results")
    assert [(one.state, one.name) for one in form.fibres] == [
        (name, "results") for name in ("a", "b", "c")
    ]


def test_a_run_counts_once(of_runs):
    of_runs.add_run(runs_folder() / "pristine")
    assert len(of_runs.fibres) == 3
    assert "in the list already" in of_runs.status.message.text()


def test_one_run_as_two_states_is_compared_and_said(form, tmp_path):
    for state in ("pristine", "sodiated"):
        shutil.copytree(runs_folder() / "pristine", tmp_path / state)
        form.add_run(tmp_path / state)
    form.compare()
    assert "come from the same file, tilts.tif" in form.headline.text()
    assert "come from the same file, tilts.tif" in form.tabs.notes.text()


def test_one_file_opened_twice_is_said_however_it_was_segmented(viewer, form, tmp_path):
    for name, pores in (("tip", 4), ("tip [1]", 2)):
        phases = replace(block(pores), history=(ReadStep("tip.mrc").step,))
        layer = add_layer(viewer, phases_data(phases, f"{name} · phases"))
        note_folder(viewer, [layer], tmp_path / "tip.mrc")
    QTest.qWait(150)
    form.rename(1, "other")
    form.compare()
    assert "come from the same file, tip.mrc" in form.headline.text()


def test_phases_of_a_run_that_come_after_it_was_compared_are_done_too(viewer, of_runs):
    of_runs.compare()
    for layer in _read(lambda *_: None, lambda: False):
        add_layer(viewer, layer)
    assert all(COMPARED not in layer.metadata for layer in viewer.layers)
    QTest.qWait(300)
    assert [list(layer.metadata[COMPARED]["states"]) for layer in viewer.layers] == [
        list(STATES)
    ] * 3


def test_specimens_of_the_window_are_measured_and_their_errors_are_not_known(viewer, form):
    add_layer(viewer, phases_data(block(4), "fibre pristine · phases"))
    add_layer(viewer, phases_data(block(2), "fibre sodiated · phases"))
    QTest.qWait(150)
    assert [(one.state, one.has_errors) for one in form.fibres] == [
        ("pristine", False),
        ("sodiated", False),
    ]
    found = form.compare()
    rows = found.states[found.states["quantity"] == "pore fraction, whole"]
    assert rows["value"].tolist() == [40.0, 20.0]
    assert rows["low_95"].isna().all()
    table = form.tabs.numbers.table
    cells = texts(table, row_of(table, "pore fraction, whole"))
    assert cells[1:] == ["40.0", "20.0", "−20.0"]
    assert "no error" in table.item(row_of(table, "pore fraction, whole"), 3).toolTip()
    assert "errors not estimated" in form.tabs.notes.text()


def test_neighbours_of_a_specimen_are_measured_with_it(viewer, form):
    for name, last in (("a", 7), ("b", 9)):
        labels = np.full((12, 20, 6), 2, np.uint8)
        labels[0] = 1
        labels[4, 9, 3] = labels[last, 9, 3] = 3
        add_layer(viewer, phases_data(Volume(labels, (0.5, 0.5, 0.5)), f"{name} · phases"))
    found = form.compare()
    gaps = found.states[found.states["quantity"] == "Sn clusters, gap to the nearest, median"]
    assert gaps["value"].tolist() == [1.0, 2.0]  # 2 and 4 voxels of 0.5 nm between their faces
    assert {"correlation", "cube sizes"} <= set(form.fibres[0].result.tables)
    assert row_of(form.tabs.numbers.table, "pore correlation length") >= 0


def test_a_specimen_that_is_painted_on_is_stale_and_measured_again(viewer, form):
    layer = add_layer(viewer, phases_data(block(4), "a · phases"))
    add_layer(viewer, phases_data(block(2), "b · phases"))
    form.compare()
    kept = form.fibres[1].result
    layer.data_setitem(tuple(np.array([place]) for place in (5, 0, 0)), 1)
    QTest.qWait(300)
    form.refresh()
    assert "stale" in form.headline.text()
    found = form.compare()
    rows = found.states[found.states["quantity"] == "pore fraction, whole"]
    assert rows["value"].tolist() == pytest.approx([100 * 145 / 360, 20.0])
    assert form.fibres[1].result is kept  # the other one is not measured again


def test_a_specimen_that_is_removed_leaves_the_list(viewer, form):
    layer = add_layer(viewer, phases_data(block(4), "a · phases"))
    QTest.qWait(150)
    assert len(form.fibres) == 1
    viewer.layers.remove(layer)
    QTest.qWait(150)
    assert form.fibres == ()
    assert form.hint.isVisible()
    assert not form.main_button.isEnabled()


def test_nothing_to_compare_is_said(form):
    with pytest.raises(InputError, match="nothing to compare"):
        form.compare()


def test_tables_are_saved_and_the_folder_opens_again(of_runs, tmp_path):
    found = of_runs.compare()
    folder = of_runs.save_tables(tmp_path / "comparison")
    with open(folder / "states.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(found.states)
    assert list(rows[0])[:4] == ["state", "n", "quantity", "unit"]
    for name in ("differences.csv", "distributions.csv", "summary.txt", "comparison.json"):
        assert (folder / name).is_file()
    again = CompareWidget(of_runs.viewer)
    again.add_run(folder)
    assert [(one.name, one.state) for one in again.fibres] == [(one, one) for one in STATES]
    again.deleteLater()


def test_figures_show_a_slice_of_every_state_of_runs_and_specimens(viewer, of_runs, tmp_path):
    add_layer(viewer, phases_data(block(4, of=12), "mine · phases"))
    QTest.qWait(150)
    of_runs.include(0, False)
    of_runs.compare()
    states = [one.state for one in of_runs.fibres if one.is_included]
    taken = of_runs.compared_slices["mine", "mine"].phases
    assert taken.shape == (12, 1, 6)
    viewer.layers["mine · phases"].data[:] = 2  # later: the slice is that of the comparison
    written = of_runs.save_figures(tmp_path / "figures")
    assert written[0].name == "plate.pdf"
    assert (taken.data[:4] == 1).all()
    assert "No slice" not in of_runs.status.message.text()
    recipe = recipe_of(tmp_path / "figures" / "panel_01.png")
    assert recipe["panel"] == 1
    assert len(written) >= 2 * (1 + len(states) + 8)  # plate, slices, panels as PDF and PNG


@pytest.mark.parametrize("of", ["runs", "window"])
def test_a_report_of_what_was_compared(of_runs, tmp_path, monkeypatch, of):
    of_runs.compare()
    if of == "window":  # nothing on disk that the report could read beside the tables
        monkeypatch.setattr(type(of_runs), "compared_runs", {})
    page, pages, references = of_runs.save_report(tmp_path / "three")
    assert page == tmp_path / "three_report.html"
    text = page.read_text(encoding="utf-8")
    assert all(state in text for state in STATES)
    assert "pore fraction, whole" in text
    assert text.count("data:image/") > 2
    assert str(tmp_path) not in text
    assert pages.read_bytes().startswith(b"%PDF")
    assert references.is_file()
    assert (tmp_path / "three" / "states.csv").is_file()
    with pytest.raises(InputError, match="is there already"):
        of_runs.save_report(tmp_path / "three")


@pytest.mark.parametrize("empty_before", [False, True])
def test_a_cancelled_report_leaves_nothing_behind(of_runs, tmp_path, monkeypatch, empty_before):
    of_runs.compare()
    place = tmp_path / "three"
    if empty_before:
        place.mkdir()

    def cancelled(folder, **options):
        assert (place / "states.csv").is_file()  # what is written first
        raise Stopped

    monkeypatch.setattr("napari_snpore.report.writing.write_report", cancelled)
    with pytest.raises(InputError, match="nothing was kept"):
        of_runs.save_report(place)
    assert [one.name for one in tmp_path.iterdir()] == (["three"] if empty_before else [])
    assert not empty_before or not list(place.iterdir())


def test_a_cancelled_report_leaves_an_earlier_comparison(of_runs, tmp_path, monkeypatch):
    of_runs.compare()
    place = of_runs.save_tables(tmp_path / "three")

    def cancelled(folder, **options):
        raise Stopped

    monkeypatch.setattr("napari_snpore.report.writing.write_report", cancelled)
    with pytest.raises(InputError, match="cancelled"):
        of_runs.save_report(place)
    assert (place / "states.csv").is_file()


def test_many_runs_that_cannot_be_read_are_counted(form, tmp_path):
    places = [tmp_path / f"nothing_{k}" for k in range(9)]
    form.add_runs(places)
    form.status.wait()
    said = form.status.message.text()
    assert said.count("nothing_") == 3
    assert said.endswith("6 more could not be read.")


def test_a_folder_with_other_files_is_not_written_over(of_runs, tmp_path):
    of_runs.compare()
    (tmp_path / "states.csv").write_text("mine\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"states\.csv"):
        of_runs.save_tables(tmp_path)
    assert (tmp_path / "states.csv").read_text(encoding="utf-8") == "mine\n"


def test_order_states_and_pair_come_back_in_a_saved_window(of_runs, viewer, qtbot):
    of_runs.move_fibre(2, 0)
    of_runs.rename(1, "as made")
    of_runs.include(2, False)
    of_runs.compare()
    kept = of_runs.state()
    other = CompareWidget(viewer)
    qtbot.addWidget(other)
    other.set_state(kept, {})
    other.status.wait()
    other.status.wait()
    assert [(one.name, one.state, one.is_included) for one in other.fibres] == [
        ("desodiated", "desodiated", True),
        ("pristine", "as made", True),
        ("sodiated", "sodiated", False),
    ]
    assert other.comparison.names == ("desodiated", "as made")
    assert other.pair == of_runs.pair


def test_cancelled_comparison_keeps_nothing(viewer, form):
    add_layer(viewer, phases_data(block(4), "a · phases"))
    form.refresh()
    form.main_button.click()
    form.status.cancel()
    form.status.wait()
    assert form.comparison is None or form.status.message.text() == ""
    assert not form.status.busy
