"""Canaries: values that must be seen nowhere, and the search for them in every shape a text can give them."""

from __future__ import annotations

import base64
import html
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable


def iban(country: str, account: str) -> str:
    """Return a valid IBAN (ISO 13616)."""
    number = "".join(str(int(each, 36)) for each in f"{account}{country}00")
    return f"{country}{98 - int(number) % 97:02}{account}"


@dataclass(frozen=True)
class Person:
    """One supplier's bank and personal identifiers."""

    email: str
    phone: str
    account: str  # a domestic number, which nothing but its field's name gives away
    iban: str

    @classmethod
    def made(cls, chance: random.Random) -> Person:
        """Return somebody who does not exist."""
        digits = f"{chance.randrange(10**11):011}"
        return cls(
            email=f"canary.{chance.randrange(16**8):08x}@example.com",
            phone=f"+47 9{chance.randrange(10**7):07}",
            account=f"{digits[:4]}.{digits[4:6]}.{digits[6:]}",
            iban=iban("NO", f"{chance.randrange(10**11):011}"),
        )

    @property
    def values(self) -> tuple[str, ...]:
        """All four."""
        return self.email, self.phone, self.account, self.iban


def secret(chance: random.Random) -> str:
    """Return a secret that JSON, URLs, HTML and base64 each change."""
    return f'cnry"{chance.randrange(16**10):010x}/+å&'


def forms(value: str) -> set[bytes]:
    """Return the shapes of a value: as it is, JSON, percent-encoded, HTML, hex, base64 at every alignment."""
    data = value.encode()
    texts = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], html.escape(value)}
    texts |= {quote(value, safe=""), quote(value), quote_plus(value), data.hex(), data.hex().upper(), repr(data)[2:-1]}
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + data).decode()
        inside = whole[(0, 2, 3)[shift] : (shift + len(data)) * 8 // 6]
        texts |= {inside, inside.replace("+", "-").replace("/", "_")}
    return {text.encode() for text in texts if len(text) >= 8}  # shorter ones are found anywhere


@dataclass
class Search:
    """Looks for canaries, and counts where it looked."""

    places: int = 0
    searched: int = 0  # bytes
    hits: list[str] = field(default_factory=list)
    _forms: dict[bytes, str] = field(default_factory=dict)

    def learn(self, canaries: Iterable[str]) -> None:
        """Look for these, too."""
        self._forms |= {form: canary for canary in canaries for form in forms(canary)}

    @property
    def shapes(self) -> int:
        """How many texts are looked for."""
        return len(self._forms)

    def look(self, where: str, data: bytes) -> None:
        """Search one place."""
        self.places += bool(data)
        self.searched += len(data)
        self.hits += [f"{where}: {canary}" for canary in sorted(self.seen(data))]

    def seen(self, data: bytes) -> set[str]:
        """Return the canaries in some data; where they belong, that is the proof that they were used."""
        return {canary for form, canary in self._forms.items() if form in data}
