"""What counts as a bank or personal identifier: by the name of its field, or because it is a valid IBAN (L10)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NESTED = (dict, list)
"""What a JSON structure has inside."""

_WORDS = re.compile(
    r"bank|iban|bban|swift|giro|clearing|sort_?code|routing_?number|(^|_)bic(_|$)|direct_?debit|mandate|creditor_?id"
    r"|payment_?(method_?detail|instruction)|account_?holder|card_?number|national_?id|personal|social_?security|(^|_)ssn(_|$)"
    r"|birth|passport|phone|mobile|(^|_)fax(_|$)|e_?mail"
)
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_START = re.compile(r"[A-Z][A-Z]\d\d")  # most texts have none, and this is quick to see
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")


@lru_cache(maxsize=4096)
def is_personal(name: str) -> bool:
    """Return whether a field of this name holds a bank or personal identifier; camelCase and snake_case are alike."""
    return _WORDS.search(_HUMPS.sub("_", name).lower()) is not None


@lru_cache(maxsize=4096)
def personal_among(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return which fields of a shape are personal, worked out once per shape."""
    return tuple(name for name in names if is_personal(name))


def has_personal(schema: Mapping[str, Any]) -> bool:
    """Return whether a JSON schema knows a personal field."""
    properties = schema.get("properties") or {}
    items = [schema["items"]] if schema.get("items") else []
    return any(map(is_personal, properties)) or any(map(has_personal, (*properties.values(), *items)))


def personal_values(structure: Any) -> set[str]:
    """Return the texts in a structure's personal fields, and its IBANs: what is kept out of words about it."""
    found: set[str] = set()
    if structure.__class__ is dict:
        for name in personal_among(tuple(structure)):
            found.update(texts_of(structure[name]))
    for value in structure.values() if structure.__class__ is dict else structure:
        if value.__class__ in NESTED:
            found |= personal_values(value)
        elif value.__class__ is str and _START.search(value) is not None:
            found.update(match.group() for match in _IBAN.finditer(value) if _is_valid(match))
    return found


def texts_of(value: Any) -> Iterator[str]:
    """Yield a personal value, or what is in it, as texts: as it stands, and without blanks."""
    if value.__class__ in NESTED:
        for inner in value.values() if value.__class__ is dict else value:
            yield from texts_of(inner)
    elif value is not None and not isinstance(value, bool):
        yield from {str(value), str(value).replace(" ", "")}


def holds_iban(text: str) -> bool:
    """Return whether a text has a valid IBAN in it."""
    return _START.search(text) is not None and any(_is_valid(match) for match in _IBAN.finditer(text))


def without_iban(text: str, mask: str) -> str:
    """Return the text with every valid IBAN in it masked."""
    if _START.search(text) is None:
        return text
    return _IBAN.sub(lambda match: mask if _is_valid(match) else match.group(), text)


def _is_valid(match: re.Match[str]) -> bool:
    """Return whether the check digits prove it (ISO 13616)."""
    plain = match.group().replace(" ", "")
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1
