"""Pages of the documentation site: each has its place, their commands run as they stand, and the
reference leaves no public name, command, key or column out.

The site itself is built by `make docs`, which treats warnings as errors.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    path for folder in ("start", "tutorials", "how_to") for path in (DOCS / folder).glob("*.md")
)
BLOCK = re.compile(r"(?:<!-- ([^>]*) -->\n)?```(\w+)\n(.*?)```", re.DOTALL)
RUN = {"sh", "python"}


def blocks(page):
    """Return (remark, language, text) of each block of code."""
    return [(remark or "", word, text) for remark, word, text in BLOCK.findall(page)]


def with_code():
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        if any(
            word in RUN and not remark.startswith("not run") for remark, word, _ in blocks(text)
        ):
            slow = [pytest.mark.slow] if "<!-- slow -->" in text else []
            yield pytest.param(path, marks=slow, id=f"{path.parent.name}-{path.stem}")


@pytest.mark.parametrize("path", list(with_code()))
def test_commands_and_code_of_a_page_run_as_they_stand(path, tmp_path):
    """Blocks of a page share a folder, and Python its names; what is not run says why."""
    script = ["set -eu"]
    code = ""
    for place, (remark, word, text) in enumerate(blocks(path.read_text(encoding="utf-8"))):
        if remark.startswith("not run"):
            assert len(remark) > len("not run: "), (
                f"{path.name} does not say why a block is not run"
            )
        elif remark.startswith("file: "):
            (tmp_path / remark.removeprefix("file: ")).write_text(text, encoding="utf-8")
        elif word == "sh":
            script.append(text)
            code = ""
        elif word == "python":
            code += text
            (tmp_path / f".block_{place}.py").write_text(code, encoding="utf-8")
            script.append(f"{sys.executable} .block_{place}.py")
        else:
            assert word in {"text", "toml", "bash", "bat"}, f"{path.name} has a block of {word}"
    where = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=tmp_path,
        env={**os.environ, "PATH": where, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def entries(page):
    """Return the pages that the tables of contents of a page name, as paths inside docs/."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"```\{toctree\}\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            if line and not line.startswith(":"):
                match = re.fullmatch(r".* <(.*)>", line)
                target = page.parent / (match[1] if match else line)
                yield os.path.relpath(target.resolve(), DOCS)


def test_every_page_has_one_place_in_the_contents():
    named = [entry for page in DOCS.rglob("*.md") for entry in entries(page)]
    made = {"gallery/index"} | {entry for entry in named if "generated" in entry}
    pages = {
        str(page.relative_to(DOCS).with_suffix(""))
        for page in DOCS.rglob("*.md")
        if not {"generated", "gallery"} & set(page.relative_to(DOCS).parts)
    }
    assert len(named) == len(set(named))
    assert set(named) - made == pages - {"index", "README"}


def test_the_contents_of_the_repository_page_name_every_page_beside_it():
    text = (DOCS / "README.md").read_text(encoding="utf-8")
    beside = {path.name for path in DOCS.glob("*.md")} - {"README.md", "index.md", "numbers.md"}
    assert beside - set(re.findall(r"\]\(([\w.]+\.md)", text)) <= {"limits.md"}


@pytest.fixture
def made(monkeypatch):
    """Texts of the pages that are written before a build."""
    monkeypatch.syspath_prepend(str(DOCS / "_extensions"))
    import api_pages
    import command_pages
    import key_pages

    return {**api_pages.pages(), **command_pages.pages(), **key_pages.pages()}


def test_every_public_name_has_a_page_and_stands_in_the_list(made):
    import napari_snpore

    names = set(napari_snpore.__all__) - {"__version__"}
    assert {f"napari_snpore.{name}.rst" for name in names} <= set(made)
    listed = re.findall(r"^   napari_snpore\.(\w+)$", made["python.rst"], re.MULTILINE)
    assert sorted(listed) == sorted([*names, *names])  # in a table, and in the contents


def test_first_issues_are_not_done_yet_and_there_is_one_for_each_recipe():
    from napari_snpore.figures.plate_spec import PARTS
    from napari_snpore.files.formats import SUFFIXES
    from napari_snpore.files.mrc import _MODES
    from napari_snpore.measurement.columns import COLUMNS
    from napari_snpore.segmentation.thresholds import Method
    from napari_snpore.study.recipe import PrepareSection

    text = (DOCS / "developers" / "good_first.md").read_text(encoding="utf-8")
    recipes = (DOCS / "architecture.md").read_text(encoding="utf-8").partition("## Five recipes")[2]
    for heading in re.findall(r"^### (.*)", recipes, re.MULTILINE):
        assert f"(../architecture.md#{heading.lower().replace(' ', '-')})" in text, heading
    open_still = {
        "maximum entropy": "entropy" not in get_args(Method),
        "MRC with 4 bits": 101 not in _MODES,
        "Analyze and NIfTI": ".img" not in SUFFIXES,
        "beam_angle_deg": "beam_angle_deg" not in COLUMNS,
        "profile below the surface": "profile" not in PARTS,
        "median_px": "median_px" not in PrepareSection.model_fields,
    }
    for issue, is_open in open_still.items():
        assert (issue in text) == is_open, issue


def listed(page, module):
    """Return the names that a list of the reference holds, in a table and in the contents."""
    return sorted(re.findall(rf"^   {re.escape(module)}\.(\w+)$", page, re.MULTILINE))


def test_every_figure_has_a_page_and_stands_in_a_group(made):
    from napari_snpore import figures

    names = set(figures.__all__) - {"SINGLE_COLUMN_MM", "DOUBLE_COLUMN_MM"}  # in the text
    assert {f"napari_snpore.figures.{name}.rst" for name in names} <= set(made)
    assert listed(made["figures.rst"], "napari_snpore.figures") == sorted([*names, *names])
    for width in ("SINGLE_COLUMN_MM", "DOUBLE_COLUMN_MM"):
        assert f"``{width}`` ({getattr(figures, width):g})" in made["figures.rst"]


def test_every_widget_has_a_page_with_what_scripts_call(made):
    pytest.importorskip("napari", reason="the widgets need the window")
    import api_pages

    from napari_snpore import viewer

    pages = api_pages.widget_pages()
    assert listed(pages["widgets.rst"], "napari_snpore.viewer") == sorted([*viewer.__all__] * 2)
    members = {
        name: re.search(r":members: (.*)", pages[f"napari_snpore.viewer.{name}.rst"])[1].split(", ")
        for name in viewer.__all__
    }
    assert {"fibres", "add_run", "compare", "save_report"} <= set(members["CompareWidget"])
    assert {"thresholds", "apply"} <= set(members["ThresholdWidget"])
    called_by_qt = {"resizeEvent", "dropEvent", "event", "state", "set_state", "closed"}
    assert not called_by_qt & {one for each in members.values() for one in each}


def test_every_command_and_its_options_are_there(made):
    said = subprocess.run(
        [sys.executable, "-m", "napari_snpore", "--help"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    commands = re.findall(r"^  (\w+)  ", said.partition("Commands:")[2], re.MULTILINE)
    assert len(commands) > 10
    assert re.findall(r"^## snpore (\w+)", made["commands.md"], re.MULTILINE) == commands
    assert "--memory-limit-mb" in made["commands.md"]


def rows(text):
    """Return (key, meaning) of each row of each section of a page of keys."""
    found, section = {}, ""
    for line in text.splitlines():
        if line.startswith("## "):
            section = line.strip("# []")
        elif match := re.match(r"\| `(\w+)` \|(.*)\|$", line):
            found[section, match[1]] = match[2].replace("\\|", "/").split("|")[-1].strip()
    return found


@pytest.mark.parametrize(
    ("page", "example"), [("recipe_keys.md", "recipe.md"), ("study_keys.md", "study.md")]
)
def test_keys_are_those_of_the_example_with_what_it_says(made, page, example):
    """The examples are written by hand; what they hold is what the schema has."""
    found = rows(made[page])
    written, section = set(), ""
    text = (DOCS / example).read_text(encoding="utf-8")
    for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL):
        section = ""
        for line in block.splitlines():
            if match := re.match(r"\[+([\w.]+)\]+", line):
                section = match[1]
            elif match := re.match(r"(?:# )?(\w+) = ", line):
                written.add((section, match[1]))
    if page == "study_keys.md":  # it shows sections of a recipe, too
        written = {one for one in written if one[0] in ("study", "state")}
    assert written <= set(found)
    assert len(written) >= (90 if page == "recipe_keys.md" else 8)
    if page == "recipe_keys.md":
        assert set(found) - {("input", "volume")} == written  # named there in the line of another


def test_the_page_of_the_sample_report_names_the_files_that_its_code_writes(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS / "_extensions"))
    import sample_report

    from napari_snpore.report.writing import report_files

    text = sample_report.PAGE.read_text(encoding="utf-8")
    (target,) = re.findall(r'write_report\("\w+", "(.*)"\)', text)
    linked = re.findall(rf'(?:href|src)="{sample_report.FOLDER}/(.*?)"', text)
    assert set(linked) == {path.name for path in report_files("compared", target).paths}
    assert {Path(name).stem for name in linked} == {sample_report.PAGE.stem}
