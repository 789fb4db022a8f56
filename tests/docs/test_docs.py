"""The documentation says what the code does, or a test fails."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest
from ml_connector import errors
from ml_connector.store.tables import metadata

from scripts import write_docs
from tests.style.packages import ROOT, modules

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_README = 150
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md"), *ROOT.glob("t*/*/README.md")]
)
_REASONED = {"RecordRefused", "RecordParked", "Problem"}


def test_the_readme_is_short_and_names_every_connector() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) < LONGEST_README
    for folder in write_docs.connectors():
        assert f"`{folder.name}`" in text
    for command in ("make demo", "make test", "ml-connector status", "ml-connector dead"):
        assert command in text


def test_generated_parts_are_current() -> None:
    behind = [str(page.relative_to(ROOT)) for page, text in write_docs.pages().items() if page.read_text() != text]
    assert behind == [], "run: .venv/bin/python scripts/write_docs.py"


def test_every_verb_is_documented() -> None:
    text = write_docs.CLI_PAGE.read_text()
    paths = [path for path, _ in write_docs.verbs()]
    assert {"ml-connector demo", "ml-connector dead replay", "ml-connector maps check"} <= set(paths)
    assert [path for path in paths if f"## `{path}`" not in text] == []


@pytest.mark.parametrize("connector", [folder.name for folder in write_docs.connectors()])
def test_meltano_yml_declares_the_settings_a_connector_has(connector: str) -> None:
    assert sorted(write_docs.meltano_settings()[connector]) == sorted(write_docs.settings(connector))


def error_codes() -> Iterator[str]:
    """Yield the code of every error in the tree."""
    waiting = [errors.ConnectorError]
    while waiting:
        error = waiting.pop()
        yield error.code
        waiting += [each for each in error.__subclasses__() if each.__module__ == errors.__name__]


def reason_codes() -> Iterator[str]:
    """Yield every reason a record's state can carry, wherever the code states it."""
    for module in modules("core", "targets"):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", "")
                given = list(node.args[:1] if name in _REASONED else node.args[1:2] if name == "Verdict" else ())
                given += [each.value for each in node.keywords if each.arg == "reason"]
                yield from (
                    each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str)
                )


def test_every_error_code_and_reason_is_explained() -> None:
    text = (ROOT / "docs" / "errors.md").read_text()
    codes = set(error_codes())
    reasons = {reason for reason in reason_codes() if re.fullmatch(r"[a-z][a-z0-9_]+", reason)}
    assert {"config", "auth", "in_doubt", "out_of_balance"} <= codes
    assert {"does_not_foot", "suspected_duplicate", "too_long"} <= reasons
    assert sorted(code for code in codes | reasons if f"| `{code}` |" not in text) == []


def test_every_table_and_column_of_the_store_is_explained() -> None:
    text = (ROOT / "docs" / "store.md").read_text()
    parts = dict(re.findall(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE))
    missing = [
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if f"`{column.name}`" not in parts.get(table.name, "")
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []
