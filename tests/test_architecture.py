"""The rules of the package that a machine can check: what the backend loads, who imports whom, and
how things are called.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import napari_snpore

PACKAGE = Path(napari_snpore.__file__).parent
NAME = "napari_snpore"

ORDER = (
    "errors numerals kernels threads compute kernel_process time_left memory outputs scratch history volume blocks "
    "engines tomography segmentation measurement subvolume oblique line_profiles gray_limits in_situ phantom "
    "uncertainty comparison files figures study report viewer cli"
).split()
"""Folders and modules of the package: each imports from itself and from those before it."""

VIEWER_ORDER = (
    "preferences shared edits canvas ahead forms errors slices boxes measure threshold reconstruct scene figure in_situ "
    "window open recipe compare tour workbench"
).split()
"""The same for the folders of the viewer."""

GUI = {
    "napari",
    "npe2",
    "qtpy",
    "PyQt5",
    "PyQt6",
    "PySide2",
    "PySide6",
    "vispy",
    "magicgui",
    "superqt",
    "pytestqt",
}

MOST_FILES = 20
"""Fewer Python files than these lie in one folder of the viewer."""

BANNED_WORDS = "wish wished wishes phasing conduct room rooms quietly seen told then foreign touch touches sight".split()
"""Words that explain nothing, or something else in this field; not in names of modules, classes and
functions.
"""
BANNED_CLASSES = {"Found", "Then", "SightRows", "Look", "Wish", "Room", "Conduct"}
TERMS = {"_touches_exterior"}
"""Names in which such a word is the ordinary one."""


def module_name(path, package=PACKAGE, name=NAME):
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join((name, *(parts[:-1] if parts[-1] == "__init__" else parts)))


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def run_python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout


def imported_names(source: str, module: str, *, is_package: bool = False) -> list[tuple[str, int]]:
    """Return the dotted names that a module imports when it or a function of it runs, with their
    lines.

    All kinds of statement count: ``import a.b``, ``from a import b`` (as ``a.b``), relative ones
    and those inside functions. What only a type checker reads, below ``if TYPE_CHECKING``, does
    not.
    """
    tree = ast.parse(source)
    unread = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in (
            "TYPE_CHECKING",
            "typing.TYPE_CHECKING",
        ):
            unread |= {id(inner) for part in node.body for inner in ast.walk(part)}
    here = module.split(".") if is_package else module.split(".")[:-1]
    names = []
    for node in ast.walk(tree):
        if id(node) in unread:
            continue
        if isinstance(node, ast.Import):
            names += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = here[: len(here) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names += [(f"{base}.{alias.name}", node.lineno) for alias in node.names]
    return names


def imports_of(module: str) -> list[tuple[str, int]]:
    path = MODULES[module]
    return imported_names(
        path.read_text(encoding="utf-8"), module, is_package=path.name == "__init__.py"
    )


def module_of(name: str, modules=MODULES) -> str | None:
    """Return the module of the package that a dotted name lies in; None where it lies elsewhere."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name or None


def import_graph() -> dict[str, set[str]]:
    graph = {}
    for module in MODULES:
        found = {module_of(name) for name, _ in imports_of(module)}
        graph[module] = {one for one in found if one is not None and one != module}
    return graph


def circles(graph) -> list[list[str]]:
    """Return the groups of nodes that reach each other (Tarjan's strongly connected components of
    two and more).
    """
    order, lowest, stack, groups = {}, {}, [], []

    def visit(node):
        order[node] = lowest[node] = len(order)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in order:
                visit(other)
                lowest[node] = min(lowest[node], lowest[other])
            elif other in stack:
                lowest[node] = min(lowest[node], order[other])
        if lowest[node] == order[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                groups.append(sorted(group))

    for node in graph:
        if node not in order:
            visit(node)
    return groups


def place(module: str, depth: int) -> str:
    """Return the part of a module's name at a depth, such as ``tomography`` or, in the viewer,
    ``shared``.
    """
    parts = module.split(".")
    return parts[depth] if len(parts) > depth else ""


def test_every_kind_of_import_statement_is_known():
    source = """
import a.b
import c as d, e.f
from g.h import i
from . import j
from .k import l
from .. import m
from ..n.o import p
if TYPE_CHECKING:
    import not_read
def function():
    from q import r
    import s
class C:
    def method(self):
        if True:
            import t.u
"""
    names = {name for name, _ in imported_names(source, "package.folder.module")}
    assert names == {
        *("a.b", "c", "e.f", "g.h.i", "q.r", "s", "t.u"),
        *("package.folder.j", "package.folder.k.l", "package.m", "package.n.o.p"),
    }
    assert imported_names("from . import a", "package.folder", is_package=True) == [
        ("package.folder.a", 1)
    ]


def test_circles_are_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_all_places_are_in_the_order():
    assert {place(module, 1) for module in MODULES} - {"", "__main__"} <= set(ORDER)
    folders = {place(module, 2) for module in MODULES if module.startswith(f"{NAME}.viewer.")}
    assert folders <= set(VIEWER_ORDER)


def wrong_imports(depth: int, order: list[str], within: str) -> list[str]:
    """Return the imports that run against an order of places at one depth of the package, in
    words.
    """
    wrong = []
    for module in MODULES:
        here = place(module, depth)
        if here not in order or not module.startswith(within):
            continue
        for name, line in imports_of(module):
            imported = module_of(name)
            if (
                imported is None
                or not f"{imported}.".startswith(within)
                or name == f"{NAME}.__version__"
            ):
                continue
            if place(imported, depth) not in order[: order.index(here) + 1]:
                wrong.append(f"{module}, line {line}: {name}")
    return wrong


def test_imports_run_up_the_order():
    assert wrong_imports(1, ORDER, f"{NAME}.") == []


def test_imports_of_the_viewer_run_up_its_order():
    assert wrong_imports(2, VIEWER_ORDER, f"{NAME}.viewer.") == []


def test_no_modules_import_each_other_in_a_circle():
    assert circles(import_graph()) == []


def test_only_the_viewer_imports_the_gui_and_only_the_figures_import_matplotlib():
    wrong = []
    for module in MODULES:
        for name, line in imports_of(module):
            root = name.split(".")[0]
            if root in GUI and place(module, 1) != "viewer":
                wrong.append(f"{module}, line {line}: {root}")
            if root == "matplotlib" and place(module, 1) != "figures":
                wrong.append(f"{module}, line {line}: {root}")
    assert wrong == []


def test_a_command_imports_the_viewer_only_when_it_is_called():
    code = "import sys, napari_snpore.cli; print(*sys.modules)"
    assert not [
        name for name in run_python(code).split() if name.startswith("napari_snpore.viewer")
    ]


def test_folders_of_the_viewer_can_be_overlooked():
    counts = defaultdict(int)
    for path in (PACKAGE / "viewer").rglob("*.py"):
        counts[path.parent.name] += 1
    assert {folder: count for folder, count in counts.items() if count >= MOST_FILES} == {}


def definitions():
    """Return (module, kind, name) of all classes and functions, methods included."""
    for module, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                yield module, "class", node.name
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield module, "function", node.name


def test_a_class_name_has_one_meaning():
    homes = defaultdict(list)
    for module, kind, name in definitions():
        if kind == "class":
            homes[name].append(module)
    assert {name: modules for name, modules in homes.items() if len(modules) > 1} == {}


def words_of(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}


def test_names_explain_themselves():
    names = {(module, module.rpartition(".")[2]) for module in MODULES}
    names |= {(module, name) for module, _, name in definitions()}
    classes = {(module, name) for module, kind, name in definitions() if kind == "class"}
    wrong = {one for one in names if one[1] not in TERMS and words_of(one[1]) & set(BANNED_WORDS)}
    assert wrong | {one for one in classes if one[1].lstrip("_") in BANNED_CLASSES} == set()


def test_backend_brings_in_no_gui_and_no_matplotlib():
    code = (
        "import sys, napari_snpore\n"
        "for name in napari_snpore.__all__: getattr(napari_snpore, name)\n"
        "import napari_snpore.study, napari_snpore.cli\n"
        "print(*sorted({m.split('.')[0] for m in sys.modules}))"
    )
    loaded = set(run_python(code).split())
    assert "numba" in loaded, "the names were not loaded at all"
    assert not loaded & (GUI | {"matplotlib"})


def test_importing_the_package_is_light():
    code = "import sys, napari_snpore; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = set(run_python(code).split())
    assert "napari_snpore" in loaded
    assert not loaded & {"numpy", "numba", "pandas", "scipy"}


@pytest.mark.parametrize("name", napari_snpore.__all__)
def test_public_name_is_there_and_says_what_it_is(name):
    found = getattr(napari_snpore, name)
    assert name == "__version__" or (found.__doc__ or "").strip()
