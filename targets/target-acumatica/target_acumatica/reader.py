"""Reading entities by key and by id, and reference data for proofs; nothing here writes (apis/acumatica.md §3).

A list is filtered on one header field only: the tenant answers an empty list when a filter joins fields of two views.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from ml_connector.errors import BadAnswer, ConfigError, RecordRefused
from ml_connector.vendors.acumatica.client import ARCHIVE_HEADER
from ml_connector.vendors.acumatica.errors import NO_ENTITY

from target_acumatica.contract import Contract
from target_acumatica.values import literal, plain, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ml_connector.delivery.sink import Key, Row
    from ml_connector.http import Client

    Record = Mapping[str, Any]

ARCHIVED = MappingProxyType({ARCHIVE_HEADER: "SHOW"})  # hidden otherwise: an archived order would be made again
MAX_QUERY = 1_800  # characters; IIS takes a query of 2,048 by default
ITEM, BRANCH = "Item", "Branch"  # two tables of our own for dimensions
_ITEMS = ("StockItem", "NonStockItem")
_STRUCTURE = "CompaniesStructure"
_STRUCTURE_DETAIL = "CompaniesStructureDetail"


@dataclass(slots=True)
class Reader:
    """Reads one endpoint of one tenant."""

    client: Client
    root: str  # '/entity/Default/24.200.001'
    _contract: Contract | None = None
    _branches: list[Record] = field(default_factory=list)

    @property
    def contract(self) -> Contract:
        """The endpoint's contract, read once per run."""
        if self._contract is None:
            self._contract = Contract(self.client.request("GET", f"{self.root}/swagger.json").json())
        return self._contract

    def find(self, entity: str, column: str, values: Iterable[str], select: Iterable[str] = ()) -> list[Record]:
        """Return the records whose header field `column` has one of these values, with `select`, unexpanded."""
        kind = self.contract.entity(entity).fields[column]
        wanted = {text(value).casefold() for value in values}
        fields = ",".join(dict.fromkeys((column, *select)))
        found: list[Record] = []
        for condition in _conditions(column, kind, values, MAX_QUERY - len(quote(fields)) - 20):
            rows = self._list(entity, {"$select": fields, "$filter": condition})
            if any(text(plain(row, column)).casefold() not in wanted for row in rows):
                raise BadAnswer(f"{entity} answered rows that nobody asked for: it does not apply $filter to {column}.")
            found += rows
        return found

    def by_id(self, entity: str, record_id: str, expand: Iterable[str] = ()) -> Record | None:
        """Return one record whole, None when the tenant has it no more."""
        try:
            path = self.path(entity, record_id, expand)
            return self._one(self.client.request("GET", path, headers=ARCHIVED).json(), entity)
        except RecordRefused as error:
            if error.reason == NO_ENTITY:
                return None
            raise

    def shows(self, entity: str, select: Iterable[str], expand: Iterable[str]) -> bool:
        """Say whether the tenant can show these fields of an entity, by reading at most one record."""
        query = {"$select": ",".join(select), "$expand": ",".join(expand), "$top": "1"}
        if len(_encoded(query)) > MAX_QUERY:
            return False
        try:
            self._list(entity, {name: value for name, value in query.items() if value})
        except (BadAnswer, ConfigError):
            return False
        return True

    def first(self, entity: str, column: str) -> list[Record]:
        """Return at most one record, to see whether the entity may be read."""
        return self._list(entity, {"$select": column, "$top": "1"})

    def branches(self) -> Sequence[Record]:
        """Return the branches of the tenant with their companies; read once (an inquiry is read by PUT)."""
        if not self._branches:
            path = f"{self.root}/{_STRUCTURE}?$expand=Results"
            answer = self.client.request("PUT", path, json={}, safe=True).json()
            self._branches = list(self._one(answer, _STRUCTURE).get("Results") or ())
        return self._branches

    def lookup(
        self, table: str, key_columns: Sequence[str], keys: Sequence[Key], columns: Sequence[str]
    ) -> dict[Key, list[Row]]:
        """Return live rows by key as texts, under the names that were asked for; case and padding do not matter."""
        names = tuple(dict.fromkeys((*key_columns, *columns)))
        by_key: dict[Key, list[Row]] = defaultdict(list)
        for record in self._candidates(table, key_columns, keys, names):
            row = {name: text(plain(record, name)) for name in names} | {"id": str(record.get("id") or "")}
            by_key[tuple(row[name].casefold() for name in key_columns)].append(row)
        folded = {key: tuple(text(part).casefold() for part in key) for key in keys}
        return {key: by_key[fold] for key, fold in folded.items() if fold in by_key}

    def fields(self, table: str) -> Mapping[str, str]:
        """Return the header fields, by kind, of what `lookup` may be asked about; none of what does not exist."""
        if table == BRANCH:
            return self.contract.entity(_STRUCTURE_DETAIL).fields
        if table == ITEM:
            first, *rest = [self.contract.entity(name).fields for name in self._entities(ITEM)] or [{}]
            return {name: kind for name, kind in first.items() if all(name in other for other in rest)}
        return self.contract.entity(table).fields if self.contract.has(table) else {}

    def _candidates(
        self, table: str, key_columns: Sequence[str], keys: Sequence[Key], names: Sequence[str]
    ) -> Iterator[Record]:
        if table == BRANCH:
            yield from self.branches()
            return
        column, values = _telling(key_columns, keys)
        for entity in self._entities(table):
            yield from self.find(entity, column, values, names)

    def _entities(self, table: str) -> tuple[str, ...]:
        """Return the entities that a table's rows are in."""
        return tuple(name for name in _ITEMS if self.contract.has(name)) if table == ITEM else (table,)

    def path(self, entity: str, record_id: str = "", expand: Iterable[str] = (), select: Iterable[str] = ()) -> str:
        """Return the path of an entity or one record of it, with what is to be expanded and shown."""
        query = {"$expand": ",".join(expand), "$select": ",".join(select)}
        given = _encoded({name: value for name, value in query.items() if value})
        place = f"{self.root}/{entity}" + (f"/{record_id}" if record_id else "")
        return f"{place}?{given}" if given else place

    def _list(self, entity: str, query: Mapping[str, str]) -> list[Record]:
        try:
            answer = self.client.request("GET", f"{self.root}/{entity}?{_encoded(query)}", headers=ARCHIVED).json()
        except RecordRefused as error:  # it is not one record that is refused here
            raise ConfigError(f"{entity} cannot be looked up by {query.get('$select')}: {error}") from None
        if not isinstance(answer, list):
            raise BadAnswer(f"{entity} answered no list of records.")
        return answer

    @staticmethod
    def _one(answer: Any, entity: str) -> Record:
        if not isinstance(answer, dict):
            raise BadAnswer(f"{entity} answered no record.")
        return answer


def _encoded(query: Mapping[str, str]) -> str:
    return urlencode(query, safe="$,/", quote_via=quote)


def _telling(columns: Sequence[str], keys: Sequence[Key]) -> tuple[str, list[str]]:
    """Return the one key column to filter by, the one that tells most keys apart, and its values."""
    distinct = [list(dict.fromkeys(key[place] for key in keys)) for place in range(len(columns))]
    best = max(range(len(columns)), key=lambda place: (len(distinct[place]), place))
    return columns[best], distinct[best]


def _conditions(column: str, kind: str, values: Iterable[str], room: int) -> Iterator[str]:
    """Yield `A eq 'x' or A eq 'y'` in pieces that fit into a URL."""
    piece = ""
    for value in dict.fromkeys(values):
        term = f"{column} eq {literal(value, kind)}"
        longer = f"{piece} or {term}" if piece else term
        if piece and len(quote(longer)) > room:
            yield piece
            longer = term
        piece = longer
    if piece:
        yield piece
