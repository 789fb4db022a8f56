"""Ways to tamper with the books by SQL: each does one thing, and says where it should be found."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    import sqlite3
    from collections.abc import Callable, Mapping

    from ml_connector.audit.findings import Finding

COVERED = ("seq", "run_id", "at", "business_key", "kind", "data_hash")
EVENT_COLUMNS = ("seq", "run_id", "at", "business_key", "kind", "data", "data_hash", "previous_hash", "hash")
RUN_COLUMNS = (
    *("id", "pipeline", "kind", "target_id", "target_label", "mapping", "map_version", "started_at", "ended_at"),
    *("outcome", "balance", "message", "exit_code", "head", "replay_of", "actor", "host"),
)
LATER = ("plan", "state_from", "state_to")
"""Columns that only the end of a run binds."""


@dataclass(frozen=True)
class Place:
    """Where a tampering should be found: at one of these events, or of these runs, or of these records."""

    seqs: frozenset[int] = frozenset()
    runs: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()

    def holds(self, finding: Finding) -> bool:
        """Say whether a finding names this place."""
        seqs = {finding.seq, finding.after}
        return bool(self.seqs & seqs) or finding.run_id in self.runs or finding.business_key in self.keys


@dataclass
class Books:
    """A database somebody has write access to, and the chances taken with it."""

    connection: sqlite3.Connection
    chance: random.Random
    events: list[dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        """Read the events."""
        self.events = self.rows("SELECT * FROM events ORDER BY seq")

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        cursor = self.connection.execute(query, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def do(self, statement: str, *values: Any) -> None:
        """Change something; a tampering that changes nothing would prove nothing."""
        assert self.connection.execute(statement, values).rowcount > 0, statement

    def event(self) -> dict[str, Any]:
        """Return any event."""
        return self.chance.choice(self.events)

    def run(self, where: str = "1") -> dict[str, Any]:
        """Return any run that fits."""
        return self.chance.choice(self.rows(f"SELECT * FROM runs WHERE {where} ORDER BY id"))

    def around(self, *seqs: int) -> Place:
        """Return these events with their neighbours in their chains, and the runs of those that end one."""
        pipelines = {row["id"]: row["pipeline"] for row in self.rows("SELECT id, pipeline FROM runs")}
        found: set[int] = set(seqs)
        runs: set[str] = set()
        for seq in seqs:
            mine = next(event for event in self.events if event["seq"] == seq)
            chain = [e for e in self.events if pipelines[e["run_id"]] == pipelines[mine["run_id"]]]
            at = chain.index(mine)
            found |= {event["seq"] for event in chain[max(0, at - 1) : at + 2]}
            if at + 1 == len(chain) or chain[at + 1]["run_id"] != mine["run_id"] or not mine["business_key"]:
                runs.add(mine["run_id"])
        return Place(frozenset(found), frozenset(runs))

    def other(self, value: Any) -> Any:
        """Return another value of the same look."""
        if value is None:
            return "x"
        if isinstance(value, int):
            return value + self.chance.choice([1, 1000])
        at = self.chance.randrange(len(value)) if value else 0
        return value[:at] + ("1" if value[at : at + 1] != "1" else "2") + value[at + 1 :]


def _edit_event(books: Books, column: str) -> Place:
    event = books.event()
    while column == "data" and event["data"] is None:
        event = books.event()
    if column == "seq":
        free = books.events[-1]["seq"] + books.chance.randrange(1, 9)
        books.do("UPDATE events SET seq = ? WHERE seq = ?", free, event["seq"])
        place = books.around(event["seq"])
        return Place(place.seqs | {free}, place.runs | {event["run_id"]})
    changed = books.other(event[column])
    books.do(f"UPDATE events SET {column} = ? WHERE seq = ?", changed, event["seq"])
    return books.around(event["seq"])


def _edit_amount(books: Books) -> Place:
    """Change an amount, and make the event's own hashes right."""
    event = books.event()
    while '"amount"' not in (event["data"] or ""):
        event = books.event()
    told = json.loads(event["data"])
    told["amount"] = f"{told['amount']}0"
    _rehash(event, json.dumps(told))
    books.do(
        "UPDATE events SET data = ?, data_hash = ?, hash = ? WHERE seq = ?",
        *(event["data"], event["data_hash"], event["hash"], event["seq"]),
    )
    return books.around(event["seq"])


def _rehash(event: dict[str, Any], data: str | None) -> None:
    if data is not None:
        event["data"], event["data_hash"] = data, sha256(data.encode()).hexdigest()
    covered = [event["previous_hash"], *(event[name] for name in COVERED)]
    text = json.dumps(covered, separators=(",", ":"), ensure_ascii=False)
    event["hash"] = sha256(text.encode()).hexdigest()


def _take_data(books: Books) -> Place:
    event = books.event()
    while event["data"] is None:
        event = books.event()
    books.do("UPDATE events SET data = NULL WHERE seq = ?", event["seq"])
    return books.around(event["seq"])


def _delete_event(books: Books) -> Place:
    event = books.event()
    place = books.around(event["seq"])
    books.do("DELETE FROM events WHERE seq = ?", event["seq"])
    return Place(place.seqs, place.runs | ({event["run_id"]} if not event["business_key"] else frozenset()))


def _delete_span(books: Books) -> Place:
    at = books.chance.randrange(len(books.events) - 2)
    gone = books.events[at : at + books.chance.randrange(2, 20)]
    place = books.around(*(event["seq"] for event in gone))
    books.do("DELETE FROM events WHERE seq BETWEEN ? AND ?", gone[0]["seq"], gone[-1]["seq"])
    return Place(place.seqs, place.runs | {event["run_id"] for event in gone})


def _insert_event(books: Books) -> Place:
    """Put a well-made event after another one; those behind it move on."""
    before = books.event()
    while before is books.events[-1]:
        before = books.event()
    forged = {**before, "seq": before["seq"] + 1, "previous_hash": before["hash"], "kind": "delivered"}
    _rehash(forged, '{"state":"delivered"}')
    for event in reversed(books.events):
        if event["seq"] > before["seq"]:
            books.do("UPDATE events SET seq = seq + 1 WHERE seq = ?", event["seq"])
    books.do(f"INSERT INTO events ({','.join(forged)}) VALUES ({','.join('?' * len(forged))})", *forged.values())
    place = books.around(before["seq"])
    return Place(place.seqs | {forged["seq"], forged["seq"] + 1}, place.runs | {before["run_id"]})


def _swap_events(books: Books) -> Place:
    one, two = books.chance.sample(books.events, 2)
    return _exchange(books, one, two)


def _swap_neighbours(books: Books) -> Place:
    at = books.chance.randrange(len(books.events) - 1)
    return _exchange(books, books.events[at], books.events[at + 1])


def _exchange(books: Books, one: dict[str, Any], two: dict[str, Any]) -> Place:
    place = books.around(one["seq"], two["seq"])
    for seq, event in ((one["seq"], two), (two["seq"], one)):
        names = [name for name in event if name != "seq"]
        changed = ", ".join(f"{name} = ?" for name in names)
        books.do(f"UPDATE events SET {changed} WHERE seq = ?", *(event[name] for name in names), seq)
    return place


def _cut_run(books: Books) -> Place:
    """Cut off the end of a run that is not its pipeline's newest, and make its line look killed."""
    run = books.run("id NOT IN (SELECT max(id) FROM runs GROUP BY pipeline) AND ended_at IS NOT NULL")
    mine = [event["seq"] for event in books.events if event["run_id"] == run["id"]]
    kept = mine[: books.chance.randrange(1, len(mine))]
    place = books.around(kept[-1], mine[-1])
    books.do("DELETE FROM events WHERE run_id = ? AND seq > ?", run["id"], kept[-1])
    emptied = "ended_at = NULL, outcome = 'running', balance = NULL, message = NULL, exit_code = NULL, head = NULL"
    books.do(f"UPDATE runs SET {emptied} WHERE id = ?", run["id"])
    books.connection.execute("DELETE FROM tallies WHERE run_id = ?", (run["id"],))
    return Place(place.seqs, frozenset({run["id"]}))


def _delete_run(books: Books) -> Place:
    """Take a run away altogether; not the very last, which only a head kept elsewhere proves."""
    run = books.run("id != (SELECT run_id FROM events ORDER BY seq DESC LIMIT 1)")
    return _without(books, [run])


def _delete_newest_of_pipeline(books: Books) -> Place:
    run = books.run("id IN (SELECT max(id) FROM runs WHERE pipeline != 'south' GROUP BY pipeline)")
    return _without(books, [run])


def _delete_pipeline(books: Books) -> Place:
    name = books.chance.choice(["north", "audit"])
    return _without(books, books.rows("SELECT * FROM runs WHERE pipeline = ?", name))


def _without(books: Books, runs: list[dict[str, Any]]) -> Place:
    ids = {run["id"] for run in runs}
    mine = [event["seq"] for event in books.events if event["run_id"] in ids]
    place = books.around(*mine)
    for run_id in ids:
        for table, column in (("events", "run_id"), ("tallies", "run_id"), ("runs", "id")):
            books.connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (run_id,))
    return Place(place.seqs)


def _edit_run(books: Books) -> Place:
    run, column = books.run(), books.chance.choice(RUN_COLUMNS)
    books.do(f"UPDATE runs SET {column} = ? WHERE id = ?", books.other(run[column]), run["id"])
    return Place(runs=frozenset({run["id"]}))


def _edit_ended_run(books: Books) -> Place:
    run, column = books.run("ended_at IS NOT NULL"), books.chance.choice(LATER)
    books.do(f"UPDATE runs SET {column} = ? WHERE id = ?", books.other(run[column]), run["id"])
    return Place(runs=frozenset({run["id"]}))


def _delete_line(books: Books) -> Place:
    run = books.run()
    books.do("DELETE FROM runs WHERE id = ?", run["id"])
    return Place(runs=frozenset({run["id"]}))


def _insert_line(books: Books) -> Place:
    run = books.run() | {"id": "20200101T000000-ffffff", "started_at": "2020-01-01T00:00:00.000000+00:00"}
    books.do(f"INSERT INTO runs ({','.join(run)}) VALUES ({','.join('?' * len(run))})", *run.values())
    return Place(runs=frozenset({run["id"]}))


def _swap_runs(books: Books) -> Place:
    """Exchange the names of two runs, in their lines, their events and their tallies."""
    one, two = books.run(), books.run()
    while one["id"] == two["id"]:
        two = books.run()
    for table, column in (("runs", "id"), ("events", "run_id"), ("tallies", "run_id")):
        for old, new in ((one["id"], "x"), (two["id"], one["id"]), ("x", two["id"])):
            books.connection.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (new, old))
    return Place(runs=frozenset({one["id"], two["id"]}))


def _edit_tally(books: Books) -> Place:
    line = books.chance.choice(books.rows("SELECT rowid AS number, * FROM tallies ORDER BY rowid"))
    column = books.chance.choice([name for name in line if name != "number"])
    changed = books.other(line[column])
    books.do(f"UPDATE tallies SET {column} = ? WHERE rowid = ?", changed, line["number"])
    return Place(runs=frozenset({line["run_id"]}))


def _delete_tally(books: Books) -> Place:
    line = books.chance.choice(books.rows("SELECT rowid AS number, * FROM tallies ORDER BY rowid"))
    books.do("DELETE FROM tallies WHERE rowid = ?", line["number"])
    return Place(runs=frozenset({line["run_id"]}))


def _insert_tally(books: Books) -> Place:
    run_id = books.run()["id"]
    books.do("INSERT INTO tallies VALUES (?, 'NO01', 'supplier_invoices', 'delivered', '', 'EUR', 1, '5')", run_id)
    return Place(runs=frozenset({run_id}))


def _edit_delivery(books: Books) -> Place:
    columns = ["state", "amount", "currency", "source_hash", "business_key", "target_id"]
    line = books.chance.choice(books.rows("SELECT * FROM deliveries ORDER BY id"))
    column = books.chance.choice(columns)
    changed = books.other(line[column])
    books.do(f"UPDATE deliveries SET {column} = ? WHERE id = ?", changed, line["id"])
    return Place(keys=frozenset({line["business_key"], changed if column == "business_key" else ""} - {""}))


def _edit_row(books: Books) -> Place:
    line = books.chance.choice(
        books.rows(
            "SELECT e.*, d.business_key FROM effects e JOIN deliveries d ON d.id = e.delivery_id "
            "WHERE e.state = 'delivered' ORDER BY e.id"
        )
    )
    column = books.chance.choice(["state", "action", "remote_id"])
    books.do(f"UPDATE effects SET {column} = ? WHERE id = ?", books.other(line[column]), line["id"])
    return Place(keys=frozenset({line["business_key"]}))


def _delete_delivery(books: Books) -> Place:
    line = books.chance.choice(books.rows("SELECT * FROM deliveries ORDER BY id"))
    books.connection.execute("DELETE FROM effects WHERE delivery_id = ?", (line["id"],))
    books.do("DELETE FROM deliveries WHERE id = ?", line["id"])
    return Place(keys=frozenset({line["business_key"]}))


def _insert_delivery(books: Books) -> Place:
    line = books.chance.choice(books.rows("SELECT * FROM deliveries ORDER BY id"))
    line |= {"id": 1_000_000, "business_key": "erp:NO01:supplier_invoices:forged"}
    books.do(f"INSERT INTO deliveries ({','.join(line)}) VALUES ({','.join('?' * len(line))})", *line.values())
    return Place(keys=frozenset({line["business_key"]}))


KINDS: Mapping[str, Callable[[Books], Place]] = MappingProxyType(
    {
        **{f"edit events.{name}": partial(_edit_event, column=name) for name in EVENT_COLUMNS},
        "edit an amount, its hashes made right": _edit_amount,
        "take an event's data away": _take_data,
        "delete an event": _delete_event,
        "delete a span of events": _delete_span,
        "insert a well-made event": _insert_event,
        "swap two events": _swap_events,
        "swap two neighbours": _swap_neighbours,
        "cut off the end of an earlier run": _cut_run,
        "delete a run altogether": _delete_run,
        "delete the newest run of a pipeline": _delete_newest_of_pipeline,
        "delete a whole pipeline": _delete_pipeline,
        "edit runs, any column": _edit_run,
        "edit runs, what its end binds": _edit_ended_run,
        "delete a line of runs": _delete_line,
        "insert a line into runs": _insert_line,
        "swap two runs": _swap_runs,
        "edit tallies, any column": _edit_tally,
        "delete a tally": _delete_tally,
        "insert a tally": _insert_tally,
        "edit a delivery": _edit_delivery,
        "edit a row of a delivery": _edit_row,
        "delete a delivery": _delete_delivery,
        "insert a delivery": _insert_delivery,
    }
)


def rewrite(books: Books) -> None:
    """Change something and write every hash behind it anew: the chain itself cannot tell."""
    changed = books.event()
    while '"amount"' not in (changed["data"] or ""):
        changed = books.event()
    told = json.loads(changed["data"])
    changed["data"] = json.dumps({**told, "amount": f"{told['amount']}0"})
    if _is_last_word(books, changed):
        amended = "UPDATE deliveries SET amount = amount || '0' WHERE business_key = ? AND amount = ?"
        books.do(amended, changed["business_key"], told["amount"])
    _chain_anew(books)


def _is_last_word(books: Books, event: dict[str, Any]) -> bool:
    mine = [each["seq"] for each in books.events if each["business_key"] == event["business_key"]]
    return bool(mine[-1] == event["seq"])


def _chain_anew(books: Books) -> None:
    """Write the hashes of all events, the heads that runs saw, and the heads in the runs' lines."""
    pipelines = {row["id"]: row["pipeline"] for row in books.rows("SELECT id, pipeline FROM runs")}
    newest: dict[str, str] = {}
    now: dict[int, str] = {}
    for event in books.events:
        pipeline = pipelines[event["run_id"]]
        event["previous_hash"] = newest.get(pipeline, "0" * 64)
        data = event["data"]
        if event["kind"] == "run_started":
            told = json.loads(data)
            told["heads"] = {name: [seq, now[seq]] for name, (seq, _) in told["heads"].items()}
            data = json.dumps(told)
        _rehash(event, data)
        newest[pipeline] = now[event["seq"]] = event["hash"]
        books.do(
            "UPDATE events SET data = ?, data_hash = ?, previous_hash = ?, hash = ? WHERE seq = ?",
            *(event[name] for name in ("data", "data_hash", "previous_hash", "hash", "seq")),
        )
        if event["kind"] == "run_ended":
            books.do("UPDATE runs SET head = ? WHERE id = ?", event["hash"], event["run_id"])


def truncate(books: Books) -> None:
    """Cut off the newest run or runs of all pipelines, with all they left behind."""
    newest = [
        row["run_id"] for row in books.rows("SELECT run_id, max(seq) FROM events GROUP BY run_id ORDER BY 2 DESC")
    ]
    for run_id in newest[: books.chance.randrange(1, 4)]:
        for table, column in (("events", "run_id"), ("tallies", "run_id"), ("runs", "id")):
            books.connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (run_id,))
