"""What the mapper promises to any tap before it and any target after it: nothing lost, nothing out of order, exact."""

from __future__ import annotations

import json
import stat
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mapper_dimensions.canonical import schema_of
from ml_connector.errors import ConfigError
from ml_connector.finance.catalog import RECORD_TYPES
from ml_connector.mapping import MalformedMap
from singer_sdk.exceptions import ConfigValidationError, RecordsWithoutSchemaException
from singer_sdk.singerlib.exceptions import InvalidInputLine

from tests.mapper_dimensions.books import Output, bill, record, run, schema, state

if TYPE_CHECKING:
    from pathlib import Path

BILLS = schema("bills", "kind", "nr")


def test_a_record_becomes_the_canonical_one(tmp_path: Path) -> None:
    out = run(tmp_path, [BILLS, bill("1", ("100.10", "SALES"), kind="credit_note")])
    assert out.order == [("SCHEMA", "supplier_invoices"), ("RECORD", "supplier_invoices")]
    assert out.messages[0]["key_properties"] == ["source_system", "company", "source_key"]
    assert out.messages[1]["time_extracted"].startswith("2026-10-05T10:00:00")
    [row] = out.records["supplier_invoices"]
    assert row["business_key"] == "books:NO01:supplier_invoices:credit_note/1"
    assert (row["total"], row["sign"], row["amount"]) == (Decimal("100.10"), -1, Decimal("-100.10"))
    assert (row["posting_date"], row["lines"][0]["dimensions"]["cost_center"]) == ("2026-10-05", "SALES")


def test_streams_of_one_record_type_share_one_schema(tmp_path: Path) -> None:
    messages = [
        schema("vendors", "code"),
        record("vendors", code="V1", name="Paper"),
        schema("contractors", "code"),
        record("contractors", code="C1", name="Builder"),
        schema("vendors", "code"),
    ]
    out = run(tmp_path, messages)
    assert out.order == [("SCHEMA", "suppliers"), ("RECORD", "suppliers"), ("RECORD", "suppliers")]


@pytest.mark.parametrize("name", RECORD_TYPES)
@pytest.mark.parametrize("decimals", ["number", "string"])
def test_every_record_type_has_a_sound_schema(name: str, decimals: str) -> None:
    found = schema_of(name, decimals)
    jsonschema.Draft7Validator.check_schema(found)
    assert set(RECORD_TYPES[name].fields) < set(found["properties"])
    assert found["required"] == ["source_system", "company", "source_key"]


@pytest.mark.parametrize("decimals", ["number", "string"])
def test_what_is_written_fits_its_schema(tmp_path: Path, decimals: str) -> None:
    out = run(tmp_path, [BILLS, bill("1", ("0.10", "SALES"), ("0.20", None))], decimals=decimals)
    [row] = out.records["supplier_invoices"]
    checker = jsonschema.Draft7Validator(out.messages[0]["schema"])
    checker.validate(json.loads(json.dumps(row, default=float)))
    assert str(row["total"]) == "0.30"


def test_records_that_do_not_pass_go_into_a_stream_of_their_own(tmp_path: Path) -> None:
    wrong = bill("2", ("100.00", None))
    wrong["record"]["gross"] = Decimal("100.01")
    nameless = bill("3", ("1.00", None))
    del nameless["record"]["nr"]
    out = run(tmp_path, [BILLS, bill("1", ("1.00", None), hole="yes"), wrong, nameless, state(at=1)])
    assert out.order[:3] == [("SCHEMA", "supplier_invoices"), ("SCHEMA", "_rejected"), ("RECORD", "_rejected")]
    rows = out.records["_rejected"]
    told = [(row["state"], row["reason"], row["amount"]) for row in rows]
    assert told == [
        ("parked", "incomplete", "1.00"),
        ("refused", "does_not_foot", "100.01"),
        ("refused", "missing_key", "1.00"),
    ]
    assert rows[0]["business_key"] == "books:NO01:supplier_invoices:invoice/1"
    assert json.loads(rows[1]["record"], parse_float=Decimal)["gross"] == Decimal("100.01")
    assert "supplier_invoices" not in out.records
    jsonschema.Draft7Validator(out.messages[1]["schema"]).validate(rows[1])


def test_a_rejects_file_is_added_to_and_is_its_owner_s(tmp_path: Path) -> None:
    path = tmp_path / "rejects.jsonl"
    path.write_bytes(b'{"half a li')  # a process was killed here
    for nr in ("1", "2"):
        out = run(tmp_path, [BILLS, bill(nr, ("1.00", None), hole="yes"), state(at=nr)], rejects_file=str(path))
        assert out.order == [("SCHEMA", "supplier_invoices"), ("STATE", None)]
    lines = path.read_text().splitlines()
    assert [json.loads(line)["business_key"][-1] for line in lines[1:]] == ["1", "2"]
    new = tmp_path / "new.jsonl"
    run(tmp_path, [BILLS, bill("1", ("1.00", None), hole="yes")], rejects_file=str(new))
    assert stat.S_IMODE(new.stat().st_mode) == 0o600


@pytest.mark.parametrize(("fail_on", "code"), [([], 0), (["refused"], 0), (["parked"], 4), (["refused", "parked"], 4)])
def test_the_exit_code_says_what_was_asked_for(tmp_path: Path, fail_on: list[str], code: int) -> None:
    messages = [BILLS, bill("1", ("1.00", None), hole="yes"), bill("2", ("1.00", None)), state(at=2)]
    out = run(tmp_path, messages, fail_on=fail_on)
    assert out.code == code
    assert out.states == [{"at": 2}], "all of the input is mapped before"


def test_skipped_records_and_streams_that_are_not_mapped(tmp_path: Path) -> None:
    other = [schema("weather", "day"), record("weather", day="2026-10-05", rain=Decimal("0.10"))]
    dropped = run(tmp_path, [BILLS, bill("1", ("1.00", None), status="draft"), *other])
    assert dropped.order == [("SCHEMA", "supplier_invoices")]
    passed = run(tmp_path, other, unmapped="pass")
    assert [message["type"] for message in passed.messages] == ["SCHEMA", "RECORD"]
    assert passed.messages[0]["key_properties"] == ["_company", "day"]
    assert str(passed.records["weather"][0]["rain"]) == "0.10"


def test_a_deleted_record_is_told_by_its_key(tmp_path: Path) -> None:
    gone = record("bills", kind="invoice", nr="1", _sdc_deleted_at="2026-10-06T00:00:00Z")
    out = run(tmp_path, [BILLS, gone])
    [row] = out.records["supplier_invoices"]
    assert row["source_key"] == "invoice/1"
    assert (row["source_state"], row["_sdc_deleted_at"]) == ("vanished", "2026-10-06T00:00:00Z")


def test_what_a_target_would_take_for_deletions_is_not_passed_on(tmp_path: Path) -> None:
    version = {"type": "ACTIVATE_VERSION", "stream": "bills", "version": 1}
    assert run(tmp_path, [BILLS, version]).order == [("SCHEMA", "supplier_invoices")]


def test_state_passes_as_it_came(tmp_path: Path) -> None:
    value = {"bookmarks": {"bills": {"since": "2026", "nothing": None}}, "totals": {"NOK": "0.10"}}
    assert run(tmp_path, [state(**value)]).states == [value]


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        ([bill("1")], RecordsWithoutSchemaException),
        ([{"type": "SCHEMA", "stream": "bills"}], InvalidInputLine),
        ([{"type": "RECORD", "record": {}}], InvalidInputLine),
        ([{"type": "BATCH", "stream": "bills", "encoding": {}, "manifest": []}], ConfigError),
    ],
)
def test_what_is_no_singer_stream_ends_the_run(tmp_path: Path, messages: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        run(tmp_path, messages)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"mapping": "nowhere"}, ConfigError),
        ({"mapping": "servicenow-s2p"}, MalformedMap),
        ({"mapping_vars": {"unknown": 1}}, MalformedMap),
        ({"decimals": "float"}, ConfigValidationError),
        ({"fail_on": ["in_doubt"]}, ConfigValidationError),
        ({"dimensions": {"cost_center": {"missing": "park"}}}, ConfigError),
        ({"dimensions": {"cost_center": {"missing": "park", "inactive": {"default": ""}}}}, ConfigError),
        ({"dimensions": {"cost_center": {"missing": "park", "inactive": "park", "key": "x"}}}, ConfigError),
        ({"dimensions": {"department": {"missing": "park", "inactive": "park"}}}, ConfigError),
        ({"dimensions": {"supplier": {"missing": "park", "inactive": "park", "fields": ["nobody"]}}}, ConfigError),
        ({"dimensions": {"supplier": {"missing": "park", "inactive": "park", "crosswalk": "no.csv"}}}, ConfigError),
    ],
)
def test_a_wrong_setting_is_told(tmp_path: Path, wrong: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        run(tmp_path, [BILLS], **wrong)


BILL_KINDS = st.sampled_from(["fine", "draft", "hole", "wrong", "unknown"])
MESSAGES = st.lists(st.tuples(st.sampled_from(["bill", "bill", "state"]), BILL_KINDS), max_size=25)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MESSAGES)
def test_nothing_is_lost_and_no_state_overtakes(tmp_path: Path, shapes: list[tuple[str, str]]) -> None:
    messages: list[dict[str, Any]] = [BILLS]
    for number, (kind, bad) in enumerate(shapes):
        message = (
            state(at=number) if kind == "state" else bill(str(number), ("1.00", "X" if bad == "unknown" else "SALES"))
        )
        if kind == "bill" and bad != "fine":
            changes = {"draft": {"status": "draft"}, "hole": {"hole": "yes"}, "wrong": {"gross": Decimal(2)}}
            message["record"] |= changes.get(bad, {})
        messages.append(message)
    rule = {"crosswalk": "cost_centers.csv", "missing": "park", "inactive": "park"}
    out = run(tmp_path, messages, dimensions={"cost_center": rule})
    assert _fates(out) == Counter(
        {"draft": None, "fine": "mapped", "hole": "parked", "wrong": "refused", "unknown": "parked"}[bad]
        for kind, bad in shapes
        if kind == "bill" and bad != "draft"
    )
    seen = [_number(message) for message in out.messages if message["type"] != "SCHEMA"]
    assert seen == sorted(seen), "records and STATE keep their order"
    assert len(out.states) == sum(kind == "state" for kind, _ in shapes)


def _fates(out: Output) -> Counter[str]:
    fates = Counter(row["state"] for row in out.records.get("_rejected", []))
    if mapped := out.records.get("supplier_invoices"):
        fates["mapped"] = len(mapped)
    return fates


def _number(message: dict[str, Any]) -> int:
    if message["type"] == "STATE":
        return int(message["value"]["at"])
    return int(message["record"]["business_key"].rpartition("/")[2])
