"""Reading Singer messages: numbers exact, and no record's content in an error message."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any

import msgspec
from singer_sdk.singerlib.encoding.base import GenericSingerReader
from singer_sdk.singerlib.exceptions import InvalidInputLine

from ml_connector.store.text import storable_structure

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

_NUL = "\\u0000"
"""NUL, as JSON spells it."""

_decoder = msgspec.json.Decoder(float_hook=Decimal)


class DecimalReader(GenericSingerReader[str]):
    """Reads lines with msgspec; every number with a fraction is a Decimal (L7)."""

    lines = 0
    size = 0  # of the current line, in characters
    on_fault: Callable[[BaseException], None] | None = None  # told of what ends the reading early

    def process_lines(
        self, file_input: IO[str] | None, callbacks: dict[str, Callable[[dict[str, Any]], None]]
    ) -> Counter[str]:
        """Hand every message to its callback; whatever ends the reading early is told to `on_fault`, then raised."""
        try:
            return super().process_lines(file_input, callbacks)
        except BaseException as error:
            if self.on_fault:
                self.on_fault(error)
            raise

    @staticmethod
    def assert_line_requires(line_dict: dict[str, Any], requires: set[str]) -> None:
        """Raise InvalidInputLine when a message lacks a part; the message names the part, not the content (L10)."""
        if missing := requires - line_dict.keys():
            kind = line_dict.get("type", "message")
            raise InvalidInputLine(f"a {kind} lacks its {', '.join(sorted(missing))}. Check the tap.")

    @property
    def default_input(self) -> IO[str]:  # noqa: D102
        return sys.stdin

    def deserialize_json(self, line: str) -> dict[str, Any]:
        """Return one message.

        Raises:
            InvalidInputLine: The line is not a JSON object; the message says which line, not what was in it (L10).
        """
        self.lines += 1
        self.size = len(line)
        try:
            message = _decoder.decode(line) if _NUL not in line else _with_stock_reader(line)
        except msgspec.DecodeError:
            message = _with_stock_reader(line)
        if not isinstance(message, dict):
            raise InvalidInputLine(
                f"line {self.lines} is not a Singer message (no JSON object). Records before it are settled; "
                "STATE has not passed it. Check what else the tap prints to stdout."
            )
        return message


def _with_stock_reader(line: str) -> Any:
    """Read what msgspec refuses and Python's own reader takes, such as NaN and lone surrogates; NUL, too."""
    try:
        return storable_structure(json.loads(line, parse_float=Decimal, parse_constant=lambda _: None))
    except ValueError:
        return None
