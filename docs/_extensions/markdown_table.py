"""Tables in Markdown."""


def table(heads, rows):
    """Return a table; cells are Markdown, and their bars are escaped."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(_cell(one) for one in line)} |" for line in lines) + "\n"


def _cell(value):
    return str(value).replace("\n", " ").replace("|", "\\|")


def code(value):
    """Return words as code; nothing for none."""
    return f"`{value}`" if str(value) else ""
