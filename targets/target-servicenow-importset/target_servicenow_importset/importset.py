"""Writing staging rows: one by one, many single POSTs in a batch, or insertMultiple (apis/servicenow.md §3.1)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ml_connector.delivery.answers import failed
from ml_connector.delivery.sink import Outcome, State
from ml_connector.errors import BadAnswer, ConfigError, ConnectorError, Forbidden, InDoubt, RecordError

from target_servicenow_importset.calls import Call
from target_servicenow_importset.outcomes import imported

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ml_connector.delivery.sink import Effect
    from ml_connector.http import Client, Clock, Reply
    from ml_connector.vendors.servicenow.reader import Reader

    from target_servicenow_importset.rows import Rows
    from target_servicenow_importset.transforms import KeyStyle

LOAD_LOOKS = 20  # looks, a second apart, for the first row of an import set that is still loading


def import_call(effect: Effect, rows: Rows) -> Call:
    """Return the single import POST of one row; it is transformed before it is answered."""
    return Call(effect, "POST", f"/api/now/import/{effect.table}", rows.staging(effect), imported)


class InsertMultiple:
    """Posts many rows in one call; their outcomes are read from the staging table later.

    An unset-up table takes column labels as keys, and stores rows of blanks when it is given names, with 201. So the
    first row of a table goes alone and is read back before any other is sent.
    """

    def __init__(self, client: Client, reader: Reader, rows: Rows, clock: Clock) -> None:
        self._client = client
        self._reader = reader
        self._rows = rows
        self._clock = clock
        self._styles: dict[str, KeyStyle] = {}
        self._lock = threading.Lock()
        self._last: str | None = None  # the newest import set that is transformed later

    def proven(self, table: str) -> bool:
        """Say whether a row of this table was already seen stored under its columns."""
        return table in self._styles

    def prove(self, effect: Effect, styles: Sequence[KeyStyle], *, synchronous: bool) -> Iterator[Outcome]:
        """Send one row under the first of `styles` that stores it whole. Raises ConfigError when none does."""
        missing: list[str] = []
        for style in styles:
            for outcome in self._post([effect], style, synchronous=synchronous):
                if outcome.handle is None:
                    yield outcome
                    continue
                try:
                    missing = self._unstored(effect, outcome.handle)
                except ConnectorError:
                    yield outcome
                    raise
                if not missing:
                    self._styles[effect.table] = style
                    yield outcome
            if len(missing) < len(self._filled(effect)):
                break
        if missing:
            raise ConfigError(
                f"{effect.table}: insertMultiple answered 201, but stored the first row without {', '.join(missing)}; "
                "nothing else was sent. Set key_style to what the table's Insert Multiple record says (label without "
                "one), or use mode: batch."
            )

    def write(self, effects: Sequence[Effect], *, synchronous: bool) -> Iterator[Outcome]:
        """Send rows of one proven table in one call."""
        yield from self._post(effects, self._styles[effects[0].table], synchronous=synchronous)

    def _post(self, effects: Sequence[Effect], style: KeyStyle, *, synchronous: bool) -> Iterator[Outcome]:
        records = [self._rows.staging(effect, style) for effect in effects]
        path = f"/api/now/import/{effects[0].table}/insertMultiple"
        try:
            reply = self._send(path, records) if synchronous else self._send_in_order(path, records)
        except InDoubt as error:
            yield from (failed(effect, error) for effect in effects)
        except (BadAnswer, Forbidden) as error:
            yield from (failed(effect, error) for effect in effects)
            raise
        except RecordError as error:
            if len(effects) == 1:
                yield failed(effects[0], error)
                return
            middle = len(effects) // 2
            for part in (effects[:middle], effects[middle:]):
                yield from self._post(part, style, synchronous=synchronous)
        else:
            yield from _accepted(effects, reply)

    def _send(self, path: str, records: list[dict[str, str]], after: str | None = None) -> Reply:
        params = {"run_after": after} if after else None
        return self._client.request("POST", path, params=params, json={"records": records})

    def _send_in_order(self, path: str, records: list[dict[str, str]]) -> Reply:
        """Send rows that are transformed later, after all sent before: lines must find their header.

        The instance's transformer jobs run side by side; `run_after` makes one import set wait for another.
        """
        with self._lock:
            reply = self._send(path, records, self._last)
            self._last = _import_set(reply) or self._last
            return reply

    def _filled(self, effect: Effect) -> list[str]:
        return [element for element, value in self._rows.plain(effect).items() if value]

    def _unstored(self, effect: Effect, handle: dict[str, Any]) -> list[str]:
        """Return the columns that were sent with a value and are stored blank; none when the row may not be read."""
        filled = self._filled(effect)
        for _ in range(LOAD_LOOKS):
            try:
                stored = self._reader.rows(effect.table, f"sys_import_set={handle['import_set']}", filled)
            except Forbidden:
                return []
            if stored:
                return [element for element in filled if stored[0].get(element) == ""]
            self._clock.sleep(1)
        return []


def _import_set(reply: Reply) -> str | None:
    answer = reply.json()
    return str(answer["import_set_id"]) if isinstance(answer, dict) and answer.get("import_set_id") else None


def _accepted(effects: Sequence[Effect], reply: Reply) -> Iterator[Outcome]:
    import_set = _import_set(reply)
    for number, effect in enumerate(effects):
        if import_set:
            handle = {"import_set": import_set, "row": number}
            message = "loaded, not transformed yet"
            yield Outcome(
                effect,
                State.SENT,
                handle=handle,
                message=message,
                request_id=reply.request_id,
                response=f"HTTP {reply.status}",
            )
        else:
            yield failed(effect, InDoubt("insertMultiple answered without an import_set_id"))
