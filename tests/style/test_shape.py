"""Small modules, small functions, docstrings, no loose ends."""

from __future__ import annotations

import ast
import re
from statistics import median

from tests.style.packages import FOLDERS, ROOT, Module, modules

LONGEST_MODULE, LONGEST_FUNCTION, MEDIAN_MODULE, MEDIAN_FUNCTION = 400, 40, 150, 10
_LOOSE_END = re.compile(r"\b(TODO|FIXME|HACK)\b(?!\s*\(#\d+\))")
CODE = modules(*FOLDERS)


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many lines a function has, its decorators and docstring not counted."""
    first = function.body[0]
    text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if text else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring


def test_modules_are_short() -> None:
    lengths = {module.name: len(module.text.splitlines()) for module in CODE}
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}
    assert median(length for length in lengths.values() if length > 5) <= MEDIAN_MODULE


def test_functions_are_short() -> None:
    lengths = {
        f"{module.name}:{each.lineno} {each.name}": body_lines(each)
        for module in CODE
        if "migrations" not in module.name
        for each in module.functions()
    }
    assert len(lengths) > 500
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}
    assert median(lengths.values()) < MEDIAN_FUNCTION


def test_no_loose_end_without_an_issue_number() -> None:
    texts = [
        *CODE,
        *modules("tests"),
        *(Module(path) for path in (ROOT / "docs").rglob("*.md")),
        Module(ROOT / "README.md"),
    ]
    here = "tests/style/test_shape.py"
    found = [
        f"{module.name}:{number}"
        for module in texts
        if module.name != here
        for number, line in enumerate(module.text.splitlines(), 1)
        if _LOOSE_END.search(line)
    ]
    assert found == []


def test_public_things_have_docstrings() -> None:
    missing = [
        f"{module.name}:{node.lineno} {node.name}"
        for module in CODE
        if "migrations" not in module.name
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert missing == []
    assert [module.name for module in CODE if module.text.strip() and not ast.get_docstring(module.tree)] == []


def test_modules_hold_no_mutable_state() -> None:
    """A module-level name in lower case that is bound to a list, dict or set could be changed by anybody."""
    found = [
        f"{module.name}:{node.lineno}"
        for module in CODE
        for node in module.tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and not target.id.strip("_").isupper() and not target.id.startswith("__")
    ]
    assert found == []
