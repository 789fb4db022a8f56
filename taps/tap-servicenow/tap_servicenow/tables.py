"""Which tables are streams, by the settings and by what the instance has (apis/servicenow.md §2.7)."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ml_connector.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ml_connector.vendors.servicenow.dictionary import Dictionary
    from ml_connector.vendors.servicenow.reader import Reader

FINANCE = "finance"
"""The word, among the names of tables, for those of finance that the instance has."""

TABLES = "sys_db_object"
_WILD = frozenset("*?[")


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Say whether a table is named, or fits a pattern."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


class Tables:
    """Finds tables."""

    def __init__(self, reader: Reader, dictionary: Dictionary, finance: Sequence[str]) -> None:
        self._reader = reader
        self._dictionary = dictionary
        self._finance = finance

    def there(self, names: Sequence[str]) -> list[str]:
        """Return those of some tables that the instance has."""
        missing = self._dictionary.load(names)
        return [name for name in names if name not in missing]

    def chosen(self, wanted: Sequence[str], excluded: Sequence[str]) -> list[str]:
        """Return the tables that settings name, those of finance first.

        Raises:
            ConfigError: The instance does not have one that is named.
        """
        found: dict[str, None] = {}
        for name in wanted:
            found |= dict.fromkeys(self._meant(name))
        names = [name for name in found if not matches(name, excluded)]
        missing = set(names) - set(self.there(names))
        if unknown := sorted(missing - set(self._finance if FINANCE in wanted else ())):
            raise ConfigError(f"the instance does not have the tables {', '.join(unknown)}: correct `tables`")
        return [name for name in names if name not in missing]

    def _meant(self, name: str) -> Iterator[str]:
        if name == FINANCE:
            yield from self._finance
        elif _WILD & set(name):
            yield from self._like(name)
        else:
            yield name

    def _like(self, pattern: str) -> list[str]:
        prefix = pattern[: min(pattern.index(sign) for sign in _WILD & set(pattern))]
        rows = self._reader.rows(TABLES, f"nameSTARTSWITH{prefix}" if prefix else "", ["name"])
        found = sorted(row["name"] for row in rows if fnmatchcase(row["name"], pattern))
        if not found:
            raise ConfigError(f"the instance has no table like {pattern}: correct `tables`")
        return found
