"""What a reader needs of any figure, checked on its drawn texts: nothing cut off, no two texts on
top of each other.
"""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.text import Text


def texts_of(figure: Figure) -> list[str]:
    """Every visible text, no-break spaces as spaces and lines joined; some exist only once the
    figure is drawn.
    """
    return [plain(found.get_text()) for found in _visible(figure)]


def plain(text: str) -> str:
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def assert_legible(figure: Figure) -> None:
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    width, height = figure.canvas.get_width_height()
    boxes = [(found.get_text(), found.get_window_extent(renderer)) for found in _visible(figure)]
    assert boxes, "the figure says nothing"
    for text, box in boxes:
        assert box.x0 >= -1, f"{text!r} is cut off at the left"
        assert box.y0 >= -1, f"{text!r} is cut off at the bottom"
        assert box.x1 <= width + 1, f"{text!r} is cut off at the right"
        assert box.y1 <= height + 1, f"{text!r} is cut off at the top"
    for index, (text, box) in enumerate(boxes):
        for other, other_box in boxes[:index]:
            shared_x = min(box.x1, other_box.x1) - max(box.x0, other_box.x0)
            shared_y = min(box.y1, other_box.y1) - max(box.y0, other_box.y0)
            # extents hold the full line height: touching lines share a little of it without
            # touching letters
            assert shared_x <= 1 or shared_y <= 0.25 * min(box.height, other_box.height), (
                f"{text!r} lies on {other!r}"
            )


def _visible(figure: Figure) -> list[Text]:
    hidden = _hidden_ticks(figure)
    return [
        text
        for text in figure.findobj(Text)
        if text.get_text().strip() and text.get_visible() and id(text) not in hidden
    ]


def _hidden_ticks(figure: Figure) -> set[int]:
    """Tick labels outside the limits of their axis are objects, but are not drawn."""
    hidden: set[int] = set()
    drawn = [part for axes in figure.axes for part in (axes, *axes.child_axes)]
    for axis in [axis for axes in drawn for axis in (axes.xaxis, axes.yaxis)]:
        every = {
            id(label)
            for tick in (*axis.majorTicks, *axis.minorTicks)
            for label in (tick.label1, tick.label2)
        }
        hidden |= every - {
            id(label) for tick in axis._update_ticks() for label in (tick.label1, tick.label2)
        }
    return hidden
