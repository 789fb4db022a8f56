"""`$filter` (apis/acumatica.md §3)."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ml_connector_simulators.acumatica.contract import CONTRACTS
from ml_connector_simulators.acumatica.errors import Refused
from ml_connector_simulators.acumatica.filters import parse
from ml_connector_simulators.acumatica.matching import Matcher
from ml_connector_simulators.acumatica.settings import Settings
from ml_connector_simulators.acumatica.store import Store

from tests.acumatica_sim.conftest import NEWEST, failure


def keys(reader, entity, text):
    rows = reader.read(entity, filter=text)
    return [row.get("ReferenceNbr") or row.get("VendorID") or row.get("AccountCD") for row in rows]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("VendorID eq 'harborpape'", ["HARBORPAPE"]),
        ("VendorID eq 'HARBORPAPE   '", ["HARBORPAPE"]),
        ("startswith(VendorName, 'Har')", ["HARBORPAPE", "HARTWELLAN"]),
        ("endswith(VendorName,'llp') eq true", ["HARTWELLAN"]),
        ("substringof('well', VendorName) and not (VendorID eq 'LEARNWELLT')", ["HARTWELLAN"]),
        ("Status eq 'Inactive' or Status eq 'On Hold'", ["OLDMILLSTA", "RIVERSIDEM"]),
        ("(CurrencyID eq 'EUR' or CurrencyID eq 'CAD') and VendorID gt 'M' and VendorID lt 'N'", ["MAISONCONF"]),
        ("MainContact/Address/Country eq 'AT'", ["ALPINEESPR"]),
        ("MainContact/Email eq 'ap@harborpaperproducts.example'", ["HARBORPAPE"]),
        ("ForeignEntity eq true and MaxReceipt ge 100M and PaymentLeadTimedays le 0 and Terms eq 'DUE'", []),
        ("AccountRef ne null", []),
    ],
)  # fmt: skip
def test_vendors(reader, text, wanted):
    assert keys(reader, "Vendor", text) == wanted


def test_moments_and_days(client):
    client.sim.clock.advance(60)
    bill = client.sim.edit("Bill", "Bill/000013", Description="Corrected")
    stamp = bill["LastModifiedDateTime"]
    assert keys(client, "Bill", f"LastModifiedDateTime ge datetimeoffset'{stamp}'") == ["000013"]
    assert keys(client, "Bill", f"LastModifiedDateTime gt datetimeoffset'{stamp}'") == []
    there = datetime.fromisoformat(stamp).astimezone(timezone(timedelta(hours=9))).isoformat()
    assert keys(client, "Bill", f"LastModifiedDateTime eq datetimeoffset'{there}'") == ["000013"]
    on = bill["Date"]
    found = client.read("Bill", filter=f"Date eq date'{on}'", select="Date")
    assert {row["Date"][:10] for row in found} == {on}
    assert len(client.read("Bill", filter=f"Date le datetime'{on}T00:00:00'")) < 80


@pytest.mark.parametrize(
    "text",
    [
        "F1099Vendor eq 'true'",
        "MaxReceipt gt '100'",
        "VendorID eq 5",
        "LastModifiedDateTime gt '2026-01-01'",
        "startswith(MaxReceipt,'1')",
        "Nothing eq 'x'",
        "VendorID is 'x'",
        "VendorID eq",
        "(VendorID eq 'x'",
        "VendorID eq 'x' VendorName",
        "VendorID eq 'it's'",
        "LastModifiedDateTime gt datetimeoffset'yesterday'",
        "MainContact eq 'x'",
    ],
)
def test_what_is_refused(reader, text):
    assert failure(reader.get("Vendor", filter=text)) == "ODataException"


def test_detail_rows_are_not_filtered(reader):
    assert failure(reader.get("Bill", filter="Details/Account eq '50000'")) == "PXException"


FIELDS = {
    "VendorID": st.text("abcXYZ 019'-_é", min_size=1, max_size=5).map(str.strip).filter(bool),
    "MaxReceipt": st.decimals(-999, 999, places=2),
    "FATCA": st.booleans(),
    "LastModifiedDateTime": st.integers(0, 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
}


def literal(value):
    match value:
        case bool():
            return str(value).lower()
        case Decimal():
            return f"{value}M"
        case datetime():
            return f"datetimeoffset'{value.isoformat()}'"
    return "'" + value.replace("'", "''") + "'"


OPERATORS = {"eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "gt": lambda a, b: a > b, "le": lambda a, b: a <= b}
OPERATORS |= {"lt": lambda a, b: a < b, "ge": lambda a, b: a >= b}


@st.composite
def conditions(draw, depth=3):
    """A filter, and the function that says what it should."""
    kind = draw(st.sampled_from(("and", "or", "not", "compare"))) if depth else "compare"
    if kind == "not":
        text, meets = draw(conditions(depth - 1))
        return f"not ({text})", lambda row: not meets(row)
    if kind != "compare":
        (left, first), (right, second) = draw(conditions(depth - 1)), draw(conditions(depth - 1))
        join = all if kind == "and" else any
        return f"({left}) {kind} ({right})", lambda row: join((first(row), second(row)))
    name = draw(st.sampled_from(sorted(FIELDS)))
    op, value = draw(st.sampled_from(sorted(OPERATORS))), draw(FIELDS[name])
    fold = str.casefold if isinstance(value, str) else lambda each: each
    return f"{name} {op} {literal(value)}", lambda row: OPERATORS[op](fold(row[name]), fold(value))


@pytest.fixture(scope="module")
def matcher():
    settings = Settings()
    store = Store(None, "DEMO", settings)
    yield Matcher(store, settings, CONTRACTS[NEWEST], "Vendor")
    store.close()


@given(conditions(), st.fixed_dictionaries(FIELDS))
def test_a_filter_says_what_it_says(matcher, stated, row):
    text, meets = stated
    stored = row | {"LastModifiedDateTime": row["LastModifiedDateTime"].isoformat(timespec="milliseconds")}
    assert matcher.meets(stored, matcher.condition(text)) == meets(row)


@given(st.text("VendorID eqandor()'5.,/", max_size=30))
def test_any_text_is_read_or_refused(text):
    with suppress(Refused):
        assert parse(text)
