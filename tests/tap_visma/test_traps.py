"""Visma's traps: silent cuts, rows that move, missing metadata, envelopes, odd and private fields."""

import json
import logging

import pytest
import requests
from ml_connector.errors import ConfigError, Forbidden
from ml_connector_simulators.kit import Fault
from tap_visma.streams import STREAMS
from tap_visma.streams.base import PAGED, VismaStream
from tap_visma.tap import TapVisma

from tests.tap_visma.conftest import Output, captured, config_of, run, sync, tap_of


@pytest.mark.parametrize(("asked", "largest"), [(1000, 37), (1000, 1), (10, 37), (240, 1000), (239, 1000)])
def test_a_page_cut_without_a_word_loses_nothing(sim, asked, largest):
    for row in sim.rows("NO01", "supplierInvoice")[40:] if largest == 1 else ():
        sim.remove("NO01", "supplierInvoice", f"{row['documentType']}/{row['referenceNumber']}")
    sim.limit_page("supplierInvoice", largest)
    output = sync(sim, "supplier_invoices", page_size=asked)
    assert len(set(output.keys("supplier_invoices"))) == len(sim.rows("NO01", "supplierInvoice"))
    assert len(output.records["supplier_invoices"]) == len(sim.rows("NO01", "supplierInvoice"))


@pytest.mark.parametrize("status", [200, 204, 404])
def test_the_end_of_pages_without_totals_may_look_in_three_ways(sim, monkeypatch, status):
    sim.settings.past_the_end = status
    hide_metadata(monkeypatch)
    output = sync(sim, "supplier_invoices", page_size=50)
    assert len(output.keys("supplier_invoices")) == 240
    assert output.totals("supplier_invoices")["complete"] is True


def hide_metadata(monkeypatch):
    """Have rows come without `metadata`, as on some endpoints (TAP-Q)."""
    original = VismaStream.page

    def without(self, reply):
        for row in (reply.json() if reply.status == 200 else None) or []:
            row.pop("metadata", None)
        return original(self, reply)

    monkeypatch.setattr(VismaStream, "page", without)


def test_an_endpoint_that_ignores_the_page_number_is_read_once(shared):
    tap = tap_of(shared, "ledgers")
    tap.streams["ledgers"].paging = PAGED
    output = run(tap)
    assert len(output.keys("ledgers")) == 2
    assert output.totals("ledgers")["complete"] is True


def after_page(tap, number, act):
    """Let something happen in Visma once, when a page has been answered."""
    request, done = tap.client.request, []

    def watched(method, path, **options):
        reply = request(method, path, **options)
        if (options.get("params") or {}).get("pageNumber") == number and not done:
            done.append(True)
            act()
        return reply

    tap.client.request = watched


@pytest.mark.parametrize("page", [1, 2, 5])
def test_a_document_deleted_while_paging_does_not_hide_another(sim, page):
    rows = sim.rows("NO01", "supplierInvoice")
    gone = f"{rows[0]['documentType']}/{rows[0]['referenceNumber']}"
    tap = tap_of(sim, "supplier_invoices", page_size=40, max_concurrency=1)
    after_page(tap, page, lambda: sim.remove("NO01", "supplierInvoice", gone))
    output = run(tap)
    left = {("NO01", *key) for row in rows[1:] for key in [(row["documentType"], row["referenceNumber"])]}
    assert left <= set(output.keys("supplier_invoices"))
    totals = output.totals("supplier_invoices")
    assert totals["complete"] is True
    assert int(totals["fetched"]) == int(totals["emitted"]) == len(output.records["supplier_invoices"])


def test_an_edit_while_reading_incrementally_is_not_lost(sim):
    state = sync(sim, "supplier_invoices", lookback_minutes=60 * 24 * 20).states[-1]
    sim.clock.advance(60)
    rows = sim.rows("NO01", "supplierInvoice")
    first = f"{rows[0]['documentType']}/{rows[0]['referenceNumber']}"
    tap = tap_of(sim, "supplier_invoices", state=state, page_size=20, max_concurrency=1)
    after_page(tap, 2, lambda: sim.edit("NO01", "supplierInvoice", first, description="while reading"))
    second = run(tap)
    third = sync(sim, "supplier_invoices", state=second.states[-1])
    both = second.records["supplier_invoices"] + third.records["supplier_invoices"]
    assert [r for r in both if r["description"] == "while reading"]


def test_a_set_that_never_stands_still_keeps_its_bookmark_and_says_so(sim, caplog):
    tap = tap_of(sim, "supplier_invoices", page_size=100, max_concurrency=1)
    request = tap.client.request

    def always_one_less(method, path, **options):
        reply = request(method, path, **options)
        row = sim.rows("NO01", "supplierInvoice")[-1]
        sim.remove("NO01", "supplierInvoice", f"{row['documentType']}/{row['referenceNumber']}")
        return reply

    tap.client.request = always_one_less
    output = run(tap)
    assert output.totals("supplier_invoices")["complete"] is False
    assert output.states[-1]["bookmarks"]["supplier_invoices"] == {}
    assert "kept changing" in caplog.text


def test_credit_terms_come_out_of_their_envelope(shared):
    output = sync(shared, "credit_terms", page_size=2)
    assert sorted(key[1] for key in output.keys("credit_terms")) == sorted(
        row["termsId"] for row in shared.rows("NO01", "creditTerm")
    )


def test_endpoints_without_paging_get_no_paging_parameters(sim):
    sync(sim)
    unpaged = ["account", "vat", "currency", "branch", "ledger", "paymentmethod", "financialPeriod"]
    for resource in unpaged:
        for request in sim.log.requests(path=f"/v1/{resource}"):
            if request.path == f"/v1/{resource}":
                assert not {"pageNumber", "pageSize"} & request.query.keys()


# Odd values


def test_new_fields_are_dropped_or_kept_by_the_setting_and_told(sim, caplog):
    caplog.set_level(logging.INFO)
    row = sim.rows("NO01", "supplierInvoice")[0]
    key = f"{row['documentType']}/{row['referenceNumber']}"
    sim.edit("NO01", "supplierInvoice", key, **{"brandNew": {"x": 1}, "invoiceLines.0.alsoNew": "y"})
    dropped = sync(sim, "supplier_invoices").records["supplier_invoices"][0]
    assert "brandNew" not in dropped
    assert "alsoNew" not in dropped["invoiceLines"][0]
    assert caplog.text.count("brandNew") == 1
    kept = sync(sim, "supplier_invoices", unknown_fields="keep").records["supplier_invoices"][0]
    assert kept["brandNew"] == {"x": 1}
    assert kept["invoiceLines"][0]["alsoNew"] == "y"


def test_wrapped_and_mistyped_values_do_not_stop_a_run(sim):
    row = sim.rows("NO01", "supplierInvoice")[0]
    key = f"{row['documentType']}/{row['referenceNumber']}"
    odd = {"description": {"value": "wrapped"}, "exchangeRate": "1.5", "hold": "false", "date": ""}
    odd["invoiceLines"] = "none"
    sim.edit("NO01", "supplierInvoice", key, **odd)
    record = sync(sim, "supplier_invoices").records["supplier_invoices"][0]
    assert (record["description"], str(record["exchangeRate"]), record["hold"]) == ("wrapped", "1.5", False)
    assert record["invoiceLines"] == "none"
    assert record["date"] is None


def test_a_row_with_error_info_is_told(sim, caplog):
    row = sim.rows("NO01", "supplierInvoice")[0]
    key = f"{row['documentType']}/{row['referenceNumber']}"
    sim.edit("NO01", "supplierInvoice", key, errorInfo="Could not serialise")
    sync(sim, "supplier_invoices")
    assert f"supplier_invoices {key} came incomplete" in caplog.text


BANK = {"supplierPaymentMethodDetails": [{"paymentMethodDetailValue": "NO9386011117947"}]}


def test_bank_details_are_left_out_whatever_is_selected(sim):
    number = sim.rows("NO01", "supplier")[0]["number"]
    sim.edit("NO01", "supplier", number, **BANK)
    with captured() as out:
        TapVisma(config=config_of(sim)).run_discovery()
    catalog = json.loads(out())
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            entry["metadata"]["selected"] = True  # what Meltano does for `*.*`
            if entry["breadcrumb"] == []:
                entry["metadata"]["selected"] = stream["stream"] == "suppliers"
    output = run(TapVisma(config=config_of(sim), catalog=catalog))
    assert "9386011117947" not in str(output.messages)
    assert "supplierPaymentMethodDetails" not in output.schemas["suppliers"]["schema"]["properties"]
    allowed = sync(sim, "suppliers", include_private=True)
    assert "9386011117947" in str(allowed.records["suppliers"])


def test_deselected_fields_are_left_out(shared):
    tap = tap_of(shared, "suppliers")
    stream = tap.streams["suppliers"]
    stream.metadata["properties", "mainContact"].selected = False
    stream.metadata["properties", "mainAddress", "properties", "city"].selected = False
    stream.selected = True
    records = run(tap).records["suppliers"]
    assert not any("mainContact" in record for record in records)
    assert not any("city" in record["mainAddress"] for record in records)
    assert any(record["mainAddress"].get("country") for record in records)


def test_stream_maps_still_work(shared):
    maps = {"suppliers": {"name_upper": "name.upper()", "__filter__": "number != '50001'", "__alias__": "vendors"}}
    output = sync(shared, "suppliers", stream_maps=maps)
    assert len(output.records["vendors"]) == len([r for r in shared.rows("NO01", "supplier") if r["number"] != "50001"])
    assert all(record["name_upper"] == record["name"].upper() for record in output.records["vendors"])
    assert "suppliers" not in output.states[-1].get("ml_connector", {"streams": {}})["streams"]


def test_flattening_still_works(shared):
    record = sync(shared, "suppliers", flattening_enabled=True, flattening_max_depth=1).records["suppliers"][0]
    assert "mainAddress__city" in record


# Permissions and settings


def test_a_forbidden_stream_stops_or_is_told_and_skipped(sim, caplog):
    sim.forbid("NO01", "supplierInvoice")
    with captured() as out, pytest.raises(Forbidden, match="vismanet_erp_service_api:read"):
        tap_of(sim, "supplier_invoices").sync_all()
    assert Output(out()).totals("supplier_invoices")["complete"] is False
    output = sync(sim, "supplier_invoices", "supplier_payments", on_forbidden="skip")
    assert "supplier_invoices is skipped" in caplog.text
    assert len(output.records["supplier_payments"]) > 0
    assert output.states[-1]["bookmarks"]["supplier_invoices"] == {}


def test_ping_says_per_stream_what_may_be_read(sim):
    sim.forbid("NO01", "supplierInvoice")
    checks = {check.name: check for check in tap_of(sim).ping()}
    assert {stream.name for stream in STREAMS} <= set(checks)
    assert [name for name, check in checks.items() if not check.ok] == ["supplier_invoices"]
    assert "approved by the customer" in checks["supplier_invoices"].suggestion


@pytest.mark.parametrize("setting", ["1", "SUBACCOUNT/1"])
def test_the_cost_centre_segment_may_be_named_in_two_ways(shared, setting):
    assert len(sync(shared, "cost_centers", cost_center_segment=setting).records["cost_centers"]) == 12


def test_the_cost_centre_segment_may_be_named_by_its_description(shared):
    description = shared.rows("NO01", "dimension")[0]["segments"][0]["description"]
    output = sync(shared, "cost_centers", cost_center_segment=description)
    assert {record["segmentDescription"] for record in output.records["cost_centers"]} == {description}


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (None, "must be set. Its segments are: 1 "),
        ("9", "names no one segment of SUBACCOUNT. Its segments are: 1 "),
        ("NOWHERE/1", "there is no dimension 'NOWHERE'.*SUBACCOUNT"),
    ],
)
def test_a_wrong_cost_centre_segment_says_what_there_is(shared, setting, words):
    with pytest.raises(ConfigError, match=words):
        sync(shared, "cost_centers", cost_center_segment=setting)


def test_the_old_path_shape_works_by_one_setting(shared):
    assert len(sync(shared, "ledgers", api_url=f"{shared.url}/API/controller/api").records["ledgers"]) == 2


def test_company_id_is_a_header_only_when_set(sim, monkeypatch):
    sent = []
    original = requests.Session.send
    monkeypatch.setattr(requests.Session, "send", lambda s, r, **k: sent.append(r.headers) or original(s, r, **k))
    sync(sim, "ledgers")
    assert not any("ipp-company-id" in headers for headers in sent)
    sync(sim, "ledgers", company_id="1234")
    assert sent[-1]["ipp-company-id"] == "1234"


def test_a_list_that_is_no_list_is_not_taken_for_an_empty_one(sim):
    sim.faults.add(Fault("status", path="/v1/ledger", status=200, body={"message": "surprise"}))
    with pytest.raises(Exception, match="expected a list of ledgers"):
        sync(sim, "ledgers")
