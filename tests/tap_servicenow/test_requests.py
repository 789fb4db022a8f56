"""Purchase requests: approved requisitions, whole, with their lines, and new when a line is."""

from __future__ import annotations

from decimal import Decimal

import pytest
from ml_connector.errors import ConfigError, Forbidden
from ml_connector_simulators.kit import Fault

from tests.tap_servicenow.conftest import DAY, HEADERS, LINES, REQUESTS, captured_run, ids, run, sync, tap_of

SOURCE = "acumatica:US01"


@pytest.fixture
def stocked(sim):
    """An instance with a supplier, an account and a cost centre."""
    sim.add("sn_fin_supplier", supplier_number="V100", legal_name="Paper Inc", erp_source=SOURCE)
    sim.add("sn_fin_gl_account", number="71", gl_account="5000", erp_source=SOURCE)
    sim.add("cmn_cost_center", code="ADM", name="Administration", erp_source=SOURCE)
    return sim


def request(sim, lines=2, **values):
    """Add an approved request with so many lines."""
    ordered = [
        {"item": f"ITEM{n}", "quantity": "3", "unit_price": f"EUR;{n}.25", "cost_center": "ADM", "gl_account": "5000"}
        for n in range(1, lines + 1)
    ]
    known = {"supplier_number": "V100", "erp_source": SOURCE, "cost_center": "ADM", "currency": "EUR"}
    return sim.request(lines=ordered, **known, **values)


def read(sim, **options):
    return sync(sim, REQUESTS, **options)


def by_number(output):
    return {record["number"]: record for record in output.records[REQUESTS]}


def test_an_approved_request_comes_with_its_lines_and_what_people_know_things_by(stocked):
    made = request(stocked, short_description="Paper")
    record = by_number(read(stocked))[made["number"]]
    assert (record["_company"], record["sys_id"], record["status"]) == ("US01", made["sys_id"], "approved")
    assert (record["supplier_number"], record["supplier_erp_source"]) == ("V100", SOURCE)
    assert record["supplier"] == stocked.table("sn_fin_supplier")[0]["sys_id"]
    assert record["cost_center_code"] == "ADM"
    assert [line["line_number"] for line in record["lines"]] == [1, 2]
    line = record["lines"][1]
    assert (line["unit_price"], line["unit_price__currency"]) == (Decimal("2.25"), "EUR")
    assert (line["purchased_quantity"], line["product_number"]) == (Decimal(3), "ITEM2")
    assert (line["cost_center_code"], line["ledger_account_number"], line["ledger_account_code"]) == (
        "ADM",
        "71",
        "5000",
    )
    assert record["modified_on"] >= record["sys_updated_on"]


def test_only_what_the_rule_lets_through_is_read(stocked):
    request(stocked)
    waiting = request(stocked, status="pending_approval")
    assert len(read(stocked).records[REQUESTS]) == 1
    told = by_number(read(stocked, approval_rule="status=pending_approval"))
    assert waiting["number"] in told
    both = read(
        stocked, approval_rule="status=approved^NQstatus=pending_approval", queries={HEADERS: "supplierISNOTEMPTY"}
    )
    assert len(both.records[REQUESTS]) == 2


@pytest.mark.parametrize("policy", ["drop", "no_rows", "forbid"])
@pytest.mark.parametrize("denied", [True, False])
def test_a_rule_that_is_not_obeyed_lets_nothing_through(stocked, policy, denied):
    request(stocked)
    stocked.configure(unknown_column=policy)
    if denied:
        stocked.restrict("query_match", HEADERS, column="status")
    rule = "status=approved" if denied else "state=approved"
    output = captured_run(tap_of(stocked, REQUESTS, approval_rule=rule), (ConfigError, Forbidden))
    assert output.records == {}


def test_a_changed_line_makes_its_request_new(stocked):
    changed, other = request(stocked), request(stocked)
    stocked.clock.advance(DAY)
    first = read(stocked)
    stocked.clock.advance(DAY)
    stocked.change_request(changed["number"], lines=[{"line_number": 2, "quantity": "9", "unit_price": "EUR;2.25"}])
    header = stocked.table(HEADERS, number=changed["number"])[0]
    stocked.update_silently(
        HEADERS, header["sys_id"], sys_updated_on="2026-11-01 00:00:00"
    )  # a header that did not move
    second = read(stocked, state=first.states[-1])
    told = by_number(second)
    assert told[changed["number"]]["lines"][1]["purchased_quantity"] == Decimal(9)
    assert len(told) == len(second.records[REQUESTS])
    assert told[changed["number"]]["modified_on"] > told[changed["number"]]["sys_updated_on"]
    third = read(stocked, state=second.states[-1], lookback_minutes=0)
    assert set(by_number(third)) <= {changed["number"]}
    assert other["number"] not in by_number(third)


def test_a_supplier_that_gets_its_number_later_makes_its_requests_new(stocked):
    other = request(stocked)
    stocked.clock.advance(DAY)
    waiting = request(stocked)
    new = stocked.add("sn_fin_supplier", legal_name="Ink Inc")
    stocked.update(HEADERS, waiting["sys_id"], supplier=new["sys_id"])
    stocked.clock.advance(DAY)
    first = read(stocked)
    assert by_number(first)[waiting["number"]]["supplier_number"] is None
    stocked.clock.advance(DAY)
    stocked.update("sn_fin_supplier", new["sys_id"], supplier_number="V200", erp_source=SOURCE)
    second = read(stocked, state=first.states[-1], lookback_minutes=0)
    told = by_number(second)
    assert (told[waiting["number"]]["supplier_number"], len(told[waiting["number"]]["lines"])) == ("V200", 2)
    assert other["number"] not in told
    assert len(second.records[REQUESTS]) == len(told)


def test_suppliers_whose_changes_may_not_be_asked_for_are_told(stocked, caplog):
    request(stocked)
    first = read(stocked)
    stocked.restrict("query_range", "sn_fin_supplier", column="sys_updated_on")
    assert read(stocked, state=first.states[-1]).totals(REQUESTS)["complete"]
    assert "not read again when their suppliers change" in caplog.text


def test_a_hidden_requisition_of_a_changed_line_is_told(stocked, caplog):
    made = request(stocked)
    stocked.clock.advance(DAY)
    request(stocked)
    first = read(stocked)
    stocked.clock.advance(DAY)
    stocked.update(LINES, made["lines"][0]["sys_id"], purchased_quantity="88")
    stocked.restrict("read", HEADERS, rows=f"sys_id={made['sys_id']}")
    read(stocked, state=first.states[-1])
    assert f"{HEADERS}: 1 rows are hidden" in caplog.text


def test_a_changed_line_of_what_is_not_approved_makes_nothing(stocked):
    request(stocked)
    draft = request(stocked, status="draft")
    first = read(stocked)
    stocked.clock.advance(DAY)
    stocked.change_request(draft["number"], lines=[{"line_number": 1, "quantity": "9", "unit_price": "EUR;2.25"}])
    assert draft["number"] not in by_number(read(stocked, state=first.states[-1]))


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_many_requests_come_once_each_with_all_their_lines(stocked, size):
    made = [request(stocked, lines=1 + n % 4) for n in range(23)]
    output = read(stocked, page_size=size)
    told = by_number(output)
    assert len(told) == len(output.records[REQUESTS]) == 23
    for n, one in enumerate(made):
        assert [line["sys_id"] for line in told[one["number"]]["lines"]] == [line["sys_id"] for line in one["lines"]]
        assert len(told[one["number"]]["lines"]) == 1 + n % 4
    totals = output.totals(REQUESTS)
    assert (totals["amount"], totals["currency"], totals["complete"]) == (
        "total_amount",
        "total_amount__currency",
        True,
    )
    assert Decimal(totals["sums"]["EUR"]) == sum(record["total_amount"] for record in told.values())


@pytest.mark.usefixtures("at_once")
def test_an_interrupted_first_read_loses_no_line_that_changed_meanwhile(stocked):
    made = [request(stocked) for _ in range(9)]
    stocked.clock.advance(DAY)
    armed = stocked.faults.add(Fault("status", path=HEADERS, after=6, times=None, status=418))
    first = captured_run(tap_of(stocked, REQUESTS, page_size=2), Exception)
    assert armed.struck
    read_before = ids(first, REQUESTS)
    assert 0 < len(read_before) < 9
    stocked.clock.advance(DAY)
    edited = next(one for one in made if one["sys_id"] == read_before[0])
    line = edited["lines"][0]["sys_id"]
    stocked.update(LINES, line, purchased_quantity="77")
    stocked.faults.clear()
    second = read(stocked, state=first.states[-1], page_size=2)
    assert set(read_before) | set(ids(second, REQUESTS)) == {one["sys_id"] for one in made}
    again = [record for record in second.records[REQUESTS] if record["sys_id"] == edited["sys_id"]]
    assert again[0]["lines"][0]["purchased_quantity"] == Decimal(77)


def test_lines_that_are_hidden_stop_the_stream(stocked):
    request(stocked)
    stocked.restrict("read", LINES, rows="line_number=2")
    output = captured_run(tap_of(stocked, REQUESTS), Forbidden, "rows of sn_shop_purchase_line are hidden")
    assert output.records == {}


@pytest.mark.parametrize("policy", ["drop", "no_rows", "forbid"])
def test_a_denied_parent_column_stops_the_stream(stocked, policy):
    request(stocked)
    stocked.configure(unknown_column=policy)
    stocked.restrict("query_match", LINES, column="purchase_requisition")
    output = captured_run(tap_of(stocked, REQUESTS), (ConfigError, Forbidden))
    assert output.records == {}


@pytest.mark.parametrize("policy", ["drop", "no_rows", "forbid"])
@pytest.mark.parametrize(
    ("table", "operation", "column"),
    [
        (LINES, "query_range", "sys_updated_on"),
        (HEADERS, "query_match", "sys_id"),
    ],
)
def test_a_denied_look_for_changed_lines_stops_the_stream(stocked, policy, table, operation, column):
    changed = request(stocked)
    first = read(stocked)
    stocked.clock.advance(DAY)
    stocked.update(LINES, changed["lines"][0]["sys_id"], purchased_quantity="7")
    request(stocked)  # so that the next run has a header to read, too
    stocked.configure(unknown_column=policy)
    stocked.restrict(operation, table, column=column)
    header = stocked.table(HEADERS, number=changed["number"])[0]
    stocked.update_silently(HEADERS, header["sys_id"], sys_updated_on="2026-10-01 00:00:00")
    tap = tap_of(stocked, REQUESTS, state=first.states[-1], lookback_minutes=0)
    if (table, policy) == (LINES, "drop"):  # then every line comes, which loses nothing
        assert by_number(run(tap))[changed["number"]]["lines"][0]["purchased_quantity"] == Decimal(7)
        return
    output = captured_run(tap, (ConfigError, Forbidden))
    before, after = (run_.states[-1]["bookmarks"][REQUESTS]["replication_key_value"] for run_ in (first, output))
    assert before == after


def test_lines_may_be_deselected(stocked):
    request(stocked)
    tap = tap_of(stocked, REQUESTS)
    tap.streams[REQUESTS].metadata["properties", "lines"].selected = False
    before = len(stocked.log.requests(path=f"/api/now/table/{LINES}"))
    record = run(tap).records[REQUESTS][0]
    assert "lines" not in record
    assert len(stocked.log.requests(path=f"/api/now/table/{LINES}")) == before


def test_other_tables_can_be_named_and_wrong_names_are_told(stocked):
    with pytest.raises(ConfigError, match=r"x_acme_request.*request_table"):
        read(stocked, request_table="x_acme_request")
    with pytest.raises(ConfigError, match="request_line_parent"):
        read(stocked, request_line_parent="header")


def test_an_instance_without_requisitions_has_no_such_stream(start):
    sim = start(absent=frozenset({LINES}))
    assert REQUESTS not in tap_of(sim, REQUESTS).streams
