from __future__ import annotations

from qtpy.QtWidgets import QApplication

from napari_snpore.viewer.shared.long_words import MAY_BREAK, WrappingLabel, breakable

PATH = "/data/2024-11-03/a_rather_long_name_of_a_series_HAADF_aligned_and_binned.mrc"


def test_words_break_and_stay_the_same_words():
    broken = breakable(f"Wrote {PATH}.")
    assert broken.replace(MAY_BREAK, "") == f"Wrote {PATH}."
    assert max(len(part) for part in broken.replace(" ", MAY_BREAK).split(MAY_BREAK)) <= 14
    assert breakable("short words stay") == "short words stay"


def test_tags_of_rich_text_are_not_broken():
    marked = f'<span style="color:#2f6db5">{PATH}</span>'
    assert breakable(marked).startswith('<span style="color:#2f6db5">/')
    assert breakable(marked).endswith("</span>")


def test_a_label_is_as_narrow_as_its_form_and_keeps_its_text(qtbot):
    label = WrappingLabel(f"Wrote {PATH}.")
    qtbot.addWidget(label)
    assert label.text() == f"Wrote {PATH}."
    assert label.minimumSizeHint().width() < 240
    assert label.heightForWidth(240) > label.fontMetrics().height() * 2


def test_what_is_copied_has_no_invisible_characters(qtbot):
    from qtpy.QtCore import Qt

    label = WrappingLabel(PATH)
    qtbot.addWidget(label)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSelection(0, len(breakable(PATH)))
    label.copy()
    assert QApplication.clipboard().text() == PATH
