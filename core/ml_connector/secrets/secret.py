"""A secret in memory: a value whose text forms never show it."""

from __future__ import annotations

import hmac
from typing import NoReturn


class Secret:
    """A secret value; only `reveal()` gives it out, every other text form is masked."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself, for the one place that must send it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")

    @classmethod
    def of(cls, value: str | Secret) -> Secret:
        """Wrap a plain string; a Secret stays as it is."""
        return value if isinstance(value, Secret) else cls(value)
