"""What the vendor's own users do, from Python and over HTTP."""

from __future__ import annotations

from decimal import Decimal

import pytest
import requests
from ml_connector_simulators.kit import running
from ml_connector_simulators.visma import PROBLEMS, Bulk, VismaSimulator

from tests.visma_sim.conftest import client_of

INVOICES = "/v1/supplierInvoice"


def changed_since(client, row, path=INVOICES):
    query = {"lastModifiedDateTime": row["lastModifiedDateTime"], "lastModifiedDateTimeCondition": ">="}
    return client.rows(path, **query)


def do(sim, edit, **arguments):
    return requests.post(f"{sim.url}/_sim/edit", json={"edit": edit, **arguments}, timeout=10)


class TestFromPython:
    def test_an_edit_shows_and_comes_with_the_next_increment_only(self, sim, client):
        row = sim.edit(
            "NO01", "supplierInvoice", "Invoice/100013", description="Corrected", dueDate="2026-12-01T00:00:00"
        )
        assert [found["referenceNumber"] for found in changed_since(client, row)] == ["100013"]
        assert client.rows(f"{INVOICES}/100013")["description"] == "Corrected"
        assert client_of(sim, "SE01").rows(f"{INVOICES}/100013")["description"] != "Corrected"

    def test_an_edit_reaches_into_lines(self, sim, client):
        sim.edit("NO01", "supplierInvoice", "Invoice/100013", **{"invoiceLines.0.costInCurrency": Decimal("12.3400")})
        text = client.get(f"{INVOICES}/100013").text
        assert '"costInCurrency":12.3400' in text

    def test_a_row_keeps_its_place_even_under_another_number(self, sim, client):
        before = [row["internalId"] for row in client.everything("/v1/customer")]
        sim.edit("NO01", "customer", "10003", number="10099")
        after = client.everything("/v1/customer")
        assert [row["internalId"] for row in after] == before
        assert after[2]["number"] == "10099"
        assert client.get("/v1/customer/10003").status_code == 404

    def test_an_old_time_can_be_forged(self, sim, client):
        """Old records come back with a new time, and the reverse: it is a marker, not a date (LIVE-P)."""
        row = sim.edit("NO01", "supplierInvoice", "Invoice/100013", lastModifiedDateTime="2023-11-03T10:41:15.2")
        assert row["lastModifiedDateTime"] == "2023-11-03T10:41:15.2"

    def test_each_problem_can_be_put_right(self, sim, client):
        sim.activate_account("NO01", "6790")
        sim.add_segment_value("NO01", "990", "Prosjektkontor")
        sim.release(*PROBLEMS["draft_on_hold"])
        sim.add_supplier("NO01", "50999", "Solheim Interiør AS")
        assert client.rows("/v1/account/6790")["active"] is True
        assert client.rows("/v1/dimension/SUBACCOUNT/1/990")["active"] is True
        assert client.rows(f"{INVOICES}/{PROBLEMS['draft_on_hold'].document}")["status"] == "Open"
        added = client.rows("/v1/supplier/50999")
        assert (added["name"], added["internalId"]) == ("Solheim Interiør AS", 1081)
        assert [row["number"] for row in changed_since(client, added, "/v1/supplier")] == ["50999"]

    def test_a_removed_row_leaves_no_trace(self, sim, client):
        sim.remove("NO01", "supplier", "50007")
        assert client.get("/v1/supplier/50007").status_code == 404
        assert len(client.everything("/v1/supplier")) == 79

    def test_the_time_zone_of_an_edit_is_the_servers(self, sim):
        """07:00 UTC on 2 November is 08:00 in Oslo; a clock set back to October would show two hours."""
        row = sim.edit("NO01", "supplier", "50001", name="X")
        assert row["lastModifiedDateTime"].startswith("2026-11-02T08:0")

    def test_unknown_rows_and_resources_are_named(self, sim):
        with pytest.raises(KeyError, match="NO01 has no supplierInvoice Invoice/1"):
            sim.edit("NO01", "supplierInvoice", "Invoice/1", description="x")
        with pytest.raises(KeyError, match="no resource invoices; one of supplier"):
            sim.edit("NO01", "invoices", "1", description="x")


class TestOverHttp:
    def test_edit(self, sim, client):
        answer = do(sim, "edit", company="NO01", resource="supplier", key="50001", changes={"name": "Nytt AS"})
        assert (answer.status_code, answer.json()["name"]) == (200, "Nytt AS")
        assert client.rows("/v1/supplier/50001")["name"] == "Nytt AS"

    @pytest.mark.parametrize(
        ("edit", "arguments"),
        [
            ("add_segment_value", {"value": "990", "description": "Prosjektkontor"}),
            ("activate_account", {"number": "6790"}),
            ("add_supplier", {"number": "50999", "name": "Solheim Interiør AS"}),
            ("release", {"key": "Invoice/100096"}),
            ("remove", {"resource": "supplier", "key": "50007"}),
            ("add", {"resource": "currency", "row": {"id": "DKK"}}),
        ],
    )
    def test_the_others(self, sim, edit, arguments):
        assert edit in requests.get(f"{sim.url}/_sim/edit", timeout=10).json()
        assert do(sim, edit, company="NO01", **arguments).status_code == 200

    def test_mistakes_are_told(self, sim):
        answer = do(sim, "edit", company="NO01", resource="supplier", key="1", changes={})
        assert (answer.status_code, answer.json()["message"]) == (400, "KeyError: 'NO01 has no supplier 1'")
        assert do(sim, "explode").status_code == 400
        assert do(sim, "release", company="NO01").status_code == 400

    def test_admin_calls_are_not_in_the_log(self, sim):
        do(sim, "activate_account", company="NO01", number="6790")
        assert sim.log.requests() == []


class TestBulk:
    def test_every_invoice_comes_once_and_foots(self):
        with running(VismaSimulator(Bulk(invoices=2500, page_size=1000))) as sim:
            client = client_of(sim)
            pages = [client.rows(INVOICES, pageNumber=n, pageSize=1000) for n in range(1, 5)]
            assert [len(page) for page in pages] == [1000, 1000, 500, 0]
            rows = [row for page in pages for row in page]
            assert len({row["referenceNumber"] for row in rows}) == 2500
            assert len({(row["supplier"]["number"], row["supplierReference"]) for row in rows}) == 2500
            assert {row["metadata"]["totalCount"] for row in rows} == {2500}
            for row in rows[::97]:
                on_top = 0 if row["taxCalculationMode"] == "Gross" else row["vatTotal"]
                assert row["detailTotal"] + on_top + row["roundingDiff"] == row["amount"]
            suppliers = {row["number"] for row in client.everything("/v1/supplier")}
            assert {row["supplier"]["number"] for row in rows} <= suppliers

    def test_smaller_pages_and_later_increments(self):
        with running(VismaSimulator(Bulk(invoices=250, page_size=100))) as sim:
            client = client_of(sim)
            pages = [client.rows(INVOICES, pageNumber=n, pageSize=50) for n in range(1, 7)]
            assert [len(page) for page in pages] == [50] * 5 + [0]
            assert len({row["referenceNumber"] for page in pages for row in page}) == 250
            since = {"lastModifiedDateTime": "2026-11-01", "lastModifiedDateTimeCondition": ">="}
            assert client.rows(INVOICES, **since) == []
            assert len(client_of(sim, "SE01").everything(INVOICES)) == 200
