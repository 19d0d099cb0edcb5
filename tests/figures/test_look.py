from __future__ import annotations

import subprocess
import sys
import threading

import matplotlib
import pytest

from napari_snpore.errors import InputError
from napari_snpore.figures import FigureStyle, phase_slices
from napari_snpore.figures.page import new_figure, text_width_mm, wrapped


@pytest.mark.parametrize("width_mm", [88.0, 180.0])
def test_width_in_mm_becomes_pixels_at_the_dots_per_inch(width_mm):
    figure = new_figure(FigureStyle(dpi=254), width_mm=width_mm, height_mm=50)
    assert figure.canvas.get_width_height() == (width_mm * 10, 500)


def test_a_users_settings_neither_leak_in_nor_are_changed(labels):
    with matplotlib.rc_context({"font.size": 31, "axes.facecolor": "pink", "text.usetex": True}):
        figure = phase_slices(labels, spacing=0.5)
        assert matplotlib.rcParams["font.size"] == 31
        assert matplotlib.rcParams["axes.facecolor"] == "pink"
    sizes = {text.get_fontsize() for text in figure.texts}
    assert max(sizes) == 7
    assert not any(text.get_usetex() for text in figure.texts)


def test_threads_draw_the_same_picture_and_leave_the_settings_alone(labels):
    before = dict(matplotlib.rcParams)
    pictures = {}

    def draw(name, style):
        figure = phase_slices(labels, spacing=0.5, style=style)
        with style.in_force():
            figure.canvas.draw()
        pictures[name] = bytes(figure.canvas.buffer_rgba())

    looks = [FigureStyle(font_pt=6, dpi=100), FigureStyle(font_pt=9, dpi=100)]
    for index, style in enumerate(looks):
        draw(("alone", index), style)
    threads = [
        threading.Thread(target=draw, args=((turn, i), style))
        for turn in range(2)
        for i, style in enumerate(looks)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pictures) == 6
    assert pictures["alone", 0] != pictures["alone", 1]
    assert all(picture == pictures["alone", index] for (_, index), picture in pictures.items())
    assert dict(matplotlib.rcParams) == before


def test_no_pyplot_and_no_window_system():
    code = (
        "import sys, napari_snpore.figures\n"
        "print(*[m for m in sys.modules if m == 'matplotlib.pyplot' or 'backend_qt' in m or m.startswith(('PyQt', 'napari.'))])"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == ""
    )


def test_text_width_is_that_of_the_drawn_text():
    style = FigureStyle(dpi=600)
    with style.in_force():
        figure = new_figure(style, width_mm=88, height_mm=20)
        drawn = figure.text(0.1, 0.5, "Share of number (%)", fontsize=7).get_window_extent()
    assert drawn.width / 600 * 25.4 == pytest.approx(
        text_width_mm("Share of number (%)", 7), rel=0.03
    )


def test_wrapped_lines_fit_and_lose_no_word():
    text = "Sn clusters shorter than 2 nm in the centre cube of the second fibre"
    lines = wrapped(text, width_mm=30, size_pt=7).split("\n")
    assert len(lines) > 1
    assert " ".join(lines) == text
    assert max(text_width_mm(line, 7) for line in lines) <= 30


@pytest.mark.parametrize(
    "options", [{"font_pt": 0}, {"dpi": -1}, {"width_mm": 12}, {"width_mm": float("nan")}]
)
def test_impossible_sizes_are_refused_by_name(options):
    with pytest.raises(InputError, match=next(iter(options))):
        FigureStyle(**options)
