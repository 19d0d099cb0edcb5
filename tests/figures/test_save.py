from __future__ import annotations

import os
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from napari_snpore.errors import FileFormatError, InputError, OutputError
from napari_snpore.figures import FigureStyle, phase_slices, recipe_of, save_figure
from napari_snpore.figures.page import message_figure

RECIPE = {
    "thresholds": [0.48, 6.1],
    "note": "Δθ = 2° <&>",
    "seed": np.int64(7),
    "path": Path("a/b"),
    "shape": np.arange(3),
}
READ_BACK = {
    "thresholds": [0.48, 6.1],
    "note": "Δθ = 2° <&>",
    "seed": 7,
    "path": str(Path("a/b")),
    "shape": [0, 1, 2],
}


@pytest.fixture
def figure():
    style = FigureStyle(dpi=127)
    with style.in_force():
        return message_figure("Δθ in ° and nm³", style=style, width_mm=60)


def test_every_format_is_written_beside_the_name_and_nothing_else(tmp_path, figure):
    paths = save_figure(
        figure, tmp_path / "state 1.5" / "slices v1.2", formats=("png", "svg", "pdf")
    )
    assert [path.name for path in paths] == [
        "slices v1.2.png",
        "slices v1.2.svg",
        "slices v1.2.pdf",
    ]
    assert sorted(os.listdir(tmp_path / "state 1.5")) == sorted(path.name for path in paths)
    assert [path.read_bytes()[:4] for path in paths] == [b"\x89PNG", b"<?xm", b"%PDF"]


@pytest.mark.parametrize(
    "words", ["plain", "µm, Δθ · (a) \\ (b", "line\nend", "\u0128\u0129 \u5c28\u295c 𝔸"]
)
def test_recipe_comes_back_from_every_format(tmp_path, figure, words):
    """The letters after the line break hold the bytes of a parenthesis and of a backslash in
    UTF-16.
    """
    formats = ("png", "svg", "pdf")
    for path in save_figure(
        figure, tmp_path / "a", formats=formats, recipe={**RECIPE, "words": words}
    ):
        assert recipe_of(path) == {**READ_BACK, "words": words}
    for path in save_figure(figure, tmp_path / "b", formats=formats):
        assert recipe_of(path) is None


def test_png_is_as_large_as_its_mm_and_says_its_dots_per_inch(tmp_path, figure):
    (path,) = save_figure(figure, tmp_path / "a", formats=("png",))
    with Image.open(path) as image:
        assert image.size == (300, 150)
        assert image.info["dpi"] == pytest.approx((127, 127), abs=0.1)


def test_svg_keeps_text_as_text_and_names_substitutes(tmp_path, figure):
    (path,) = save_figure(figure, tmp_path / "a", formats=("svg",))
    root = ElementTree.parse(path).getroot()
    texts = [
        "".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")
    ]
    assert texts == ["Δθ in ° and nm³"]
    assert "Verdana" in path.read_text(encoding="utf-8")


def test_the_same_figure_gives_the_same_bytes(tmp_path, labels):
    written = [
        [
            path.read_bytes()
            for path in save_figure(
                phase_slices(labels, spacing=0.5), tmp_path / str(turn), recipe=RECIPE
            )
        ]
        for turn in range(2)
    ]
    assert written[0] == written[1]
    everything = b"".join(written[0])
    assert not re.search(rb"20\d\d-\d\d", everything), "no date"
    assert str(tmp_path).encode() not in everything


@pytest.mark.parametrize("formats", [(), ("bmp",), ("png", "jpg")])
def test_unknown_formats_are_refused_before_anything_is_written(tmp_path, figure, formats):
    with pytest.raises(InputError, match="formats"):
        save_figure(figure, tmp_path / "a", formats=formats)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("recipe", [{"value": float("nan")}, {"value": object()}])
def test_a_recipe_that_json_cannot_hold_is_refused(tmp_path, figure, recipe):
    with pytest.raises(InputError, match="recipe"):
        save_figure(figure, tmp_path / "a", recipe=recipe)
    assert not os.listdir(tmp_path)


def test_a_place_that_cannot_be_written_is_named(tmp_path, figure):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="file"):
        save_figure(figure, tmp_path / "file" / "a")
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.png", b"no picture"), ("a.svg", b"<svg"), ("a.pdf", b"no pdf"), ("absent.png", None)],
)
def test_files_that_are_no_figures_are_refused(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(FileFormatError, match=name):
        recipe_of(tmp_path / name)
