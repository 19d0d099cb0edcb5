"""The README as a distribution carries it: links work where there is no repository beside it."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "scripts" / "long_description.py"
README = ROOT / "README.md"
LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)]+)\)")
ADDRESS = "https://example.org/a/b"

if not SCRIPT.exists():
    pytest.skip("not beside the repository", allow_module_level=True)


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(SCRIPT))


def links(text):
    """Return (sign of a picture or nothing, target) of each link."""
    return LINK.findall(text)


def test_with_an_address_every_picture_and_link_is_absolute_and_leads_to_a_file(script):
    readme = README.read_text(encoding="utf-8")
    text = script["long_description"](readme, ADDRESS, "v0.1.0")
    assert len(links(text)) == len(links(readme))
    ours = 0
    for picture, target in links(text):
        assert target.startswith("https://"), target
        match = re.fullmatch(rf"{ADDRESS}/(raw|blob)/v0\.1\.0/([^#]+)(#.*)?", target)
        if match:
            ours += 1
            assert match[1] == ("raw" if picture else "blob")
            assert (ROOT / match[2]).exists(), match[2]
    assert ours > 20
    assert sum(bool(picture) for picture, _ in links(text)) == 3


def test_without_an_address_nothing_leads_nowhere(script):
    readme = README.read_text(encoding="utf-8")
    text = script["long_description"](readme)
    assert all(target.startswith("https://") for _, target in links(text))
    assert "![" not in text
    assert "docs/images" not in text
    assert "see its licence" in " ".join(text.split())
    assert "\n\n\n" not in text


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "[a](b/c.md#d) ![e](f.png)",
            f"[a]({ADDRESS}/blob/HEAD/b/c.md#d) ![e]({ADDRESS}/raw/HEAD/f.png)",
        ),
        ("[a](#here) [b](https://x.org) [c](mailto:a@b.c) [1] text", None),
        ("`x[0](y)` stays what it is", None),
        ("```python\nfound[0](y)\n```", None),
    ],
)
def test_a_line(script, line, expected):
    assert script["long_description"](line, ADDRESS) == (expected or line)


@pytest.mark.parametrize(
    ("version", "tag"), [("0.1.0", "v0.1.0"), ("0.2.0rc1", "v0.2.0rc1"), ("0.1.1.dev3", "HEAD")]
)
def test_a_release_leads_to_its_tag(script, version, tag):
    assert script["tag_of"](version) == tag


def test_the_address_stands_in_one_place():
    """Where there is one, pyproject.toml has it and CITATION.cff repeats no other."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "readme" in project["dynamic"]
    source = project.get("urls", {}).get("Source")
    cited = re.findall(
        r"^repository-code: [\"']?([^\"'\s]+)",
        (ROOT / "CITATION.cff").read_text(encoding="utf-8"),
        re.M,
    )
    assert cited in ([], [source])
