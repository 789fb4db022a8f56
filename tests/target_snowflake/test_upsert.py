"""Rows by key: who wins, what a record that says little leaves alone, what is deleted, and what is not rewritten."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from ml_connector.errors import ConfigError, ConnectorError

from tests.target_snowflake.conftest import record, schema, state

PROPERTIES = {"id": "integer", "name": "string", "amount": "number", "lines": "array"}
BOTH_WAYS = pytest.mark.parametrize("upsert_by", ["delete_insert", "merge"])


def rows(loading, table="ITEMS"):
    found = loading.table(table, "ID", "NAME", "AMOUNT::VARCHAR", "LINES::VARCHAR")
    return [(key, name, amount and amount.rstrip("0").rstrip("."), lines) for key, name, amount, lines in found]


def item(**values):
    return record("items", **values)


WHOLE = [item(id=1, name="a", amount=1, lines=[1]), item(id=2, name="b", amount=2, lines=None)]


@pytest.mark.parametrize("upsert_by", ["merge"])
def test_the_last_record_of_a_key_wins_within_a_batch_and_over_batches(loading, upsert_by):
    many = [item(id=n % 3, name=f"{n}", amount=n, lines=[n]) for n in range(30)]
    loading.here(schema("items", PROPERTIES, ["id"]), *many, state({"at": 30}), batch_size_rows=7, upsert_by=upsert_by)
    assert rows(loading) == [(0, "27", "27", "[27]"), (1, "28", "28", "[28]"), (2, "29", "29", "[29]")]
    counts = loading.rows(
        'SELECT SUM(ROWS_STAGED), SUM(ROWS_NEW + ROWS_CHANGED), SUM(ROWS_SUPERSEDED) FROM "_ML_LOADS"'
    )
    assert [int(count) for count in counts[0]] == [30, 14, 16]  # four batches with three keys, one with two


@BOTH_WAYS
def test_a_record_that_lacks_properties_leaves_them_as_they_are(loading, upsert_by):
    loading.here(schema("items", PROPERTIES, ["id"]), *WHOLE, upsert_by=upsert_by)
    loading.here(
        schema("items", PROPERTIES, ["id"]),
        item(id=1, amount=10),
        item(id=1, name="A"),  # several of one key, each saying something else
        item(id=2, lines=[2]),
        item(id=2, name="B", amount=None, lines=[3]),  # whole, and empty on purpose
        item(id=3, name="c"),  # before any whole one
        item(id=3, amount=3),
        upsert_by=upsert_by,
    )
    assert rows(loading) == [(1, "A", "10", "[1]"), (2, "B", None, "[3]"), (3, "c", "3", None)]


def test_the_same_last_record_after_another_one_before_it_is_not_taken_for_unchanged(loading):
    loading.here(schema("items", PROPERTIES, ["id"]), item(id=1, amount=1, lines=[]), item(id=1, name="a"))
    loading.here(schema("items", PROPERTIES, ["id"]), item(id=1, amount=9, lines=[]), item(id=1, name="a"))
    assert rows(loading) == [(1, "a", "9", "[]")]


def test_absent_properties_can_be_made_null(loading):
    loading.here(schema("items", PROPERTIES, ["id"]), *WHOLE)
    loading.here(schema("items", PROPERTIES, ["id"]), item(id=1, name="A"), absent_properties="null")
    loading.here(schema("items", PROPERTIES, ["id"], schema_says=1), item(id=3, name="c"))
    whole = schema("items", PROPERTIES, ["id"])
    whole["schema"]["x-whole-records"] = True
    loading.here(whole, item(id=2, name="B"))
    assert rows(loading) == [(1, "A", None, None), (2, "B", None, None), (3, "c", None, None)]


@BOTH_WAYS
def test_unchanged_rows_are_not_rewritten(loading, upsert_by):
    loading.here(schema("items", PROPERTIES, ["id"]), *WHOLE, upsert_by=upsert_by)
    before = loading.table("ITEMS", "ID", "_ML_BATCH_ID", "_ML_RUN_ID")
    loading.here(schema("items", PROPERTIES, ["id"]), *WHOLE, upsert_by=upsert_by)
    assert loading.table("ITEMS", "ID", "_ML_BATCH_ID", "_ML_RUN_ID") == before
    loading.here(schema("items", PROPERTIES, ["id"]), WHOLE[0], item(id=2, name="x", amount=2, lines=None))
    after = loading.table("ITEMS", "ID", "_ML_BATCH_ID", "_ML_RUN_ID")
    assert after[0] == before[0]
    assert after[1][1] != before[1][1]
    counts = loading.table("_ML_LOADS", "LOADED_AT", "ROWS_NEW", "ROWS_CHANGED", "ROWS_UNCHANGED")
    assert [row[1:] for row in counts] == [(2, 0, 0), (0, 0, 2), (0, 1, 1)]


@pytest.mark.parametrize("upsert_by", ["merge"])
def test_keys_of_several_parts_and_of_companies(loading, upsert_by):
    properties = {"_company": "string", "kind": "string", "no": "integer", "name": "string"}
    message = schema("documents", properties, ["_company", "kind", "no"])

    def document(company, kind, no, name):
        return record("documents", _company=company, kind=kind, no=no, name=name)

    loading.here(
        message,
        document("NO01", "A", 1, "a"),
        document("SE02", "A", 1, "b"),
        document("NO01", "B", 1, "c"),
        upsert_by=upsert_by,
    )
    loading.here(message, document("SE02", "A", 1, "changed"), upsert_by=upsert_by)
    found = loading.table("DOCUMENTS", "_COMPANY", "KIND", "NO", "NAME")
    assert found == [("NO01", "A", 1, "a"), ("NO01", "B", 1, "c"), ("SE02", "A", 1, "changed")]


@pytest.mark.parametrize("hard_delete", [False, True])
@BOTH_WAYS
def test_deleted_and_back_again(loading, upsert_by, hard_delete):
    settings = {"upsert_by": upsert_by, "hard_delete": hard_delete}
    gone = "2026-01-01T00:00:00Z"
    message = schema("items", PROPERTIES, ["id"])
    loading.here(message, *WHOLE, item(id=3, name="c"), **settings)
    loading.here(
        message,
        item(id=1, _sdc_deleted_at=gone),
        item(id=4, _sdc_deleted_at=gone, name="never here"),
        item(id=3, _sdc_deleted_at=gone),
        item(id=3, name="again"),
        **settings,
    )
    deleted = loading.table("ITEMS", "ID", "_SDC_DELETED_AT IS NOT NULL")
    assert deleted == ([(2, False), (3, False)] if hard_delete else [(1, True), (2, False), (3, False), (4, True)])
    loading.here(message, *WHOLE, **settings)
    assert loading.table("ITEMS", "ID", "NAME", "_SDC_DELETED_AT IS NOT NULL")[:3] == [
        (1, "a", False),
        (2, "b", False),
        (3, "again", False),
    ]


@pytest.mark.parametrize("hard_delete", [False, True])
def test_activate_version_spares_companies_that_did_not_come(loading, hard_delete):
    message = schema("parts", {"_company": "string", "id": "integer", "name": "string"}, ["_company", "id"])

    def part(company, key, version, name="x"):
        return record("parts", _company=company, id=key, name=name) | {"version": version}

    def activate(version):
        return {"type": "ACTIVATE_VERSION", "stream": "parts", "version": version}

    loading.here(message, part("NO", 1, 1), part("NO", 2, 1), part("SE", 1, 1), activate(1), hard_delete=hard_delete)
    passed = loading.here(message, part("NO", 1, 2), activate(2), state({"v": 2}), hard_delete=hard_delete)
    assert passed == [{"v": 2}]
    found = loading.table("PARTS", "_COMPANY", "ID", "_SDC_TABLE_VERSION", "_SDC_DELETED_AT IS NOT NULL")
    kept = [("NO", 1, 2, False), ("SE", 1, 1, False)]
    assert found == (kept if hard_delete else [kept[0], ("NO", 2, 1, True), kept[1]])
    loading.here(message, part("NO", 2, 3), activate(2), hard_delete=hard_delete)  # it is back
    assert ("NO", 2, 3, False) in loading.table(
        "PARTS", "_COMPANY", "ID", "_SDC_TABLE_VERSION", "_SDC_DELETED_AT IS NOT NULL"
    )


def test_append_keeps_every_record(loading):
    message = schema("items", PROPERTIES, ["id"])
    loading.here(message, *WHOLE, item(id=1), item(id=1, name="z"), load_method="append")
    loading.here(message, *WHOLE, load_method="append")
    assert [row[0] for row in rows(loading)] == [1, 1, 1, 1, 2, 2]
    no_key = schema("notes", {"text": "string", "n": "integer"}, [])
    loading.here(no_key, record("notes", text="a"), record("notes", text="a"), record("notes", n=1))
    assert loading.table("NOTES", "TEXT", "N") == [("a", None), ("a", None), (None, 1)]


# a whole table replaced


def complete(stream, *, to_the_end):
    """Return a STATE that tells whether a tap of this house read a stream to its end."""
    totals = {"fetched": "1", "emitted": "1", "dropped": {}, "sums": {}, "amount": None, "currency": None}
    return state({"ml_connector": {"version": 1, "streams": {stream: {**totals, "complete": to_the_end}}}})


def test_overwrite_replaces_the_rows_of_the_companies_that_came(loading):
    message = schema("stock", {"_company": "string", "id": "integer", "qty": "number"}, ["id"])

    def stock(company, key, qty):
        return record("stock", _company=company, id=key, qty=qty)

    loading.here(message, *[stock("NO", n, 1) for n in range(4)], stock("SE", 11, 1), stock(None, 21, 1))
    loading.rows('ALTER TABLE "STOCK" ADD COLUMN "NOTE" VARCHAR')
    loading.rows('UPDATE "STOCK" SET "NOTE" = \'by hand\'')
    passed = loading.here(
        message,
        stock("NO", 0, 2),
        state({"n": 2}),
        stock("NO", 9, 2),
        stock(None, 22, 2),  # of no company: the others stay all the same
        state({"n": 3}),
        load_method="overwrite",
    )
    assert passed == [{"n": 3}]  # none before the table is replaced
    assert loading.table("STOCK", "ID", "_COMPANY", "QTY::INT", "NOTE") == [
        (0, "NO", 2, None),
        (9, "NO", 2, None),
        (11, "SE", 1, "by hand"),
        (22, None, 2, None),
    ]
    assert loading.rows("SHOW TABLES LIKE '_ML_N%'") == []


def test_overwrite_guards_against_taps_that_did_not_read_to_the_end(loading):
    message = schema("stock", {"id": "integer"}, ["id"])
    every = [record("stock", id=n) for n in range(6)]
    loading.here(message, *every, load_method="overwrite")
    for messages, words in (
        ([every[0]], "1 rows came, and STOCK has 6"),
        ([], "0 rows came, and STOCK has 6"),
        ([*every, complete("stock", to_the_end=False)], "did not read it to its end"),
    ):
        with pytest.raises(ConfigError, match=words):
            loading.here(message, *messages, load_method="overwrite")
        assert len(loading.table("STOCK", "ID")) == 6
    loading.here(message, every[0], complete("stock", to_the_end=True), load_method="overwrite")
    assert loading.table("STOCK", "ID") == [(0,)]  # nothing of the runs that were stopped
    loading.here(message, complete("stock", to_the_end=True), load_method="overwrite")
    assert loading.table("STOCK", "ID") == []


# tables that change


def test_a_type_that_changes_gets_a_column_of_its_own_and_no_value_is_lost(loading):
    first = {"id": "integer", "n": "integer", "d": {"type": "string", "format": "date"}, "x": "number", "t": "string"}
    second = {
        "id": "integer",
        "n": "number",
        "d": {"type": ["string", "null"], "format": "date-time"},
        "x": "string",
        "t": {"type": ["string", "integer", "null"]},
    }
    loading.here(
        schema("facts", first, ["id"]),
        record("facts", id=1, n=1, d="2026-01-01", x=1.5, t="a"),
        record("facts", id=2, n=2, d="2026-01-02", x=2.5, t="b"),
        record("facts", id=3, n=3, d="2026-01-03", x=3.1234567891, t="c"),
        schema("facts", second, ["id"]),
        record("facts", id=1, n=1.25, d="2026-01-01T10:00:00Z", x="one", t=7),
        record("facts", id=2, n=2.5),  # says nothing of the others
        record("facts", id=3, t="z"),
    )
    types = loading.types("FACTS")
    assert types == {
        "ID": "NUMBER(38,0)",
        "N": "NUMBER(38,0)",
        "D": "DATE",
        "X": "NUMBER(38,9)",
        "T": types["T"],
        "X__EXACT": types["T"],
        "N__NUMBER": "NUMBER(38,9)",
        "D__TIMESTAMP": types["D__TIMESTAMP"],
        "X__TEXT": types["T"],
        "T__JSON": "VARIANT",
    }
    assert types["D__TIMESTAMP"].startswith("TIMESTAMP_TZ")
    found = loading.table(
        "FACTS", "ID", "N", "N__NUMBER::VARCHAR", "D::VARCHAR", "D__TIMESTAMP IS NULL", "X::VARCHAR", "X__EXACT"
    )
    assert found == [
        (1, None, "1.250000000", None, False, None, None),
        (2, None, "2.500000000", "2026-01-02", True, "2.500000000", None),
        (3, 3, None, "2026-01-03", True, "3.123456789", "3.1234567891"),
    ]
    assert loading.table("FACTS", "ID", "X__TEXT", "T", "T__JSON::VARCHAR") == [
        (1, "one", None, "7"),
        (2, None, "b", None),
        (3, None, None, '"z"'),
    ]


def test_columns_that_leave_the_schema_keep_their_values_and_new_ones_come_in_one_statement(loading, server):
    loading.here(schema("items", PROPERTIES, ["id"]), *WHOLE)
    server.forget()
    new = {"id": "integer", "name": "string", "a": "string", "b": "number", "c": "object"}
    loading.here(schema("items", new, ["id"]), item(id=1, name="A", a="x", b=1, c={"y": None}))
    assert loading.table("ITEMS", "ID", "NAME", "AMOUNT::INT", "LINES::VARCHAR", "A") == [
        (1, "A", 1, "[1]", "x"),
        (2, "b", 2, None, None),
    ]
    (statement,) = server.sql("ALTER TABLE")
    assert statement.count("IF NOT EXISTS") == 3


def test_contracts(loading, caplog):
    loading.here(schema("items", PROPERTIES, ["id"]), *WHOLE)
    wider = schema("items", PROPERTIES | {"more": "string", "amount": "string"}, ["id"])
    before = loading.types("ITEMS")
    with pytest.raises(ConfigError, match="contract is `freeze`") as told:
        loading.here(wider, item(id=1, name="x", more="y"), contract="freeze")
    assert "MORE VARCHAR" in str(told.value)
    loading.here(wider, item(id=1, name="x", amount="1", lines=None, more="y"), contract="discard")
    assert "left out, because its contract is `discard`" in caplog.text
    assert loading.types("ITEMS") == before
    assert rows(loading)[0] == (1, "x", None, None)
    exact = item(id=2, name="b", amount=0.12345678901, lines=None)  # more decimals than the column has
    for contract in ("discard", "freeze"):
        loading.here(schema("items", PROPERTIES, ["id"]), exact, contract=contract)
        assert rows(loading)[1] == (2, "b", "2", None)
        assert [letter["reason"] for letter in loading.letters()] == ["value_does_not_fit"]
    loading.here(schema("items", PROPERTIES, ["id"]), exact)
    assert loading.table("ITEMS", "ID", "AMOUNT__EXACT")[1] == (2, "0.12345678901")
    assert loading.letters() == []
    loading.here(wider, item(id=1, name="x", amount="1", lines=None, more="y"))  # as before, but nothing is left out
    assert loading.table("ITEMS", "ID", "MORE", "AMOUNT__TEXT")[0] == (1, "y", "1")


def test_a_table_that_another_tool_made(loading):
    loading.here(schema("other", {"id": "integer"}, ["id"]))
    loading.rows(
        'CREATE TABLE "PEER" ("ID" NUMBER(38,0), "NAME" VARCHAR(3), "AMOUNT" FLOAT, "AT" TIMESTAMP_NTZ, "OWN" INT)'
    )
    loading.rows("INSERT INTO \"PEER\" SELECT 1, 'abc', 1.5, '2026-01-01 10:00:00'::TIMESTAMP_NTZ, 5")
    properties = {
        "id": "integer",
        "name": "string",
        "amount": "number",
        "at": {"type": "string", "format": "date-time"},
    }
    loading.here(
        schema("peer", properties, ["id"]),
        record("peer", id=1, name="longer", amount=12345678901234567.123456789, at="2026-01-01T10:00:00+05:30"),
        '{"type":"RECORD","stream":"peer","record":{"id":2,"name":"x","amount":12345678901234567.123456789}}',
    )
    found = loading.table("PEER", "ID", "NAME", "AMOUNT", "AMOUNT__NUMBER::VARCHAR", "AT", "OWN")
    assert found[0][:3] == (1, "longer", None)
    assert found[0][4:] == (None, 5)
    assert found[1] == (2, "x", None, "12345678901234567.123456789", None, None)
    assert loading.rows('SELECT "AT__TIMESTAMP"::VARCHAR FROM "PEER" WHERE "ID" = 1')[0][0].startswith(
        "2026-01-01 04:30"
    )


# what is written beside


def test_metadata_of_rows(loading):
    message = schema(
        "items", PROPERTIES | {"at": {"type": "string", "format": "date-time"}}, ["id"], bookmark_properties=["at"]
    )
    told = item(id=1, at="2026-02-01T00:00:00Z") | {"time_extracted": "2026-03-01T00:00:00Z", "version": 7}
    loading.here(message, told, item(id=2))
    loading.here(message, item(id=2, name="later"))
    columns = (
        "ID, _ML_BATCH_ID LIKE _ML_RUN_ID || '-%', _ML_SOURCE_MODIFIED_AT::VARCHAR, _SDC_EXTRACTED_AT::VARCHAR, "
        "_SDC_RECEIVED_AT <= _SDC_BATCHED_AT AND _SDC_BATCHED_AT <= _ML_LOADED_AT, _SDC_TABLE_VERSION, "
        "_SDC_SYNC_STARTED_AT > 1700000000000, _SDC_DELETED_AT IS NULL"
    )
    one, two = loading.rows(f'SELECT {columns} FROM "ITEMS" ORDER BY ID')
    assert one[0:2] == (1, True)
    assert one[2].startswith("2026-02-01 00:00")
    assert one[3].startswith("2026-03-01 00:00")
    assert one[4:] == (True, 7, True, True)
    assert two == (2, True, None, None, True, None, True, True)
    older, newer = (row[0] for row in loading.table("ITEMS", "_SDC_SEQUENCE", "ID"))
    assert older < newer  # over runs, too


def test_state_is_never_ahead_of_the_data(loading, monkeypatch):
    committed = []

    def emit(text):
        rows = loading.rows("SELECT COALESCE(SUM(ROWS_STAGED), 0) FROM \"_ML_LOADS\" WHERE STREAM = 'a'")
        committed.append((json.loads(text)["a"], int(rows[0][0])))

    monkeypatch.setattr("target_snowflake.opening.Opening._emit", staticmethod(emit))
    a, b = schema("a", {"id": "integer"}, ["id"]), schema("b", {"id": "integer"}, ["id"])
    messages = [a, b]
    for n in range(1, 41):
        messages += [record("a", id=n), record("b", id=n), state({"a": n})]
        if n % 10 == 0:  # the schema comes again, and changes
            messages += [schema("a", {"id": "integer", f"c{n}": "string"}, ["id"]), b]
    loading.here(*messages, batch_size_rows=8)
    assert len(committed) > 3
    assert all(staged >= number for number, staged in committed)
    assert committed[-1] == (40, 40)
    assert sorted(loading.types("A")) == ["C10", "C20", "C30", "ID"]


def test_a_slow_tap_is_loaded_after_some_seconds(loading):
    """The program is fed by a pipe that stays open: the batch ends by its age, not by its size or the end."""
    with loading.started(batch_seconds=0.1) as process:
        for message in (schema("items", PROPERTIES, ["id"]), item(id=1), state({"at": 1})):
            process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) == {"at": 1}
        assert loading.table("ITEMS", "ID") == [(1,)]
        process.stdin.close()
        assert process.wait(60) == 0


def test_streams_of_one_table_are_refused(loading):
    with pytest.raises(ConfigError, match="'a-b' and 'A_B' would both be loaded into the table A_B"):
        loading.here(schema("a-b", {"id": "integer"}, ["id"]), schema("A_B", {"id": "integer"}, ["id"]))


def test_a_dead_letter_is_closed_when_its_record_arrives_whatever_its_key_is(loading):
    properties = {"at": {"type": "string", "format": "date-time"}, "rate": "number", "ok": "boolean"}
    message = schema("rates", properties, ["at", "rate"])
    line = '{"type":"RECORD","stream":"rates","record":{"at":"2026-01-01T00:00:00Z","rate":1.50,"ok":%s}}'
    loading.here(message, line % '"no"')
    assert [letter["business_key"] for letter in loading.letters()] == ["singer::rates:2026-01-01T00:00:00Z/1.50"]
    loading.here(message, line % "true")
    assert loading.letters() == []


def test_state_stays_behind_a_batch_that_failed_and_those_behind_it(loading, server, monkeypatch):
    passed = []
    monkeypatch.setattr("target_snowflake.opening.Opening._emit", staticmethod(passed.append))
    server.fail("insufficient_privileges", text=r'COPY INTO "_ML_S_\w+_00005"', name="S", times=None)
    messages = [schema("a", {"id": "integer"}, ["id"]), schema("b", {"id": "integer"}, ["id"])]
    for n in range(1, 61):
        messages += [record("a", id=n), record("b", id=n), state({"at": n})]
    with pytest.raises(ConnectorError):
        loading.here(*messages, batch_size_rows=10)
    there = [{key for (key,) in loading.table(name, "ID")} for name in ("A", "B")]
    assert min(map(len, there)) < 60
    newest = json.loads(passed[-1])["at"] if passed else 0
    assert all(set(range(1, newest + 1)) <= keys for keys in there)
    server.clear_faults()
    loading.here(*messages)
    assert [len(loading.table(name, "ID")) for name in ("A", "B")] == [60, 60]
    assert json.loads(passed[-1]) == {"at": 60}


def test_a_row_that_only_snowflake_refuses_is_kept_as_it_came(loading):
    """Somebody made the column with room for one digit before the point."""
    loading.here(schema("other", {"id": "integer"}, ["id"]))
    loading.rows('CREATE TABLE "RATES" ("ID" NUMBER(38,0), "N" NUMBER(38,37))')
    moment = {"type": ["string", "null"], "format": "date-time"}
    properties = {"id": "integer", "at": moment, "n": "number", "v": "object", "x": "string", "e": "number"}

    def rate(key, number):
        body = f'{{"id":{key},"at":"2026-01-01T00:00:00.1234567Z","n":{number},"v":{{"a":1.10}},"x":null,"e":1E-12}}'
        return f'{{"type":"RECORD","stream":"rates","record":{body}}}'

    messages = [schema("rates", properties, ["id"]), rate(1, 1), rate(2, 50), rate(3, 3), state({"at": 1})]
    assert loading.here(*messages) == [{"at": 1}]
    assert loading.table("RATES", "ID", "N::INT") == [(1, 1), (3, 3)]
    with closing(sqlite3.connect(loading.config["store_url"].removeprefix("sqlite:///"))) as store:
        ((text, reason),) = store.execute(
            "SELECT record, reason FROM dead_letters JOIN deliveries USING (business_key)"
        )
    assert reason == "refused_by_snowflake"
    assert json.loads(text, parse_float=str) == {
        "id": 2,
        "at": "2026-01-01 00:00:00.123456700Z",
        "n": "50.000000000",
        "v": {"a": "1.10"},
        "x": None,
        "e": "1E-12",
    }
