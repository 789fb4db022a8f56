"""What counts as a bank or personal identifier: by the name of its field, or because it is a valid IBAN (L10)."""

from __future__ import annotations

import re
from functools import lru_cache

_WORDS = re.compile(
    r"bank|iban|bban|swift|giro|clearing|sort_?code|routing_?number|(^|_)bic(_|$)|direct_?debit|mandate|creditor_?id"
    r"|payment_?method_?detail|account_?holder|card_?number|national_?id|personal|social_?security|(^|_)ssn(_|$)"
    r"|birth|passport|phone|mobile|(^|_)fax(_|$)|e_?mail"
)
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_START = re.compile(r"[A-Z][A-Z]\d\d")  # most texts have none, and this is quick to see
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")


@lru_cache(maxsize=4096)
def is_personal(name: str) -> bool:
    """Return whether a field of this name holds a bank or personal identifier; camelCase and snake_case are alike."""
    return _WORDS.search(_HUMPS.sub("_", name).lower()) is not None


def holds_iban(text: str) -> bool:
    """Return whether a text has a valid IBAN in it."""
    return _START.search(text) is not None and any(_is_valid(match) for match in _IBAN.finditer(text))


def without_iban(text: str, mask: str) -> str:
    """Return the text with every valid IBAN in it masked."""
    return _IBAN.sub(lambda match: mask if _is_valid(match) else match.group(), text)


def _is_valid(match: re.Match[str]) -> bool:
    """Return whether the check digits prove it (ISO 13616)."""
    plain = match.group().replace(" ", "")
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1
