"""`ml-connector trace`: one record's whole story."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ml_connector.audit.batches import find_batch
from ml_connector.audit.find import find
from ml_connector.audit.trace import story
from ml_connector.cli.desk import Desk, Stop, verb
from ml_connector.cli.trace_batch import batch_picture
from ml_connector.errors import ConfigError
from ml_connector.words import age, many, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from rich.console import RenderableType

    from ml_connector.audit.find import Hit

_COLOURS = {"delivered": "green", "parked": "yellow", "refused": "red", "failed": "red", "in_doubt": "magenta"}


@click.command()
@click.argument("key", metavar="KEY")
@verb
def trace(desk: Desk, key: str) -> int:
    """Tell one record's whole story: where it was read, what was sent, what came of it, who decided what.

    KEY is a business key or its end (Invoice/100023), a document's number or title, the id of a row in the target
    (sys_id), or the number of a dead letter (#12). When it means several records, they are listed. It may also be the
    id of a batch that a bulk run has loaded.
    """
    with desk.reading() as connection:
        if (batch := find_batch(connection, key)) is not None:
            desk.show(batch.as_data(), lambda: batch_picture(batch))
            return 0
        hits = find(connection, key)
        if not hits:
            raise Stop(f"no record and no batch is known by {key!r}.", "ml-connector status")
        told = story(connection, hits[0]).as_data() if len(hits) == 1 else {}
    if told:
        desk.show(told, lambda: story_picture(told))
        return 0
    desk.show({"hits": [hit.as_data() for hit in hits]}, lambda: _choice(key, hits))
    return ConfigError.exit_code


def _choice(key: str, hits: Sequence[Hit]) -> RenderableType:
    table = Table("key", "what", "state", "amount", "target", box=None, pad_edge=False)
    for hit in hits:
        amount = f"{hit.currency or ''} {hit.amount or ''}".strip()
        table.add_row(*map(Text, (hit.business_key, hit.title, plain(hit.state), amount, hit.target_id)))
    head = Text(f"{key!r} means {many(len(hits), 'record')}:")
    same = len({hit.business_key for hit in hits}) == 1
    narrow = "the id of one of their rows in the target" if same else "the whole key"
    return Group(head, "", table, "", Text(f"Narrow it by {narrow}; next: ml-connector trace {hits[0].business_key}"))


def story_picture(told: Mapping[str, Any]) -> RenderableType:
    """Return a record's story for people."""
    record = told["record"]
    state = Text(plain(record["state"]), _COLOURS.get(record["state"], ""))
    head = Text.assemble((record["title"] or record["business_key"], "bold"), "  ", state)
    parts: list[RenderableType] = [head, _facts(record), "", Text("Story", "bold"), _timeline(told["steps"])]
    if told["rows"]:
        parts += ["", Text("Its rows in the target", "bold"), _rows(told["rows"])]
    if told["links"]:
        parts += ["", Text("In the other system", "bold"), *map(_link, told["links"])]
    return Group(*parts, "", Text("Balance", "bold"), _balance(record, told["balance"]))


def _link(link: Mapping[str, Any]) -> Text:
    """Return one line: what it was written as, and what became of it when it was read back; or what it came of."""
    told = "not read back yet"
    if link["state"]:
        cause = f", {link['reason']}" if link["reason"] else ""
        told = f"{plain(link['state'])}{cause} since {_time(link['since'])} by {link['pipeline']}"
    words = "written as" if link["kind"] == "written_as" else "written of"
    return Text.assemble(f"{words} {link['business_key']}", (f"  {told}", "dim"))


def _facts(record: Mapping[str, Any]) -> RenderableType:
    facts = {
        "key": record["business_key"],
        "what": ", ".join(filter(None, (f"{record['company']} {plain(record['record_type'])}", _in_source(record)))),
        "amount": f"{record['currency'] or ''} {record['amount']}".strip() if record["amount"] else None,
        "dated": " · period ".join(filter(None, (record["document_date"], record["period"]))),
        "target": record["target_id"],
        "pipeline": record["pipeline"],
        "since": f"{_time(record['since'])} ({age(record['since'])})",
        "cause": record["reason"],
        "in words": record["message"],
        "to do": record["suggestion"],
        "verified": _time(record["verified_at"]) if record["verified_at"] else None,
        "next try": _time(record["next_attempt_at"]) if record["next_attempt_at"] else None,
    }
    grid = Table.grid(padding=(0, 2))
    for name, words in facts.items():
        if words:
            grid.add_row(Text(name, "dim"), Text(words))
    return grid


def _in_source(record: Mapping[str, Any]) -> str:
    return f"{record['source_state']} in the source" if record["source_state"] else ""


def _timeline(steps: Sequence[Mapping[str, Any]]) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    run_id = None
    for step in steps:
        if step["run_id"] not in (None, run_id):
            run_id = step["run_id"]
            grid.add_row("", Text(f"run {run_id}", "dim italic"))
        what = Text(step["what"])
        what.append(f"  by {step['who']}" if step["who"] else "", "cyan")
        what.append(f": {step['why']}" if step["why"] else "", "italic")
        grid.add_row(Text(_time(step["at"]), "dim"), what)
        for line in step["details"]:
            grid.add_row("", Padding(Text(line, "dim"), (0, 0, 0, 2)))
    return grid


def _rows(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    table = Table("row", "table", "state", "id there", "answer", box=None, pad_edge=False)
    for row in rows:
        state = f"{plain(row['state'])} ({row['action']})" if row["action"] else plain(row["state"])
        cells = (row["name"], row["table_name"], state, row["remote_id"], row["response"])
        table.add_row(*(Text(cell or "") for cell in cells))
        times = {"sent": _time(row["sent_at"]), "settled": _time(row["settled_at"]), "request": row["request_id"]}
        table.add_row("", Text("\n".join(f"{name} {told}" for name, told in times.items() if told), "dim"))
    return table


def _balance(record: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> Text:
    outcome = plain(record["run_outcome"])
    if not lines:
        return Text(f"counts as {outcome} in run {record['last_run']}, whose balance is not struck yet")
    line = lines[0]
    cause = f", {line['reason']}" if line["reason"] else ""
    total = f"{line['currency']} {line['amount']}".strip()
    words = f"counts as {outcome}{cause} in run {line['run_id']}: {many(line['count'], 'record')}, {total}"
    return Text(f"{words}; that run is {plain(line['balance'] or line['outcome'])}")


def _time(text: str | None) -> str:
    return text[:19].replace("T", " ") if text else ""
