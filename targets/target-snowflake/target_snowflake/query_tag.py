"""The query tag: a template that says in Snowflake's query history which flow, run and table a statement is for."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING

from ml_connector.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_TAG = "ml-connector {pipeline} {run}"
LONGEST_TAG = 2000
"""Characters a query tag may have (docs.snowflake.com, parameter QUERY_TAG)."""

PLACEHOLDERS = ("pipeline", "run", "stream", "table", "database", "schema")


def check_tag(template: str) -> str:
    """Return the template. Raises ConfigError when it holds something else than text and known placeholders."""
    try:
        parts = list(Formatter().parse(template))
    except ValueError:
        parts = [("", template, "", None)]
    for _, name, spec, conversion in parts:
        if name is not None and (name not in PLACEHOLDERS or spec or conversion):
            known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            raise ConfigError(f"query_tag has a placeholder {name!r} that nobody fills. Known are {known}.")
    return template


def filled_tag(template: str, facts: Mapping[str, str]) -> str:
    """Return the tag with the facts in it; those that are not known are left out."""
    text = template.format_map({name: facts.get(name, "") for name in PLACEHOLDERS})
    return " ".join(text.split())[:LONGEST_TAG]
