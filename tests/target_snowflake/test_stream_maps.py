"""The SDK's stream maps and flattening, set on the target as on any other."""

from __future__ import annotations

from decimal import Decimal

from tests.target_snowflake.conftest import record, schema, state

PROPERTIES = {"id": {"type": "integer"}, "amount": "number", "name": "string", "iban": "string"}
ITEMS = schema("items", PROPERTIES, ["id"])


def test_a_map_renames_filters_drops_and_computes(loading):
    maps = {
        "items": {
            "__alias__": "stock",
            "__filter__": "record['id'] != 2",
            "iban": "__NULL__",
            "upper": "record['name'].upper()",
        },
        "noise": "__NULL__",
    }
    done = loading.run(
        ITEMS,
        schema("noise", {"id": {"type": "integer"}}, ["id"]),
        record("items", id=1, amount=1.25, name="a", iban="NO93"),
        record("items", id=2, amount=1, name="b", iban="NO94"),
        record("noise", id=1),
        state({"items": 2}),
        stream_maps=maps,
    )
    assert done.stdout == '{"items": 2}\n'
    assert loading.rows('SELECT "ID", "AMOUNT", "NAME", "UPPER" FROM "STOCK"') == [(1, Decimal("1.25"), "a", "A")]
    assert "IBAN" not in loading.types("STOCK")
    assert {row[1] for row in loading.rows("SHOW TABLES")} == {"STOCK", "_ML_LOADS"}


def test_flattening_makes_columns_of_an_object(loading):
    nested = {"type": "object", "properties": {"city": {"type": "string"}}}
    loading.run(
        schema("people", {"id": {"type": "integer"}, "home": nested}, ["id"]),
        record("people", id=1, home={"city": "Oslo"}),
        flattening_enabled=True,
        flattening_max_depth=2,
    )
    assert loading.rows('SELECT "HOME__CITY" FROM "PEOPLE"') == [("Oslo",)]


def test_a_malformed_map_is_a_setting_to_correct(loading):
    done = loading.run(ITEMS, record("items", id=1), code=2, stream_maps={"items": {"x": "record['id' +"}})
    assert "stream_maps" in done.stderr
    assert "Traceback" not in done.stderr
