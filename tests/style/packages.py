"""The packages of the workspace as files and as imports."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
FOLDERS = ("core", "taps", "targets", "simulators", "mappers", "bench", "prove", "scripts")


@dataclass(frozen=True)
class Module:
    """One Python file of ours."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @cached_property
    def text(self) -> str:
        return self.path.read_text()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    def imports(self) -> Iterator[str]:
        """Yield the dotted names this file imports, also inside functions and under TYPE_CHECKING."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (each.name for each in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


def modules(*folders: str) -> list[Module]:
    """Return the Python files under these folders of the workspace."""
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [Module(path) for path in found if ".venv" not in path.parts]


def connectors() -> dict[str, Path]:
    """Return the import name of every connector and its folder; a mapper is one, too."""
    kinds = ("taps/tap-*", "targets/target-*", "mappers/mapper-*")
    folders = [folder for kind in kinds for folder in ROOT.glob(kind)]
    return {folder.name.replace("-", "_"): folder for folder in sorted(folders)}
