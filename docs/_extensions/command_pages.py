"""The page of commands, from the parser that reads them."""

import inspect

from markdown_table import code, table
from typer.main import get_command

from napari_snpore.cli.application import app


def pages():
    """Return `commands.md`."""
    group = get_command(app)
    text = ["# Commands", "", _INTRODUCTION]
    rows = [
        [f"[`snpore {name}`](#snpore-{name})", command.get_short_help_str(limit=200)]
        for name, command in group.commands.items()
    ]
    text.append(table(["command", "what it does"], rows))
    whole = group.make_context("snpore", [], resilient_parsing=True)
    for name, command in group.commands.items():
        text += [f"## snpore {name}", "", *_command(name, command, whole)]
    return {"commands.md": "\n".join(text) + "\n"}


_INTRODUCTION = """Every command has `--help`, which says the same as this page. Exit status 0: done; 1: failed or stopped,
with one sentence on standard error; 2: bad usage. `--debug`, at any position, prints the traceback of a failure;
`snpore --version` the version. Ctrl-C ends a command within half a second and leaves nothing.
"""


def _command(name, command, whole):
    context = command.make_context(name, [], parent=whole, resilient_parsing=True)
    usage = " ".join(["snpore", name, *command.collect_usage_pieces(context)])
    parts = [f"```text\n{usage}\n```\n", inspect.cleandoc(command.help or "") + "\n"]
    arguments, options = [], []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None:
            continue
        rows = arguments if parameter.param_type_name == "argument" else options
        rows.append([code(record[0]), _plain(record[1])])
    if arguments:
        parts.append(table(["argument", ""], arguments))
    parts.append(table(["option", ""], options))
    return parts


def _plain(words):
    """Keep signs that Markdown would read as its own."""
    for sign in "\\*_<>[]":
        words = words.replace(sign, f"\\{sign}")
    return words
