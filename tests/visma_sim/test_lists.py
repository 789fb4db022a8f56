"""Lists: paging and its traps, filters, expands, singles."""

from __future__ import annotations

import pytest
import requests
from ml_connector_simulators.kit import running
from ml_connector_simulators.visma import VismaSimulator

from tests.visma_sim.conftest import client_of

INVOICES = "/v1/supplierInvoice"


def numbers(rows):
    return [row["referenceNumber"] for row in rows]


class TestPaging:
    def test_without_parameters_a_part_comes_without_a_warning(self, no01):
        rows = no01.rows(INVOICES)
        assert len(rows) == 50
        assert {(row["metadata"]["totalCount"], row["metadata"]["maxPageSize"]) for row in rows} == {(240, 1000)}

    def test_pages_cover_everything_once(self, no01):
        pages = [no01.rows(INVOICES, pageNumber=n, pageSize=70) for n in range(1, 6)]
        assert [len(page) for page in pages] == [70, 70, 70, 30, 0]
        seen = [number for page in pages for number in numbers(page)]
        assert len(set(seen)) == len(seen) == 240

    def test_too_large_a_page_is_silently_cut(self, sim, client):
        sim.limit_page("supplierInvoice", 40)
        rows = client.rows(INVOICES, pageSize=500)
        assert len(rows) == 40
        assert rows[0]["metadata"] == {"totalCount": 240, "maxPageSize": 40}
        assert numbers(client.rows(INVOICES, pageSize=500, pageNumber=2))[0] == "100041"

    def test_receipts_have_their_own_maximum(self, no01):
        assert no01.rows("/v2/PurchaseReceipt", pageSize=5000)[0]["metadata"]["maxPageSize"] == 500

    @pytest.mark.parametrize("status", [204, 404])
    def test_what_comes_past_the_end_is_a_setting(self, sim, client, status):
        sim.settings.past_the_end = status
        assert client.get(INVOICES, pageNumber=99, pageSize=100).status_code == status
        assert client.get(INVOICES, pageNumber=1, pageSize=100, supplier="nobody").json() == []

    def test_nonsense_is_refused_and_zero_is_not_given(self, no01):
        assert no01.get(INVOICES, pageSize="many").status_code == 400
        assert len(no01.rows(INVOICES, pageSize=0, pageNumber=0)) == 50

    def test_unpaged_endpoints_ignore_paging_and_repeat_themselves(self, no01):
        first, second = (no01.rows("/v1/account", pageNumber=n, pageSize=10) for n in (1, 2))
        assert first == second
        assert len(first) > 60

    def test_credit_terms_come_in_an_envelope(self, no01):
        answer = no01.rows("/v1/creditTerm", pageSize=2)
        assert (answer["pageNumber"], answer["pageSize"], answer["totalCount"]) == (1, 2, 3)
        assert [record["termsId"] for record in answer["records"]] == ["30", "14"]


class TestPaths:
    @pytest.mark.parametrize(
        "path", ["/V1/SUPPLIERINVOICE", "/v1/supplierinvoice", "/API/controller/api/v1/supplierInvoice"]
    )
    def test_any_case_and_the_former_shape(self, no01, path):
        assert len(no01.rows(path, pageSize=7)) == 7

    @pytest.mark.parametrize(
        "path", ["/erp/service/v1/supplier", "/v1/generalledgeraccounts", "/v1/journaltransaction"]
    )
    def test_paths_that_do_not_exist(self, no01, path):
        assert no01.get(path).status_code == 404

    def test_type_and_number_or_number_alone_for_an_invoice(self, no01):
        assert no01.rows(f"{INVOICES}/DebitAdj/100012")["documentType"] == "DebitAdj"
        assert no01.rows(f"{INVOICES}/100013")["documentType"] == "Invoice"
        missing = no01.get(f"{INVOICES}/100012")
        assert missing.status_code == 404
        assert "100012" in missing.json()["message"]

    def test_a_customer_by_its_internal_id(self, no01):
        assert no01.rows("/v1/customer/internal/2003")["number"] == "10003"

    def test_only_a_single_has_an_etag_and_it_is_the_time_stamp(self, sim, client):
        single = client.get(f"{INVOICES}/100013")
        assert single.headers["ETag"] == f'"{single.json()["timeStamp"]}"'
        assert "ETag" not in client.get(INVOICES).headers
        sim.edit("NO01", "supplierInvoice", "Invoice/100013", description="corrected")
        assert client.get(f"{INVOICES}/100013").headers["ETag"] != single.headers["ETag"]


class TestFilters:
    def test_unknown_parameters_are_ignored_with_200(self, no01):
        assert len(no01.rows(INVOICES, supplierNumber="50001", pageSize=1000)) == 240
        wanted = no01.rows(INVOICES, supplier="50001", pageSize=1000)
        assert 0 < len(wanted) < 240
        assert {row["supplier"]["number"] for row in wanted} == {"50001"}
        assert {row["metadata"]["totalCount"] for row in wanted} == {len(wanted)}

    @pytest.mark.parametrize(
        ("path", "query", "field"),
        [
            (INVOICES, {"documentType": "DebitAdj"}, "documentType"),
            (INVOICES, {"status": "Closed"}, "status"),
            (INVOICES, {"financialPeriod": "202609"}, "financialPeriod"),
            ("/v1/purchaseorder", {"orderStatus": "Open"}, "status"),
            ("/v2/PurchaseReceipt", {"status": "Released"}, "status"),
            ("/v1/supplier", {"status": "HoldPayments"}, "status"),
        ],
    )
    def test_a_filter_selects_by_its_field(self, no01, path, query, field):
        rows = no01.everything(path, **query)
        assert rows
        assert {row[field] for row in rows} == set(query.values())

    def test_a_value_the_enum_does_not_have_is_refused(self, no01):
        answer = no01.get(INVOICES, documentType="QuickCheck")
        assert (answer.status_code, list(answer.json())) == (400, ["message"])
        assert [row["referenceNumber"] for row in no01.everything(INVOICES) if row["documentType"] == "QuickCheck"]

    def test_active_is_a_boolean(self, no01):
        inactive = no01.rows("/v1/account", active="false")
        assert [row["accountCD"] for row in inactive] == ["6790"]

    def test_filters_reach_into_lines(self, no01):
        order = no01.everything("/v2/PurchaseReceipt")[0]["lines"][0]["poOrderNbr"]
        rows = no01.everything("/v2/PurchaseReceipt", poOrderNbr=order)
        assert [row["lines"][0]["poOrderNbr"] for row in rows] == [order]

    def test_dates_and_balances_with_their_condition(self, no01):
        early = no01.everything(INVOICES, docDate="2026-10-03", docDateCondition="<")
        assert early
        assert all(row["date"] < "2026-10-03" for row in early)
        owed = no01.everything(INVOICES, balance="0", balanceCondition=">")
        closed = no01.everything(INVOICES, balance="0", balanceCondition="<=")
        assert len(owed) + len(closed) == 240
        assert {row["status"] for row in closed} == {"Closed"}

    def test_greater_than_value_goes_on_after_a_key(self, no01):
        assert no01.rows("/v1/account", greaterThanValue="8060")[0]["accountCD"] == "8160"
        assert [row["period"] for row in no01.rows("/v1/financialPeriod", greaterThanValue="202610")] == ["11", "12"]
        assert no01.rows("/v1/customer", greaterThanValue="10030")[0]["number"] == "10001", "it does not work there"

    def test_what_is_not_simulated_is_refused_rather_than_ignored(self, no01):
        answer = no01.get(INVOICES, released="1")
        assert (answer.status_code, answer.json()["message"]) == (501, "The simulator does not simulate released.")
        headers = {"Authorization": f"Bearer {no01.token}", "erp-api-background": "none"}
        assert requests.get(no01.sim.url + INVOICES, headers=headers, timeout=10).status_code == 501


class TestLastModified:
    @pytest.mark.parametrize(
        "value", ["2026-10-15", "2026-10-15 12:00:00", "2026-10-15T12:00:00", "2026-10-15T12:00:00.123"]
    )
    def test_times_without_a_zone(self, no01, value):
        after = no01.everything(INVOICES, lastModifiedDateTime=value, lastModifiedDateTimeCondition=">=")
        before = no01.everything(INVOICES, lastModifiedDateTime=value, lastModifiedDateTimeCondition="<")
        assert after
        assert before
        assert len(after) + len(before) == 240

    @pytest.mark.parametrize("value", ["2026-10-15T12:00:00Z", "2026-10-15T12:00:00+02:00", "15.10.2026", "2026-13-01"])
    def test_zones_and_other_formats_are_refused(self, no01, value):
        answer = no01.get(INVOICES, lastModifiedDateTime=value, lastModifiedDateTimeCondition=">")
        assert answer.status_code == 400
        assert value in answer.json()["message"]

    def test_both_or_neither(self, no01):
        assert no01.get(INVOICES, lastModifiedDateTime="2026-10-15").status_code == 400
        assert no01.get(INVOICES, lastModifiedDateTimeCondition=">").status_code == 400

    def test_a_doubly_encoded_condition_is_no_condition(self, no01):
        query = {"lastModifiedDateTime": "2026-10-15", "lastModifiedDateTimeCondition": "%3E%3D"}
        assert no01.get(INVOICES, **query).status_code == 400

    def test_equal_is_in_with_the_equals_sign_only(self, no01):
        row = no01.rows(f"{INVOICES}/100013")
        at = row["lastModifiedDateTime"]
        inclusive = no01.everything(INVOICES, lastModifiedDateTime=at, lastModifiedDateTimeCondition=">=")
        exclusive = no01.everything(INVOICES, lastModifiedDateTime=at, lastModifiedDateTimeCondition=">")
        assert "100013" in numbers(inclusive)
        assert "100013" not in numbers(exclusive)

    def test_times_come_without_a_zone_and_with_one_to_three_decimals_or_none(self, no01):
        times = [row["lastModifiedDateTime"] for row in no01.everything(INVOICES)]
        assert not any(time.endswith("Z") or "+" in time for time in times)
        assert {len(time.partition(".")[2]) for time in times} >= {2, 3}

    def test_payment_methods_filter_by_a_time_they_do_not_show(self, no01):
        query = {"lastModifiedDateTime": "2026-01-01", "lastModifiedDateTimeCondition": ">"}
        assert no01.rows("/v1/paymentmethod", **query) == []
        assert not any("modified" in name.lower() for name in no01.rows("/v1/paymentmethod")[0])

    def test_currencies_and_zones_have_no_such_filter(self, no01):
        query = {"lastModifiedDateTime": "2099-01-01", "lastModifiedDateTimeCondition": ">"}
        assert len(no01.rows("/v1/vatZone", **query)) == 3
        assert len(no01.rows("/v1/currency", **query)) == 3


class TestExpands:
    @pytest.mark.parametrize(
        ("path", "parameter", "field"),
        [
            ("/v1/supplier", "expandAccountInformation", "glAccounts"),
            (INVOICES, "expandAttachment", "attachments"),
            ("/v1/customerinvoice", "expandTaxDetails", "taxDetails"),
            ("/v1/branch", "expandLedger", "ledger"),
        ],
    )
    def test_a_list_shows_it_only_when_asked(self, no01, path, parameter, field):
        assert field not in no01.rows(path)[0]
        assert field in no01.rows(path, **{parameter: "true"})[0]

    def test_a_single_shows_all(self, no01):
        assert "taxDetails" in no01.rows("/v1/customerinvoice/200001")


class TestDimensions:
    def test_ids_then_one_object(self, no01):
        assert "SUBACCOUNT" in no01.rows("/v1/dimension")
        dimension = no01.rows("/v1/dimension/SUBACCOUNT")
        values = dimension["segments"][0]["segmentValues"]
        assert len(values) == 12
        assert "990" not in {value["valueId"] for value in values}

    def test_values_can_be_left_out_and_filtered(self, sim, client):
        bare = client.rows("/v1/dimension/SUBACCOUNT", expandSegmentsValues="false")
        assert "segmentValues" not in bare["segments"][0]
        sim.add_segment_value("NO01", "990", "Prosjektkontor")
        query = {"lastModifiedDateTime": "2026-10-01", "lastModifiedDateTimeCondition": ">="}
        segment = client.rows("/v1/dimension/SUBACCOUNT", **query)["segments"][0]
        assert [value["valueId"] for value in segment["segmentValues"]] == ["990"]

    def test_segment_and_value_by_path(self, no01):
        assert len(no01.rows("/v1/dimension/SUBACCOUNT/2")["segmentValues"]) == 4
        assert no01.rows("/v1/dimension/SUBACCOUNT/1/110")["description"] == "Salg Oslo"
        for path in ("NOTHING", "SUBACCOUNT/9", "SUBACCOUNT/1/990"):
            assert no01.get(f"/v1/dimension/{path}").status_code == 404


class TestJournal:
    JOURNAL = "/v2/journaltransaction"

    def test_a_period_or_a_time_is_mandatory(self, no01):
        answer = no01.get(self.JOURNAL, pageSize=100)
        assert answer.status_code == 400
        assert "mandatory" in answer.json()["message"]

    def test_pages_count_lines_and_split_batches(self, no01):
        lines, parts, number = [], [], 1
        while page := no01.rows(self.JOURNAL, periodId="202610", pageSize=100, pageNumber=number):
            found = [
                (row["module"], row["batchNumber"], line["lineNumber"])
                for row in page
                for line in row["journalTransactionLines"]
            ]
            assert len(found) <= 100
            assert page[0]["metadata"]["totalCount"] > len(page)
            lines += found
            parts += [(row["module"], row["batchNumber"]) for row in page]
            number += 1
        assert len(lines) == len(set(lines)) == no01.rows(self.JOURNAL, periodId="202610")[0]["metadata"]["totalCount"]
        assert len(parts) > len(set(parts)), "some batch must have been split over two pages"

    def test_modules_share_batch_numbers(self, no01):
        single = no01.rows(f"{self.JOURNAL}/000001")
        assert single["module"] == "ModuleGL"
        receivables = no01.rows(self.JOURNAL, periodId="202610", module="AR", pageSize=1000)
        assert {row["module"] for row in receivables} == {"ModuleAR"}
        assert "000001" in {row["batchNumber"] for row in receivables}
        assert no01.get(self.JOURNAL, periodId="202610", module="XX").status_code == 400

    def test_modified_since_needs_no_condition(self, no01):
        rows = no01.rows(self.JOURNAL, lastModifiedDateTime="2026-10-30", pageSize=1000)
        assert rows
        assert all(row["lastModifiedDateTime"] >= "2026-10-30" for row in rows)
        assert no01.get(self.JOURNAL, lastModifiedDateTime="2026-10-30T00:00:00Z").status_code == 400


def test_state_survives_a_restart_and_the_clock_does_not_go_back(tmp_path):
    data = tmp_path / "visma.db"
    with running(VismaSimulator(data=data)) as sim:
        sim.clock.advance(86_400)
        edited = sim.edit("NO01", "supplier", "50001", name="Nytt Navn AS")
    with running(VismaSimulator(data=data)) as sim:
        assert client_of(sim).rows("/v1/supplier/50001")["name"] == "Nytt Navn AS"
        later = sim.edit("NO01", "supplier", "50002", name="Senere AS")
        assert later["lastModifiedDateTime"] > edited["lastModifiedDateTime"]


class TestMandatoryParameters:
    @pytest.mark.parametrize(
        ("path", "given"),
        [
            ("/v1/GeneralLedgerTransactions", {}),
            ("/v2/generalLedgerBalance", {}),
            ("/v1/budget", {"branch": "10", "ledger": "BUDGET"}),
        ],
    )
    def test_a_list_without_them_is_refused(self, no01, path, given):
        answer = no01.get(path, **given)
        assert answer.status_code == 400
        assert "mandatory" in answer.json()["message"]

    def test_a_period_or_a_moment_will_do_for_balances(self, no01):
        by_period = no01.rows("/v2/generalLedgerBalance", periodId="202610", pageSize=1000)
        since = no01.rows("/v2/generalLedgerBalance", lastModifiedDateTime="2026-10-20", pageSize=1000)
        assert 0 < len(since) < len(by_period)

    def test_an_item_shows_all_unless_told_not_to(self, no01):
        whole = no01.rows("/v1/inventory")[0]
        assert {"accountInformation", "note", "warehouseDetails"} <= set(whole)
        assert "note" not in no01.rows("/v1/inventory", expandNote="false")[0]


def test_a_view_follows_what_it_shows(sim, client):
    def shown():
        rows = client.rows("/v1/supplierdocument", pageSize=1000)
        return next(row for row in rows if row["referenceNumber"] == "100013")

    assert shown()["documentType"] == "Invoice"
    sim.edit("NO01", "supplierInvoice", "Invoice/100013", description="Corrected")
    assert shown()["description"] == "Corrected"
    assert any(row["documentType"] == "Check" for row in client.rows("/v1/supplierdocument", pageSize=1000))
