"""ServiceNow's own Python client against the simulator."""

import pytest
import requests
from pysnc import ServiceNowClient
from pysnc.exceptions import AuthenticationException, InsertException, RequestException, RoleException
from requests.adapters import HTTPAdapter

CENTERS = "cmn_cost_center"


class Plain(HTTPAdapter):
    """pysnc insists on https; the simulator speaks plain HTTP on loopback."""

    def send(self, request, **options):
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, **options)


def connect(api, user="integration.user", password="demo-sn-password"):
    session = requests.Session()
    session.auth = (user, password)
    session.mount("https://", Plain())
    return ServiceNowClient(api.sim.url.replace("http://", "https://"), session, auto_retry=False)


@pytest.fixture
def client(api):
    made = connect(api)
    yield made
    made.session.close()


@pytest.fixture
def stocked(api):
    for number in range(250):
        api.sim.instance.store.insert(CENTERS, {"code": f"{number:03}", "name": "even" if number % 2 == 0 else "odd"})
    return api


def test_it_pages_through_everything_in_order(stocked, client):
    centers = client.GlideRecord(CENTERS, batch_size=40)
    centers.order_by("code")
    centers.query()
    assert len(centers) == 250
    assert [center.code.get_value() for center in centers] == [f"{number:03}" for number in range(250)]
    assert len(stocked.sim.log.requests(path="table")) == 7


def test_its_default_order_loses_nothing(stocked, client):
    centers = client.GlideRecord(CENTERS, batch_size=30)
    centers.add_query("name", "odd")
    centers.query()
    assert len({center.sys_id.get_value() for center in centers}) == 125


def test_it_queries(stocked, client):
    centers = client.GlideRecord(CENTERS)
    centers.add_query("code", ">=", "240")
    centers.add_query("code", "001").add_or_condition("code", "IN", "241,242,300")
    centers.fields = ["code"]
    centers.limit = 10
    centers.query()
    assert sorted(center.get_value("code") for center in centers) == ["241", "242"]
    empty = client.GlideRecord(CENTERS)
    empty.add_null_query("name")
    empty.query()
    assert len(empty) == 0


def test_it_reads_one_with_display_values_and_dot_walks(api, client):
    api.masters()
    api.invoice()
    invoice = client.GlideRecord("sn_shop_invoice")
    invoice.fields = ["supplier", "supplier.legal_name", "state", "amount_invoiced", "amount_invoiced.amount"]
    assert invoice.get("external_invoice_number", "Invoice/1")
    assert invoice.get_display_value("state") == "Draft"
    assert invoice.get_display_value("supplier") == "Paper visma:NO01"
    assert invoice.supplier.legal_name == "Paper visma:NO01"
    assert invoice.get_value("amount_invoiced.amount") == "1234.50"
    by_id = client.GlideRecord("sn_shop_invoice")
    assert by_id.get(invoice.sys_id.get_value())
    assert by_id.get_value("external_invoice_number") == "Invoice/1"
    assert not client.GlideRecord("sn_shop_invoice").get("0" * 32)


def test_it_inserts_updates_and_deletes(api, client):
    center = client.GlideRecord(CENTERS)
    center.initialize()
    center.code = "110"
    center.name = "Sales"
    assert center.insert()
    assert [row["name"] for row in api.sim.table(CENTERS)] == ["Sales"]
    center.name = "Sale"
    assert center.update()
    assert [row["name"] for row in api.sim.table(CENTERS)] == ["Sale"]
    assert center.delete()
    assert api.sim.table(CENTERS) == []


def test_it_changes_and_deletes_many_in_one_batch(stocked, client):
    centers = client.GlideRecord(CENTERS, batch_size=300)
    centers.add_query("code", "<", "100")
    centers.query()
    for center in centers:
        center.name = "changed"
    stocked.sim.log.clear()
    assert centers.update_multiple()
    assert [it.path for it in stocked.sim.log.writes()] == ["/api/now/v1/batch"]
    assert len(stocked.sim.table(CENTERS, name="changed")) == 100
    gone = client.GlideRecord(CENTERS, batch_size=300)
    gone.add_query("name", "changed")
    assert gone.delete_multiple()
    assert len(stocked.sim.table(CENTERS)) == 150


def test_it_sends_what_was_unserviced_again(stocked, client):
    stocked.sim.configure(batch_item_seconds=10)
    centers = client.GlideRecord(CENTERS)
    centers.add_query("code", "<", "005")
    assert centers.delete_multiple()
    assert len(stocked.sim.table(CENTERS)) == 245


def test_a_very_long_query_goes_through_the_batch(stocked, client):
    centers = client.GlideRecord(CENTERS)
    centers.add_query("code", "IN", ",".join(["001", "002", *(f"absent-{number}" for number in range(1200))]))
    centers.query()
    assert len(centers) == 2
    assert stocked.sim.log.writes() == []
    assert len(stocked.sim.log.requests(path="batch")) == 1


def test_its_own_errors_come_from_our_refusals(api, client):
    api.sim.configure(unknown_column="forbid")
    wrong = client.GlideRecord(CENTERS)
    wrong.add_query("no_such", "1")
    with pytest.raises(RoleException):
        wrong.query()
    with pytest.raises(RequestException):
        client.GlideRecord("u_nowhere").query()
    account = client.GlideRecord("sn_fin_gl_account")
    account.initialize()
    account.gl_account = "4000"
    with pytest.raises((RoleException, InsertException)):
        account.insert()
    stranger = connect(api, password="wrong")
    with pytest.raises(AuthenticationException), stranger.session:
        stranger.GlideRecord(CENTERS).query()


def test_it_tells_a_read_that_took_too_long(stocked, client, capsys):
    stocked.sim.configure(slow_above=100)
    with pytest.raises(RequestException, match="Lower batch size"):
        client.GlideRecord(CENTERS, batch_size=200).query()


def test_it_reads_approved_requisitions_with_their_lines(api, client):
    api.masters()
    line = {"item": "P4", "product_name": "Paper", "quantity": 4, "unit_price": "25.10", "cost_center": "110"}
    wanted = {api.sim.request("50001", [line] * count, currency="NOK")["number"]: count for count in (1, 2, 3)}
    headers = client.GlideRecord("sn_shop_purchase_requisition", batch_size=2)
    headers.add_query("status", "approved")
    headers.add_query("sys_updated_on", ">=", "2026-01-01 00:00:00")
    headers.fields = ["sys_id", "number", "status", "supplier", "supplier.supplier_number", "total_amount.amount"]
    headers.query()
    seen = {}
    for header in headers:
        assert (header.get_display_value("status"), header.supplier.supplier_number) == ("Approved", "50001")
        lines = client.GlideRecord("sn_shop_purchase_line")
        lines.add_query("purchase_requisition", header.sys_id.get_value())
        lines.fields = ["line_number", "unit_price.amount", "unit_price.currency", "cost_center.code"]
        lines.order_by("line_number")
        lines.query()
        rows = [[it.get_value(name) for name in lines.fields if name != "sys_id"] for it in lines]
        assert rows == [[str(n), "25.10", "NOK", "110"] for n in range(1, len(rows) + 1)]
        assert header.get_value("total_amount.amount") == f"{len(rows) * 100.4:.2f}"
        seen[header.get_value("number")] = len(rows)
    assert seen == wanted


def test_it_finds_deletes_and_inherited_columns(api, client):
    line = api.sim.table("sn_shop_purchase_line")[0]["sys_id"]
    api.sim.delete("sn_shop_purchase_line", line)
    deletes = client.GlideRecord("sys_audit_delete")
    deletes.add_query("tablename", "sn_shop_purchase_line")
    deletes.query()
    assert [it.get_value("documentkey") for it in deletes] == [line]
    dictionary = client.GlideRecord("sys_dictionary")
    dictionary.add_query("name", "IN", "sn_shop_line,sn_shop_purchase_line").add_or_condition("element", "nothing")
    dictionary.add_query("internal_type", "currency2")
    dictionary.query()
    assert sorted(it.get_value("element") for it in dictionary) == ["total_line_amount", "unit_price"]
