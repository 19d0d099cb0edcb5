"""What a soak does in the window: the actions, each with how often it is drawn.

An action draws what it needs from ``soak.random``, does it, and returns it in words; None where
there is nothing to do it with at the moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFileDialog,
    QSlider,
    QTableView,
    QWidget,
)

from napari_snpore import make_phantom, simulate_tilt_series
from napari_snpore.phantom import Phantom
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.viewer.edits.watch import watch_edits
from napari_snpore.viewer.forms.histogram_plot import HistogramPlot
from napari_snpore.viewer.shared.boxes import boxes_of
from napari_snpore.viewer.shared.layers import add_layer, is_phases, series_data, volume_data
from napari_snpore.viewer.slices.slice_view import SliceView

STEPS = (
    "Reconstruct",
    "Threshold",
    "Envelope",
    "Slices",
    "Subvolumes",
    "Measure",
    "3D scene",
    "Figure",
    "Compare",
    "In situ",
)
STATES = ("pristine", "sodiated")
SHAPE = (28, 16, 28)
SPACING = 0.4
MOST_LAYERS = 16
_FILTERS = ("", "length > 1", "resolved", "width <= 2, not cut by the box", "volume 1..10", "lengt")
_SIZES = ((1500, 950), (1366, 768), (1024, 700))


@dataclass(frozen=True)
class Action:
    """One kind of action.

    Attributes
    ----------
    act : callable
        ``act(soak)``: does it, and returns it in words, or None where it cannot be done now.
    weight : int
        How often it is drawn.
    """

    act: Callable[[Any], str | None]
    weight: int = 2


def first_round(soak: Any) -> Iterator[str]:
    """Open each step and press its main button, so that everything is loaded once."""
    yield f"open: {open_phantom(soak)}"
    yield f"open: {open_series(soak)}"
    for step in STEPS:
        soak.bench.refresh()
        if open_named(soak, step) is None:
            continue
        soak.settle()
        for _ in range(2):  # what the first press has started, such as Draw, the second one ends
            press_main(soak)
            soak.settle()
        dismiss_dialogs(soak)
        yield f"first: {step}"


# Samples and layers


@cache
def phantom(state: str) -> Phantom:
    """Return a tiny fibre."""
    return make_phantom(state, shape=SHAPE, spacing=SPACING, seed=3)  # type: ignore[arg-type]


@cache
def series() -> TiltSeries:
    """Return its tilt images."""
    return simulate_tilt_series(
        phantom("pristine"), angles_deg=np.arange(-66.0, 67.0, 12.0), dose=1000.0, seed=3
    )


def open_phantom(soak: Any) -> str | None:
    """Open a tiny volume, one of two states, so that several may be open at a place."""
    if len(soak.viewer.layers) >= MOST_LAYERS:
        return None
    state = soak.random.choice(STATES)
    add_layer(soak.viewer, volume_data(phantom(state).volume, state))
    return str(state)


def open_series(soak: Any) -> str | None:
    """Open its tilt images."""
    if len(soak.viewer.layers) >= MOST_LAYERS:
        return None
    add_layer(soak.viewer, series_data(series(), "pristine"))
    return "tilt images"


def open_other(soak: Any) -> str | None:
    """Add a layer of another plugin: no units, another shape, 2D or 3D."""
    if len(soak.viewer.layers) >= MOST_LAYERS:
        return None
    shape = soak.random.choice(((30, 30), (12, 20, 30)))
    if soak.random.random() < 0.5:
        soak.viewer.add_image(np.random.default_rng(1).random(shape), name="other image")
    else:
        soak.viewer.add_labels(np.indices(shape).sum(axis=0) // 9, name="other labels")
    return str(shape)


def remove_layer(soak: Any) -> str | None:
    """Remove any layer, whatever works on it."""
    if not soak.viewer.layers:
        return None
    layer = soak.random.choice(list(soak.viewer.layers))
    name = layer.name
    soak.viewer.layers.remove(layer)
    return str(name)


def change_layer(soak: Any) -> str | None:
    """Hide, rename, select or move a layer, or change its look, as in napari's list."""
    if not soak.viewer.layers:
        return None
    layers = soak.viewer.layers
    layer = soak.random.choice(list(layers))
    what = soak.random.choice(("visible", "select", "move", "opacity", "rename"))
    if what == "visible":
        layer.visible = not layer.visible
    elif what == "select":
        layers.selection.active = layer
    elif what == "move":
        layers.move(layers.index(layer), soak.random.randrange(len(layers)))
    elif what == "opacity":
        layer.opacity = soak.random.choice((0.3, 0.7, 1.0))
    elif not layer.name.endswith("'"):
        layer.name = f"{layer.name}'"
    return f"{what} of {layer.name}"


# Forms


def open_named(soak: Any, step: str) -> str | None:
    """Open a step by its row."""
    row = next(
        (one for one in soak.bench.rows if one.step is not None and one.step.name == step), None
    )
    if row is None or not row.isEnabled():
        return None
    if row.isVisible() and not row.visibleRegion().isEmpty():
        QTest.mouseClick(row, Qt.MouseButton.LeftButton)
    else:
        soak.bench.open_step(step)
    return step


def open_step(soak: Any) -> str | None:
    """Open any step."""
    soak.bench.refresh()
    return open_named(soak, soak.random.choice(STEPS))


def turn_page(soak: Any) -> str | None:
    """Go back or forth, or fold the list."""
    header = soak.bench.header
    what = soak.random.choice(("back", "forth", "fold"))
    if what == "fold":
        soak.bench.fold(not soak.bench.is_folded)
        return what
    button = header.back_button if what == "back" else header.forth_button
    return what if click(button) else None


def press_main(soak: Any) -> str | None:
    """Press the main button of the form."""
    form = soak.bench.form
    if form is None or not click(form.main_button):
        return None
    soak.wait(0.05)
    answer_dialogs(soak)
    return str(form.main_button.text())


def change_field(soak: Any) -> str | None:
    """Change any field that the form shows."""
    fields = [
        one for one in inside(soak, (QAbstractSpinBox, QComboBox, QSlider)) if one.isEnabled()
    ]
    if not fields:
        return None
    field = soak.random.choice(fields)
    if isinstance(field, QComboBox):
        if field.count() == 0:
            return None
        index = soak.random.randrange(field.count())
        field.setCurrentIndex(index)
        field.activated.emit(index)
        return f"{where(field)}: {field.currentText()}"
    if isinstance(field, QSlider):
        field.setValue(soak.random.randint(field.minimum(), field.maximum()))
        return f"{where(field)}: {field.value()}"
    by = soak.random.choice((-3, -1, 1, 2, 5))
    field.stepBy(by)
    return f"{where(field)}: {by:+d} steps"


def press_any(soak: Any) -> str | None:
    """Press any button that the form shows; a file dialog is answered."""
    buttons = [
        one
        for one in inside(soak, (QAbstractButton,))
        if one.isEnabled() and one is not soak.bench.form.main_button
    ]
    if not buttons:
        return None
    button = soak.random.choice(buttons)
    words = f"{where(button)}: {button.text()}"
    menu = getattr(button, "menu", lambda: None)()
    if menu is not None:
        actions = [one for one in menu.actions() if one.isEnabled()]
        if not actions:
            return None
        soak.random.choice(actions).trigger()
    else:
        click(button)
    soak.wait(0.05)
    answer_dialogs(soak)
    return words


def press_key(soak: Any) -> str | None:
    """Press a key of the window in the form."""
    form = soak.bench.form
    if form is None:
        return None
    key, held = soak.random.choice(
        (
            (Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier),
            (
                Qt.Key.Key_Z,
                Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier,
            ),
            (Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier),
            (Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier),
            (Qt.Key.Key_PageUp, Qt.KeyboardModifier.ControlModifier),
            (Qt.Key.Key_PageDown, Qt.KeyboardModifier.ControlModifier),
            (Qt.Key.Key_F1, Qt.KeyboardModifier.NoModifier),
        )
    )
    QTest.keyClick(form, key, held)
    soak.wait(0.05)
    answer_dialogs(soak)
    return f"{held.name} {key.name}"


def cancel_midst(soak: Any) -> str | None:
    """Start the main step and cancel it a moment later."""
    form = soak.bench.form
    if form is None or not click(form.main_button):
        return None
    soak.wait(soak.random.choice((0.0, 0.03, 0.1, 0.4)))
    answer_dialogs(soak)
    soak.bench.cancel()
    return str(form.main_button.text())


def do_job(soak: Any) -> str | None:
    """Go from a volume to measured objects, so that there is something to correct and to look at."""
    if any(is_phases(layer) for layer in soak.viewer.layers) or open_phantom(soak) is None:
        return None
    for step in ("Threshold", "Measure"):
        soak.bench.refresh()
        if open_named(soak, step) is None:
            return None
        soak.settle()
        press_main(soak)
        soak.settle()
    return ""


def close_form(soak: Any) -> str | None:
    """Close a form by its dock, as its entry in napari's menu does."""
    docks = soak.docks()
    if not docks:
        return None
    dock = soak.random.choice(docks)
    name = dock.windowTitle()
    soak.viewer.window.remove_dock_widget(dock)
    return str(name)


# Picture


def drag_threshold(soak: Any) -> str | None:
    """Drag with the mouse over the histogram, from a line to anywhere."""
    plots = inside(soak, (HistogramPlot,))
    if not plots:
        return None
    native = plots[0]
    start, end = (
        QPoint(soak.random.randrange(1, native.width()), native.height() // 2) for _ in range(2)
    )
    thresholds = getattr(soak.bench.form, "thresholds", ())
    if thresholds:
        line = plots[0].x_of(soak.random.choice(thresholds))
        start = QPoint(round(line), start.y())
    drag(native, start, end)
    return f"{start.x()} → {end.x()} px"


def set_thresholds(soak: Any) -> str | None:
    """Set thresholds as the boxes do."""
    form = soak.bench.form
    if not getattr(form, "thresholds", None) or form.layer is None:
        return None
    low, high = np.percentile(np.asarray(form.layer.data), (1, 99.9))
    count = len(form.thresholds)
    values = sorted(soak.random.uniform(float(low), float(high)) for _ in range(count))
    form.thresholds = values
    return ", ".join(f"{value:.3g}" for value in values)


def drag_slice(soak: Any) -> str | None:
    """Drag, double-click or turn the wheel on a slice."""
    views = [one for one in soak.main.findChildren(SliceView) if one.isVisible()]
    if not views:
        return None
    native = soak.random.choice(views).canvas.canvas.native
    middle = QPoint(native.width() // 2, native.height() // 2)
    if soak.random.random() < 0.3:
        QTest.mouseDClick(native, Qt.MouseButton.LeftButton, pos=middle)
        return "double-click"
    end = QPoint(
        soak.random.randrange(max(1, native.width())),
        soak.random.randrange(max(1, native.height())),
    )
    drag(native, middle, end)
    return f"to {end.x()}, {end.y()}"


def turn_view(soak: Any) -> str | None:
    """Change 2D and 3D, the order of axes, the slice or the camera."""
    dims = soak.viewer.dims
    what = soak.random.choice(("2D/3D", "roll", "step", "camera", "home"))
    if what == "2D/3D":
        dims.ndisplay = 5 - dims.ndisplay
    elif what == "roll":
        dims.roll()
    elif what == "camera":
        soak.viewer.scene.camera.angles = tuple(soak.random.uniform(-90, 90) for _ in range(3))
    elif what == "home":
        soak.viewer.reset_view()
    else:
        axis = soak.random.randrange(dims.ndim)
        dims.set_current_step(axis, soak.random.randrange(max(1, dims.nsteps[axis])))
    return what


def paint(soak: Any) -> str | None:
    """Paint, fill, undo or redo on phases or objects."""
    layers = [one for one in soak.viewer.layers if hasattr(one, "paint") and one.ndim == 3]
    if not layers:
        return None
    layer = soak.random.choice(layers)
    watch_edits(soak.viewer)
    place = tuple(soak.random.randrange(n) for n in layer.data.shape)
    what = soak.random.choice(("paint", "fill", "undo", "redo", "polygon"))
    value = soak.random.randrange(4)
    if what == "paint":
        layer.brush_size = soak.random.choice((1, 3, 6))
        layer.paint(place, value)
    elif what == "fill":
        layer.n_edit_dimensions = soak.random.choice((2, 3))
        layer.fill(place, value)
    elif what == "polygon":
        layer.n_edit_dimensions = 2
        z, y, x = place
        layer.paint_polygon([(z, y, x), (z, y, x + 3), (z, y + 3, x + 3)], value)
    else:
        getattr(layer, what)()
    return f"{what} on {layer.name}, phases {is_phases(layer)}"


def move_boxes(soak: Any) -> str | None:
    """Add, move, remove, undo and redo boxes."""
    if not soak.viewer.layers:
        return None
    boxes = boxes_of(soak.viewer)
    what = soak.random.choice(("add", "move", "remove", "undo", "redo", "select"))
    if what == "add" and len(boxes) < 5:
        middle = tuple(soak.random.uniform(3, 12) for _ in range(3))
        form = next((one for one in soak.forms() if hasattr(one, "place_presets")), None)
        if form is None:
            return None
        form.put(boxes.new_name(), center_nm=middle, size_nm=soak.random.choice((2.0, 5.0, 40.0)))
    elif what == "undo":
        boxes.undo()
    elif what == "redo":
        boxes.redo()
    elif len(boxes) == 0:
        return None
    elif what == "remove":
        boxes.remember()
        boxes.remove(soak.random.randrange(len(boxes)))
    else:
        boxes.selected = soak.random.randrange(len(boxes))
    return what


def click_row(soak: Any) -> str | None:
    """Click a row of any table."""
    tables = [
        one
        for one in soak.main.findChildren(QTableView)
        if one.isVisible() and one.model() is not None and one.model().rowCount() > 0
    ]
    if not tables:
        return None
    table = soak.random.choice(tables)
    row = soak.random.randrange(table.model().rowCount())
    table.scrollTo(table.model().index(row, 0))
    middle = table.visualRect(table.model().index(row, 0)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    return f"row {row}"


def filter_objects(soak: Any) -> str | None:
    """Filter objects, with a misspelt word now and then."""
    form = soak.bench.form
    objects = getattr(form, "objects", None)
    if objects is None or not objects.isVisible():
        return None
    words = soak.random.choice(_FILTERS)
    objects.filter_row.set_text(words)
    return words


# Window


def save_window(soak: Any) -> str | None:
    """Save the window into a folder."""
    from napari_snpore.viewer.window.saving import start_saving

    if not soak.viewer.layers:
        return None
    start_saving(soak.viewer, str(soak.folder / "window"))
    return ""


def open_window(soak: Any) -> str | None:
    """Open the window that was saved last."""
    from napari_snpore.viewer.window.opening import start_opening

    if not (soak.folder / "window").is_dir() or len(soak.viewer.layers) >= MOST_LAYERS:
        return None
    start_opening(soak.viewer, str(soak.folder / "window"))
    return ""


def change_window(soak: Any) -> str | None:
    """Another theme or size."""
    if soak.random.random() < 0.4:
        soak.viewer.theme = "light" if soak.viewer.theme == "dark" else "dark"
        return str(soak.viewer.theme)
    size = soak.random.choice(_SIZES)
    soak.viewer.window.resize(*size)
    soak.size = size
    return f"{size[0]} × {size[1]}"


def clear(soak: Any) -> str | None:
    """Remove all layers."""
    soak.viewer.layers.clear()
    return ""


ACTIONS = {
    "open volume": Action(open_phantom, 4),
    "open images": Action(open_series, 2),
    "open other": Action(open_other, 1),
    "whole job": Action(do_job, 6),
    "remove layer": Action(remove_layer, 3),
    "change layer": Action(change_layer, 4),
    "open step": Action(open_step, 14),
    "turn page": Action(turn_page, 4),
    "main button": Action(press_main, 14),
    "field": Action(change_field, 14),
    "button": Action(press_any, 14),
    "key": Action(press_key, 4),
    "start and cancel": Action(cancel_midst, 4),
    "close": Action(close_form, 3),
    "drag histogram": Action(drag_threshold, 4),
    "thresholds": Action(set_thresholds, 3),
    "mouse on slice": Action(drag_slice, 5),
    "view": Action(turn_view, 6),
    "paint": Action(paint, 9),
    "boxes": Action(move_boxes, 5),
    "row": Action(click_row, 8),
    "filter": Action(filter_objects, 8),
    "save window": Action(save_window, 2),
    "open window": Action(open_window, 1),
    "window": Action(change_window, 3),
    "clear": Action(clear, 1),
}
"""By their names in the list of what was done."""


# Hands


def inside(soak: Any, kinds: tuple[type[QWidget], ...]) -> list[Any]:
    """Return the visible widgets of some kinds in the form."""
    form = soak.bench.form
    if form is None:
        return []
    return [
        one
        for kind in kinds
        for one in form.findChildren(kind)
        if one.isVisible() and not one.objectName().startswith("qt_")
    ]


def where(widget: QWidget) -> str:
    """Return a field in words: the form, its class and the beginning of its tooltip."""
    above: QWidget | None = widget
    while above is not None and not hasattr(above, "main_button"):
        above = above.parentWidget()
    tip = widget.toolTip().split("\n")[0][:40]
    return f"{type(above).__name__} {type(widget).__name__} {tip!r}"


def click(button: QAbstractButton) -> bool:
    """Click a button with the mouse; scrolled out of view, it is pressed by its key."""
    if not button.isEnabled() or not button.isVisible():
        return False
    middle = QPoint(min(12, button.width() // 2), button.height() // 2)
    if button.visibleRegion().contains(middle):
        QTest.mouseClick(button, Qt.MouseButton.LeftButton, pos=middle)
    else:
        button.click()
    return True


def drag(native: QWidget, start: QPoint, end: QPoint) -> None:
    """Drag with the left button."""
    QTest.mouseMove(native, start)
    QTest.mousePress(native, Qt.MouseButton.LeftButton, pos=start)
    for share in (0.3, 0.7, 1.0):
        QTest.mouseMove(native, start + (end - start) * share)
        QTest.qWait(15)
    QTest.mouseRelease(native, Qt.MouseButton.LeftButton, pos=end)
    QTest.qWait(15)


def answer_dialogs(soak: Any) -> None:
    """Answer file dialogs with a name in the folder of the soak, or close them; close other
    windows.
    """
    for one in QApplication.topLevelWidgets():
        if not isinstance(one, QFileDialog) or not one.isVisible():
            continue
        saves = one.acceptMode() == QFileDialog.AcceptMode.AcceptSave
        if saves and soak.random.random() < 0.7:
            name = f"out{len(soak.done)}"
            suffix = f".{one.defaultSuffix()}" if one.defaultSuffix() else ""
            one.fileSelected.emit(str(soak.folder / (name + suffix)))
        one.close()
    dismiss_dialogs(soak)


def dismiss_dialogs(soak: Any) -> None:
    """Close every window but napari's."""
    for one in QApplication.topLevelWidgets():
        if one is not soak.main and one.isVisible() and one.isWindow():
            one.close()
