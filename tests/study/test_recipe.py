"""A recipe says what it means: defaults as documented, mistakes named in one sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tomlkit

from napari_snpore.errors import FileFormatError, InputError
from napari_snpore.study.recipe import Recipe, read_recipe
from napari_snpore.tomography.options import Cgls, Dart, Sirt, Tv, Wbp

DOCS = Path(__file__).parents[2] / "docs" / "recipe.md"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_documented_recipe_states_the_defaults(tmp_path):
    text = re.search(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S).group(1)
    documented = read_recipe(written(tmp_path, text))
    plain = read_recipe(
        written(tmp_path, 'name = "fibre 3"\n[input]\ntilt_series = "fibre3.mrc"\n')
    )
    assert documented == plain


def test_documented_options_exist(tmp_path):
    text = re.search(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S).group(1)
    text = re.sub(r"^# (\w+ = )", r"\1", text, flags=re.M)
    recipe = read_recipe(written(tmp_path, text))
    assert recipe.threshold.values == [0.48, 6.1]
    assert recipe.envelope.ray_length_nm == 6.0
    assert recipe.measure.separate_nm == 0.3


def test_the_weight_of_tv_can_be_left_to_held_out_tilts(tmp_path):
    start = '[input]\ntilt_series = "a.mrc"\n[reconstruct.tv]\n'
    recipe = read_recipe(written(tmp_path, f'{start}weight = "auto"\n'))
    assert recipe.reconstruct.options.weight == "auto"
    with pytest.raises(FileFormatError, match="weight"):
        read_recipe(written(tmp_path, f'{start}weight = "held"\n'))


def test_documented_options_of_every_method_are_the_defaults(tmp_path):
    section = re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S)[1]
    for method, options in (("wbp", Wbp()), ("cgls", Cgls()), ("sirt", Sirt()), ("dart", Dart())):
        own = re.search(rf"\[reconstruct\.{method}\]\n.*?(?=\n\[|\Z)", section, re.S).group(0)
        text = f'[input]\ntilt_series = "a.mrc"\n[reconstruct]\nmethod = "{method}"\n{own}'
        assert read_recipe(written(tmp_path, text)).reconstruct.options == options


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("iterations = 3", r"iterations is an option of .* belongs into \[reconstruct\.tv\]"),
        ("filter = 'hann'", r"filter is an option of wbp and belongs into \[reconstruct\.wbp\]"),
        (
            "method = 'tv'\n[reconstruct.dart]\niterations = 3",
            r"\[reconstruct\.dart\] holds options of dart, but the method is tv",
        ),
        (
            "[reconstruct.sirt]\nweight = 1.0",
            "weight is an option of tv; sirt takes iterations, stop, nonnegative",
        ),
        (
            "[reconstruct.sirt]\niteration = 1.0",
            "iteration is not an option; sirt takes iterations",
        ),
        ("method = 'dart'\n[reconstruct.dart]\ngray_levels = [1.0, 0.0]", "rising order"),
    ],
)
def test_option_of_another_method_or_place_is_refused_before_anything_runs(tmp_path, lines, words):
    with pytest.raises(FileFormatError, match=words) as caught:
        read_recipe(written(tmp_path, f'[input]\ntilt_series = "a.mrc"\n[reconstruct]\n{lines}\n'))
    assert not str(caught.value).endswith("..")


def test_the_only_section_of_options_names_the_method(tmp_path):
    lines = "[reconstruct.sirt]\niterations = 9"
    text = f'[input]\ntilt_series = "a.mrc"\n[reconstruct]\n{lines}\n'
    section = read_recipe(written(tmp_path, text)).reconstruct
    assert (section.method, section.options) == ("sirt", Sirt(iterations=9))
    assert read_recipe(written(tmp_path, '[input]\nvolume = "a"\n')).reconstruct.options == Tv()


def test_recipe_of_a_method_comes_back_with_all_its_options(tmp_path):
    options = Dart(iterations=7, gray_levels=(0.0, 1.0, 12.0), seed=4)
    recipe = Recipe(
        name="x",
        input={"tilt_series": str(tmp_path / "a.mrc")},
        reconstruct={"method": "dart", "dart": options},
    )
    assert read_recipe(written(tmp_path, recipe.to_toml())).reconstruct.options == options


def test_paths_count_from_the_recipe(tmp_path):
    recipe = read_recipe(written(tmp_path, '[input]\ntilt_series = ["a.dm3", "b.dm3"]\n'))
    assert recipe.input.tilt_series == [str(tmp_path / "a.dm3"), str(tmp_path / "b.dm3")]
    assert recipe.name == "run"


def test_recipe_comes_back_from_its_own_toml(tmp_path):
    recipe = Recipe(
        name="x",
        input={"volume": str(tmp_path / "v.tif")},
        threshold={"values": [0.5, 6.0]},
        seed=3,
    )
    assert read_recipe(written(tmp_path, recipe.to_toml())) == recipe


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[input]\n", "give either tilt_series or volume"),
        ("", r"\[input\] is missing"),
        (
            '[input]\nvolume = "v"\n[reconstruct]\niteration = 3\n',
            "reconstruct.iteration is not an option",
        ),
        (
            '[input]\nvolume = "v"\n[reconstruct.sirt]\niterations = 0\n',
            "reconstruct.sirt: iterations is 0; a whole number",
        ),
        (
            '[input]\nvolume = "v"\n[threshold]\nnames = ["a"]\n',
            "one entry for each of the 3 phases",
        ),
        ('[input\nvolume = "v"\n', "not a readable TOML"),
    ],
)
def test_mistake_is_named_with_its_file(tmp_path, text, words):
    with pytest.raises(FileFormatError, match=words) as caught:
        read_recipe(written(tmp_path, text))
    assert "run.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_recipe_is_named(tmp_path):
    with pytest.raises(FileFormatError, match=r"no recipe .*nowhere\.toml"):
        read_recipe(tmp_path / "nowhere.toml")


def test_recipe_in_python_is_refused_in_one_sentence():
    with pytest.raises(InputError, match=r"^The recipe is wrong: measure.min_voxels: .*\.$"):
        Recipe(input={"volume": "v"}, measure={"min_voxels": 0})


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("names = ['pore', 'C', 'Sn/SnO2']", "cannot be part of a file name"),
        ("names = ['pore', 'C', 'Pore']", "the same name"),
        ("names = ['pore', '', 'Sn']", "cannot be part of a file name"),
        ("colors = ['#ffffff', '#zzzzzz', '#000000']", "is no colour"),
        ("values = [nan, 2.0]", "should be a finite number"),
        ("values = [2.0, 1.0]", "finite, increasing"),
    ],
)
def test_phases_that_would_fail_later_are_refused_at_once(tmp_path, line, words):
    with pytest.raises(InputError, match=words):
        read_recipe(written(tmp_path, f"[input]\nvolume = 'v.tif'\n[threshold]\n{line}\n"))


def test_recipe_that_moves_into_its_results_finds_its_inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = Recipe(
        input={"tilt_series": ["a.mrc", str(tmp_path / "deep" / "b.mrc")]}, align={"xf": "a.xf"}
    )
    moved = recipe.relative_to("results")
    assert moved.input.tilt_series == ["../a.mrc", "../deep/b.mrc"]
    assert moved.align.xf == "../a.xf"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "whole"}, "'whole' is the name of the whole volume"),
        ({"name": ""}, "measure.boxes.0.name"),
        ({"name": "two\nlines"}, "measure.boxes.0.name"),
        ({"center_nm": [1.0, 2.0]}, "measure.boxes.0.center_nm"),
        ({"center_nm": [1.0, 2.0, float("nan")]}, "measure.boxes.0.center_nm"),
        ({"size_nm": 0.0}, "measure.boxes.0.size_nm"),
        ({"size_nm": [1.0, 2.0, float("inf")]}, "measure.boxes.0.size_nm"),
        ({"edge": 1.0}, "measure.boxes.0.edge is not an option"),
    ],
)
def test_a_box_that_cannot_be_counted_is_refused(change, words):
    box = {"name": "rim", "center_nm": [1.0, 2.0, 3.0], "size_nm": 2.0, **change}
    with pytest.raises(InputError, match=words):
        Recipe(input={"volume": "a.tif"}, measure={"boxes": [box]})


def test_two_boxes_need_two_names():
    box = {"name": "rim", "center_nm": [1.0, 2.0, 3.0], "size_nm": [2.0, 1.0, 1.0]}
    with pytest.raises(InputError, match="two boxes have the name 'rim'"):
        Recipe(input={"volume": "a.tif"}, measure={"boxes": [box, box]})
    recipe = Recipe(input={"volume": "a.tif"}, measure={"boxes": [box]})
    assert tomlkit.parse(recipe.to_toml())["measure"]["boxes"][0]["size_nm"] == [2.0, 1.0, 1.0]
