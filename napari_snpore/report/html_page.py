"""A report as one HTML page that opens from disk: pictures and style inside, no script."""

from __future__ import annotations

import base64
import re
from importlib.resources import files

from napari_snpore.report.content import Picture, Report

GENERATOR = "napari-snpore"
_STRONG = re.compile(r"\*\*(.+?)\*\*")
_SVG_SHARE = 1.5
"""SVG is taken where it is at most so many times as large as PNG: it stays sharp and can be searched."""
_PIXELS_PER_INCH = 300
_SHOWN_PER_INCH = 132  # figures of print, a third larger than on paper


def html_page(report: Report) -> str:
    """Return the page as text."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup, escape

    def marked(text: str) -> Markup:
        return Markup(_STRONG.sub(r"<strong>\1</strong>", str(escape(text))))

    place = files("napari_snpore.report") / "templates"
    # from a string, not by a loader of files: the package may lie in an archive
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    environment.filters.update(marked=marked, data_uri=_data_uri, width_px=_width_px)
    template = environment.from_string((place / "report.html.j2").read_text(encoding="utf-8"))
    style = (place / "report.css").read_text(encoding="utf-8").rstrip()
    return template.render(report=report, style=Markup(style), generator=GENERATOR)


def _data_uri(picture: Picture) -> str:
    """Return a picture as the address of an image."""
    png, svg = picture.png, picture.svg
    if svg is not None and (png is None or len(svg) <= _SVG_SHARE * len(png)):
        return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"
    return f"data:image/png;base64,{base64.b64encode(png or b'').decode('ascii')}"


def _width_px(picture: Picture) -> int:
    """Return how wide a picture is shown at most."""
    return round(picture.size_px[0] * _SHOWN_PER_INCH / _PIXELS_PER_INCH)
