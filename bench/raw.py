"""The least a tap could do: fetch pages with requests, decode and encode with msgspec, one page ahead or more."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE = 1000
Rows = list[Any]
decode = msgspec.json.Decoder().decode


def in_order(page: Callable[[int], Rows], first: int, end: int, together: int) -> Iterator[Rows]:
    """Yield the pages of these numbers, so many requested at once."""
    with ThreadPoolExecutor(together) as pool:
        waiting = [pool.submit(page, number) for number in range(first, min(first + together, end))]
        for number in range(first, end):
            rows = waiting.pop(0).result()
            if number + together < end:
                waiting.append(pool.submit(page, number + together))
            yield rows


def until_short(page: Callable[[int], Rows]) -> Iterator[Rows]:
    """Yield pages from number 0 on until one is short; the next one is fetched while one is written."""
    with ThreadPoolExecutor(1) as pool:
        number, coming = 0, pool.submit(page, 0)
        while len(rows := coming.result()) == PAGE:
            number += 1
            coming = pool.submit(page, number)
            yield rows
        yield rows


def main(stream: str, read: Callable[[dict[str, Any]], Iterator[Rows]]) -> None:
    """Write what `read` yields with the settings of the file in argument 1 as Singer records."""
    with open(sys.argv[1]) as file:  # noqa: PTH123
        config = json.load(file)
    encode = msgspec.json.Encoder().encode_lines
    for rows in read(config):
        sys.stdout.buffer.write(encode([{"type": "RECORD", "stream": stream, "record": row} for row in rows]))
