"""Proof that the instance obeys a query instead of dropping parts of it (apis/servicenow.md §0 fact 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.errors import ConfigError, Forbidden

from tap_servicenow.query import columns_of, ranges_of
from tap_servicenow.shape import SYS_ID

if TYPE_CHECKING:
    from ml_connector.vendors.servicenow.dictionary import Dictionary
    from ml_connector.vendors.servicenow.reader import Reader

REMEDY = (
    "The column does not exist, or a query ACL denies it to this account: the read would be another than the one asked."
)
LONG_AGO = "1970-01-01 00:00:00"


class Proofs:
    """Proves each query once for each run."""

    def __init__(self, reader: Reader, dictionary: Dictionary) -> None:
        self._reader = reader
        self._dictionary = dictionary
        self._proven: set[tuple[str, str]] = set()

    def prove(self, table: str, rule: str) -> None:
        """Raise unless every column that a person's query compares is there and may be queried.

        Raises:
            ConfigError: A column is not in the dictionary, or the instance does not obey.
        """
        for column in dict.fromkeys(columns_of(rule)):
            if (table, column) not in self._proven:
                self._prove(table, rule, column)
                self._proven.add((table, column))
        for column, value in dict.fromkeys(ranges_of(rule)):
            if (table, f"{column}>{value}") not in self._proven:
                self._prove_sizes(table, column, value)
                self._proven.add((table, f"{column}>{value}"))

    def _prove_sizes(self, table: str, column: str, value: str) -> None:
        """Raise ConfigError unless a column may be compared by size, to which another ACL (query_range) applies."""
        nothing = self._reader.count(table, f"{column}>{value}^{column}<{value}")
        told = self._reader.count(table, f"{column}ISNOTEMPTY")
        if nothing or (told and not self._reader.count(table, f"{column}>{value}^OR{column}<={value}")):
            raise ConfigError(f"{table} does not obey a comparison of {column!r} by size. {REMEDY}")

    def _prove(self, table: str, rule: str, column: str) -> None:
        if column.partition(".")[0] not in self._dictionary.table(table).columns:
            raise ConfigError(f"the query {rule!r} is about {column!r}, which {table} does not have")
        if not self._reader.count(table, ""):
            return
        nothing = self._reader.count(table, f"{column}ISEMPTY^{column}ISNOTEMPTY")
        anything = self._reader.count(table, f"{column}ISEMPTY^OR{column}ISNOTEMPTY")
        if nothing or not anything:
            raise ConfigError(f"{table} does not obey a query on {column!r}. {REMEDY}")

    def prove_range(self, table: str, column: str) -> None:
        """Raise Forbidden when no row comes after the first of all: some instances answer so to a denied query."""
        if (table, f"{column}>") in self._proven:
            return
        first = "0" if column == SYS_ID else LONG_AGO
        if not self._reader.count(table, "") or self._reader.count(table, f"{column}>={first}"):
            self._proven.add((table, f"{column}>"))
            return
        raise Forbidden(f"{table} answers nothing to a query on {column!r}. {REMEDY}")
