"""How many requests connectors make: counted by the server that answers them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True)
class Calls:
    """What one connector needed for so many records."""

    connector: str
    case: str
    records: int
    calls: int

    @property
    def per_thousand(self) -> float:
        """Calls for 1,000 records."""
        return self.calls * 1000 / self.records


class Counter:
    """Counts the requests that a simulator got in a while."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/_sim/requests"
        self.count = 0

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Set `count` to the requests that came meanwhile."""
        requests.delete(self._url, timeout=60)
        yield
        self.count = len(requests.get(self._url, timeout=60).json())


def tell(found: Iterable[Calls]) -> None:
    """Print a table."""
    rows = list(found)
    print(f"\n{'connector':30}{'what':36}{'records':>9}{'requests':>10}{'per 1,000':>11}")
    for each in rows:
        print(f"{each.connector:30}{each.case:36}{each.records:>9}{each.calls:>10}{each.per_thousand:>11.4g}")
