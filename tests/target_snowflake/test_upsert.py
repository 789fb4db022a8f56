"""Rows by key: who wins, what a record that says little leaves alone, what is deleted, and what is not rewritten."""

from __future__ import annotations

import pytest

from tests.target_snowflake.conftest import record, schema, state

PROPERTIES = {"id": "integer", "name": "string", "amount": "number", "lines": "array"}
BOTH_WAYS = pytest.mark.parametrize("upsert_by", ["delete_insert", "merge"])


def rows(loading, table="ITEMS"):
    found = loading.table(table, "ID", "NAME", "AMOUNT::VARCHAR", "LINES::VARCHAR")
    return [(key, name, amount and amount.rstrip("0").rstrip("."), lines) for key, name, amount, lines in found]


def item(**values):
    return record("items", **values)


WHOLE = [item(id=1, name="a", amount=1, lines=[1]), item(id=2, name="b", amount=2, lines=None)]


@BOTH_WAYS
def test_the_last_record_of_a_key_wins_within_a_batch_and_over_batches(loading, upsert_by):
    many = [item(id=n % 3, name=f"{n}", amount=n, lines=[n]) for n in range(30)]
    loading.here(
        schema("items", PROPERTIES, ["id"]), *many, state({"at": 30}), batch_size_rows=7, upsert_by=upsert_by
    )
    assert rows(loading) == [(0, "27", "27", "[27]"), (1, "28", "28", "[28]"), (2, "29", "29", "[29]")]
    counts = loading.rows('SELECT SUM(ROWS_STAGED), SUM(ROWS_NEW + ROWS_CHANGED), SUM(ROWS_SUPERSEDED) FROM "_ML_LOADS"')
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
    loading.here(schema("items", PROPERTIES, ["id"]), item(id=1, amount=1), item(id=1, name="a"))
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
    counts = loading.table("_ML_LOADS", "BATCH_ID", "ROWS_NEW", "ROWS_CHANGED", "ROWS_UNCHANGED")
    assert [row[1:] for row in counts] == [(2, 0, 0), (0, 0, 2), (0, 1, 1)]


@BOTH_WAYS
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
