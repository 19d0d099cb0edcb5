"""Reads and sets the values of all fields of a form, for saved windows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qtpy.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLineEdit, QRadioButton, QSpinBox

_BOXES = (QSpinBox, QDoubleSpinBox, QCheckBox, QRadioButton, QComboBox, QLineEdit)


def form_values(form: Any) -> dict[str, Any]:
    """Return the value of every box that is a public attribute of a form (a pair of boxes: both),
    by its name.
    """
    return {name: _value(box) for name, box in _boxes(form).items()}


def set_form_values(form: Any, values: Mapping[str, Any]) -> None:
    """Set the boxes of a form to what :func:`form_values` returned, in the order in which the form
    made them.

    A box or a choice that is no longer there is skipped.
    """
    for name, box in _boxes(form).items():
        if name in values:
            _set(box, values[name])


def _boxes(form: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, part in vars(form).items():
        if name.startswith("_"):
            continue
        if isinstance(part, _BOXES):
            found[name] = part
        elif isinstance(part, tuple):
            found |= {f"{name}.{k}": box for k, box in enumerate(part) if isinstance(box, _BOXES)}
    return found


def _value(box: Any) -> Any:
    if isinstance(box, (QSpinBox, QDoubleSpinBox)):
        return box.value()
    if isinstance(box, (QCheckBox, QRadioButton)):
        return box.isChecked()
    if isinstance(box, QComboBox):  # words may change from version to version, keys do not
        key = box.currentData()
        return key if isinstance(key, str) else box.currentText()
    return box.text()


def _set(box: Any, value: Any) -> None:
    if isinstance(box, QSpinBox):
        box.setValue(int(value))
    elif isinstance(box, QDoubleSpinBox):
        box.setValue(float(value))
    elif isinstance(box, (QCheckBox, QRadioButton)):
        box.setChecked(bool(value))
    elif isinstance(box, QComboBox):
        index = box.findData(str(value))
        if index < 0:  # saved by its words
            index = box.findText(str(value))
        if index >= 0:
            box.setCurrentIndex(index)
    else:
        box.setText(str(value))
        box.editingFinished.emit()
