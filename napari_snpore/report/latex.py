"""Plain text as LaTeX, for BibTeX entries and methods paragraphs."""

from __future__ import annotations

_COMMANDS = {
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "±": r"$\pm$",
    "−": "$-$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "≤": r"$\leq$",
    "°": r"\textdegree{}",
    "²": "$^2$",
    "³": "$^3$",
    "Δ": r"$\Delta$",
    "θ": r"$\theta$",
    "λ": r"$\lambda$",
    "τ": r"$\tau$",
    "σ": r"$\sigma$",
    "ℓ": r"$\ell$",
    "–": "--",
    "è": r"{\`e}",
    "é": r"{\'e}",
    "ü": r"{\"u}",
    "ö": r"{\"o}",
}


def latex_text(text: str) -> str:
    r"""Return a text with the commands of LaTeX in place of signs that plain LaTeX does not know.

    Examples
    --------
    >>> latex_text("45 ± 3 % at 2°")
    '45 $\\pm$ 3 \\% at 2\\textdegree{}'
    """
    return "".join(_COMMANDS.get(letter, letter) for letter in text)
