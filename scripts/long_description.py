"""Long description of the distribution: the README with links that work where it is read alone.

On PyPI and the plugin hub a link to a file of the repository leads nowhere. With the address of the repository,
which is ``Source`` of ``[project.urls]`` in pyproject.toml and stands nowhere else, pictures and links become absolute, of a
release those of its tag. Without one, pictures are left out and links become their words.

hatchling calls :class:`LongDescription` at each build; ``python scripts/long_description.py`` prints the text.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

try:
    from hatchling.metadata.plugin.interface import MetadataHookInterface
except ModuleNotFoundError:  # in a test, and for printing
    MetadataHookInterface = object

ROOT = Path(__file__).parents[1]

_LINK = re.compile(
    r"```.*?```|`[^`\n]*`"  # code, which is left as it is
    r"|(?P<picture>!?)\[(?P<words>[^\]]*)\]\((?![a-z]+:|#)(?P<path>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)",
    re.DOTALL,
)
"""A picture or a link to a file of the repository."""


def long_description(readme: str, address: str | None = None, tag: str = "HEAD") -> str:
    """Return a README for readers that have no repository beside it.

    Parameters
    ----------
    readme : str
        Markdown with links relative to the repository.
    address : str, optional
        Of the repository; ``<address>/raw/<tag>/<path>`` is a file and ``<address>/blob/<tag>/<path>`` its page, as
        on GitHub and GitLab.
    tag : str
        The version of the files.
    """

    def absolute(found: re.Match[str]) -> str:
        picture, words, path = found["picture"], found["words"], found["path"]
        if path is None:
            return found[0]
        if not address:
            return "" if picture else words
        kind = "raw" if picture else "blob"
        return (
            f"{picture}[{words}]({address.rstrip('/')}/{kind}/{tag}/{path}{found['anchor'] or ''})"
        )

    text = _LINK.sub(absolute, readme)
    return re.sub(r"\n{3,}", "\n\n", text)


def tag_of(version: str) -> str:
    """Return the tag of a release; of anything else the newest state.

    Examples
    --------
    >>> tag_of("0.1.0"), tag_of("0.1.0rc1"), tag_of("0.1.1.dev3")
    ('v0.1.0', 'v0.1.0rc1', 'HEAD')
    """
    return "HEAD" if "dev" in version or "+" in version else f"v{version}"


class LongDescription(MetadataHookInterface):
    """Fills ``readme`` of the metadata."""

    def update(self, metadata: dict[str, object]) -> None:
        """Put the text in its place."""
        urls = metadata.get("urls") or {}
        readme = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": long_description(readme, urls.get("Source"), tag_of(str(metadata["version"]))),
        }


if __name__ == "__main__":
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    print(
        long_description(
            (ROOT / "README.md").read_text(encoding="utf-8"), project.get("urls", {}).get("Source")
        )
    )
