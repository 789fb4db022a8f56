"""What is asked of Acumatica: what the catalog selects, custom fields, filters in its OData (apis/acumatica.md §3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from ml_connector.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from tap_acumatica.shape import Types

UNASKED = frozenset({"id", "rowNumber", "note", "custom"})
"""What comes without being asked for."""

LONGEST = 1500
"""Characters of a `$select`: IIS takes about 2000 in a query unless it is set up otherwise."""

_CUSTOM: Types = {"custom": "object"}


@dataclass(frozen=True, slots=True)
class Query:
    """The part of a request that is the same for every page of a stream."""

    fields: tuple[str, ...]
    """Everything wanted, by its path."""
    expand: tuple[str, ...]
    custom: tuple[str, ...] = ()
    narrow: bool = False
    """Whether only the fields are asked for, by `$select`; else whole entities."""

    def params(self) -> dict[str, str]:
        """Return the query parameters."""
        parts = {"$expand": self.expand, "$custom": self.custom, "$select": self.fields if self.narrow else ()}
        return {name: ",".join(paths) for name, paths in parts.items() if paths}

    def only(self, names: Collection[str]) -> Query:
        """Return the query for these fields of the entity itself alone."""
        return Query(tuple(names), (), (), narrow=True)

    def paths_of(self, names: Collection[str]) -> list[str]:
        """Return the fields of these names; those of parts alone, if there are any: errors name no part."""
        found = [path for path in self.fields if path.rpartition("/")[2] in names]
        return [path for path in found if "/" in path] or found

    def without(self, paths: Collection[str]) -> Query:
        """Return the query that leaves fields out, and parts of which nothing is left."""
        fields = tuple(path for path in self.fields if path not in paths)
        expand = tuple(part for part in self.expand if any(path.startswith(f"{part}/") for path in fields))
        return replace(self, fields=fields, expand=expand, narrow=True)

    @property
    def is_short(self) -> bool:
        """Whether its `$select` fits into an address."""
        return len(quote(",".join(self.fields), safe="")) <= LONGEST


def query_of(types: Types, mask: Mapping[tuple[str, ...], bool], custom: Sequence[str]) -> Query:
    """Return the query for what the catalog selects; narrow when it leaves out fields of what is read."""
    chosen = list(_chosen(types, mask, (), ""))
    fields = tuple(path for path, kind, wanted in chosen if wanted and kind == "field")
    expand = tuple(path for path, kind, wanted in chosen if wanted and kind == "part")
    narrow = any(kind == "field" and not wanted for _, kind, wanted in chosen)
    asked = tuple(path for path in custom if "/" not in path or path.rpartition("/")[0] in expand)
    query = Query(fields, expand, asked, narrow)
    return query if query.is_short else replace(query, narrow=False)


def _chosen(
    types: Types, mask: Mapping[tuple[str, ...], bool], crumb: tuple[str, ...], path: str
) -> Iterator[tuple[str, str, bool]]:
    """Yield path, kind and whether it is wanted, for every field and part of what is read."""
    for name, kind in types.items():
        below = (*crumb, "properties", name)
        wanted = mask[below]  # a mask answers for what it does not name, too; rows have the crumb of their list
        inner = kind[0] if isinstance(kind, list) else kind
        if isinstance(inner, dict):
            yield path + name, "part", wanted
            if wanted:
                yield from _chosen(inner, mask, below, f"{path}{name}/")
        elif name not in UNASKED:
            yield path + name, "field", wanted


def with_custom(types: Types, paths: Sequence[str]) -> Types:
    """Return types with a free `custom` object wherever a custom field was asked for.

    Raises:
        ConfigError: A path names a part that the entity does not have.
    """
    found = dict(types)
    for path in paths:
        part = path.rpartition("/")[0]
        if not part:
            found |= _CUSTOM
        elif isinstance(kind := found.get(part), list):
            found[part] = [{**kind[0], **_CUSTOM}]
        elif isinstance(kind, dict):
            found[part] = {**kind, **_CUSTOM}
        else:
            raise ConfigError(
                f"`custom_fields`: there is no {part} to read {path} of. Use View.Field or Part/View.Field."
            )
    return found


def modified_from(name: str, moment: str) -> str:
    """Return the filter for what was modified from a moment on; one without a zone is UTC."""
    return f"{name} ge datetimeoffset'{utc(moment)}'"


def after(name: str, key: str) -> str:
    """Return the filter for keys behind one."""
    quoted = key.replace("'", "''")
    return f"{name} gt '{quoted}'"


def utc(moment: str) -> str:
    """Return an ISO moment in UTC, to the millisecond: texts that sort as they follow each other."""
    parsed = datetime.fromisoformat(moment)
    aware = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    return aware.isoformat(timespec="milliseconds")
