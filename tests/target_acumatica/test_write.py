"""Creating and updating documents: never twice, never a line appended, nothing silently lost."""

from __future__ import annotations

from decimal import Decimal

import pytest
from ml_connector.delivery.discretion import discreet_outcome
from ml_connector.delivery.sink import Outcome, State
from ml_connector_simulators.acumatica import Settings
from target_acumatica import outcomes
from target_acumatica.document import Difference
from target_acumatica.values import EmptyValues

from tests.target_acumatica.conftest import line, order, states, vendor

DELIVERED, PARKED, REFUSED, SENT = State.DELIVERED, State.PARKED, State.REFUSED, State.SENT


@pytest.fixture(params=["sent", "all"])
def answers(request):
    """What a PUT shows: the guide and the recordings differ."""
    return Settings(put_answers=request.param)


def test_an_order_is_created_once_and_tells_its_number(bench, answers):
    it = bench(answers)
    (first,) = it.send(order("REQ1", line(1), line(2, "ORANGES", Decimal("1.5"), Decimal("3.10"))))
    (made,) = it.orders
    assert states([first]) == [(DELIVERED, "created")]
    assert (first.target_id, first.answered["OrderNbr"]) == (made["id"], made["OrderNbr"])
    assert first.answered["Type"] == "Normal"
    assert [(each["InventoryID"], each["OrderQty"]) for each in made["Details"]] == [
        ("APPLES", 10),
        ("ORANGES", Decimal("1.5")),
    ]
    assert {row: told["id"] for row, told in first.memory["lines"]["Details"].items()} == {
        str(number): each["id"] for number, each in enumerate(made["Details"], 1)
    }
    (again,) = it.send(it.remembered(first))
    (lost_store,) = it.send(order("REQ1", line(1), line(2, "ORANGES", Decimal("1.5"), Decimal("3.10"))))
    assert states([again, lost_store]) == [(DELIVERED, "unchanged")] * 2
    assert lost_store.target_id == first.target_id
    assert len(it.puts()) == len(it.orders) == 1


def test_an_update_addresses_lines_and_never_appends(bench, answers):
    it = bench(answers)
    (first,) = it.send(order("REQ1", line(1), line(2, "ORANGES"), line(3, "SUGAR")))
    changed = order(
        "REQ1", line(1, quantity=12), line(3, "SUGAR"), line(4, "APPLES", 1), Description="New words"
    ).payload
    (second,) = it.send(it.remembered(first, changed))
    assert states([second]) == [(DELIVERED, "updated")]
    (made,) = it.orders
    assert made["Description"] == "New words"
    assert [(row["LineNbr"], row["InventoryID"], row["OrderQty"]) for row in made["Details"]] == [
        (1, "APPLES", 12),
        (3, "SUGAR", 10),
        (4, "APPLES", 1),
    ]
    assert set(second.memory["lines"]["Details"]) == {"1", "3", "4"}
    assert len(it.puts()) == 2
    assert states(it.send(it.remembered(second, changed))) == [(DELIVERED, "unchanged")]


def test_lines_of_others_stay(bench):
    it = bench()
    (first,) = it.send(order("REQ1"))
    (made,) = it.orders
    foreign = {**made["Details"][0], "id": "11111111-1111-4111-8111-111111111111", "LineNbr": 7, "InventoryID": "SUGAR"}
    it.sim.edit("PurchaseOrder", f"Normal/{made['OrderNbr']}", Details=[made["Details"][0], foreign])
    (second,) = it.send(it.remembered(first, order("REQ1", line(1, quantity=3)).payload))
    assert states([second]) == [(DELIVERED, "updated")]
    assert [(row["LineNbr"], row["OrderQty"]) for row in it.orders[0]["Details"]] == [(1, 3), (7, 10)]


def test_a_new_line_is_never_taken_for_one_that_people_added(bench):
    it = bench()
    (first,) = it.send(order("REQ1", line(1, "ORANGES")))
    (made,) = it.orders
    foreign = {**made["Details"][0], "id": "11111111-1111-4111-8111-111111111111", "LineNbr": 7, "InventoryID": "SUGAR"}
    it.sim.edit("PurchaseOrder", f"Normal/{made['OrderNbr']}", Details=[made["Details"][0], foreign])
    more = [line(1, "ORANGES"), line(2, "APPLES", ReceivedAmount="5.00")]  # which Acumatica does not keep
    (second,) = it.send(it.remembered(first, order("REQ1", *more).payload))
    assert states([second]) == [(DELIVERED, "silent_no_op")]
    assert second.memory["lines"]["Details"]["2"]["nbr"] == 8
    same_item = order("REQ1", *more, line(3, "SUGAR", 1)).payload
    (third,) = it.send(it.remembered(second, same_item))
    assert states([third]) == [(PARKED, "lines_unclear")]


def test_words_may_change_in_their_case_only_and_codes_do_not(bench):
    it = bench()
    (first,) = it.send(order("REQ1", line(1, LineDescription="Paper")))
    codes = order("REQ1", line(1, "apples", LineDescription="Paper"), VendorID="allfruitsw").payload
    assert states(it.send(it.remembered(first, codes))) == [(DELIVERED, "unchanged")]
    words = order("REQ1", line(1, LineDescription="PAPER"), Description="REQUEST REQ1").payload
    assert states(it.send(it.remembered(first, words))) == [(DELIVERED, "updated")]
    (made,) = it.orders
    assert (made["Description"], made["Details"][0]["LineDescription"]) == ("REQUEST REQ1", "PAPER")


def test_an_order_in_another_currency_is_not_given_the_same_numbers(bench):
    it = bench()
    (first,) = it.send(order("REQ1", CurrencyID="USD"))
    changed = order("REQ1", line(1, quantity=3), CurrencyID="EUR").payload
    (second,) = it.send(it.remembered(first, changed))
    assert states([second]) == [(PARKED, "other_currency")]
    assert (it.orders[0]["CurrencyID"], it.orders[0]["Details"][0]["OrderQty"]) == ("USD", 10)
    back = order("REQ1", line(1, quantity=3), CurrencyID="USD").payload
    assert states(it.send(it.remembered(second, back))) == [(DELIVERED, "updated")]


def test_a_line_that_people_took_out_is_not_ordered_again(bench):
    it = bench()
    (first,) = it.send(order("REQ1", line(1), line(2, "ORANGES")))
    (made,) = it.orders
    it.sim.edit("PurchaseOrder", f"Normal/{made['OrderNbr']}", Details=made["Details"][1:])
    changed = order("REQ1", line(1), line(2, "ORANGES"), Description="New words").payload
    (second,) = it.send(it.remembered(first, changed))
    assert states([second]) == [(PARKED, "lines_removed")]
    assert "Details.1" in second.message
    assert [row["InventoryID"] for row in it.orders[0]["Details"]] == ["ORANGES"]
    without = order("REQ1", line(2, "ORANGES"), Description="New words").payload
    assert states(it.send(it.remembered(second, without))) == [(DELIVERED, "updated")]
    it.sink._writer.rules = type(it.sink._writer.rules)(make_deleted=True)
    assert states(it.send(it.remembered(second, changed))) == [(DELIVERED, "updated")]
    assert sorted(row["InventoryID"] for row in it.orders[0]["Details"]) == ["APPLES", "ORANGES"]


def test_a_line_for_which_goods_have_come_is_not_taken_out(bench):
    it = bench()
    (first,) = it.send(order("REQ1", line(1), line(2, "ORANGES")))
    (made,) = it.orders
    received = [made["Details"][0], made["Details"][1] | {"QtyOnReceipts": Decimal(1)}]
    it.sim.edit("PurchaseOrder", f"Normal/{made['OrderNbr']}", Details=received)
    (second,) = it.send(it.remembered(first, order("REQ1", line(1)).payload))
    assert states([second]) == [(PARKED, "lines_received")]
    renumbered = order("REQ1", line(1), line(2, "SUGAR"), line(3, "ORANGES")).payload
    assert states(it.send(it.remembered(first, renumbered))) == [(PARKED, "lines_received")]
    assert [row["InventoryID"] for row in it.orders[0]["Details"]] == ["APPLES", "ORANGES"]
    assert states(it.send(it.remembered(second, first.effect.payload))) == [(DELIVERED, "unchanged")]


def test_an_update_whose_lines_nobody_remembers_and_that_differ_parks(bench):
    it = bench()
    it.send(order("REQ1", line(1), line(2, "ORANGES")))
    (again,) = it.send(order("REQ1", line(1), line(2, "SUGAR")))
    assert states([again]) == [(PARKED, "lines_unclear")]
    assert len(it.puts()) == 1


def test_a_reference_that_two_documents_carry_parks(bench):
    it = bench()
    for _ in range(2):
        number = f"PO9{len(it.orders):05d}"
        it.sim.add("PurchaseOrder", {"OrderNbr": number, "VendorRef": "REQ1"})
    assert states(it.send(order("REQ1"))) == [(PARKED, "ambiguous_key")]
    assert it.puts() == []


def test_references_that_differ_in_case_only_are_one_to_acumatica(bench):
    it = bench()
    outcomes = it.send(order("REQ-a"), order("REQ-A"))
    assert states(outcomes) == [(DELIVERED, "created"), (PARKED, "same_key")]
    assert len(it.orders) == 1
    assert states(it.send(order("req-a"))) == [(PARKED, "same_key")]


def test_a_quote_in_a_reference_is_looked_up_as_it_is(bench):
    it = bench()
    (first,) = it.send(order("REQ'1 & co/2"))
    assert states([first, *it.send(order("REQ'1 & co/2"))]) == [(DELIVERED, "created"), (DELIVERED, "unchanged")]


def test_an_archived_order_is_found_by_its_reference(bench):
    it = bench()
    (first,) = it.send(order("REQ1"))
    it.sim.archive("PurchaseOrder", f"Normal/{it.orders[0]['OrderNbr']}")
    (lost_store,) = it.send(order("REQ1"))
    assert states([lost_store, *it.send(it.remembered(first))]) == [(DELIVERED, "unchanged")] * 2
    assert len(it.orders) == len(it.puts()) == 1


def test_many_references_are_looked_up_in_urls_that_fit(bench):
    it = bench()
    outcomes = it.send(*(order(f"REQ{number:03d}-{'x' * 33}") for number in range(25)))
    assert {o.state for o in outcomes} == {DELIVERED}
    assert len(it.orders) == 25
    lists = [entry for entry in it.sim.log.requests() if entry.method == "GET" and "$filter" in entry.query]
    assert len(lists) < 10
    assert all(len(entry.query["$filter"]) < 1_800 for entry in lists)


@pytest.mark.parametrize(
    ("settings", "reads"),
    [
        (Settings(put_answers="sent"), 2),
        (Settings(put_answers="all"), 2),
        (Settings(put_answers="sent", unoptimized={"PurchaseOrder": {"Details": "Transactions"}}), 22),
    ],
    ids=["sent", "all", "not in one query"],
)
def test_a_write_answers_what_is_needed_unless_the_tenant_cannot_show_it(bench, settings, reads):
    it = bench(settings)
    it.sink._reader.contract  # noqa: B018  it is read once, and is not counted
    it.sim.log.clear()
    outcomes = it.send(*(order(f"REQ{number}", line(1), line(2, "ORANGES")) for number in range(20)))
    assert {o.state for o in outcomes} == {DELIVERED}
    assert all(o.answered["OrderNbr"] and set(o.memory["lines"]["Details"]) == {"1", "2"} for o in outcomes)
    assert len(it.puts()) == 20
    assert len(it.sim.log.requests("/PurchaseOrder", method="GET")) == reads


def test_a_document_of_many_lines_is_on_hold_until_the_last_is_there(bench):
    it = bench(lines_per_request=2)
    (first,) = it.send(order("REQ1", *(line(n, quantity=n) for n in range(1, 6)), Hold=False))
    (made,) = it.orders
    assert states([first]) == [(DELIVERED, "created")]
    assert [row["OrderQty"] for row in made["Details"]] == [1, 2, 3, 4, 5]
    assert (made["Hold"], made["Status"]) == (False, "Open")
    assert len(it.puts()) == 4
    assert set(first.memory["lines"]["Details"]) == set("12345")


def test_a_document_refused_half_way_stays_on_hold_and_is_completed_later(bench):
    it = bench(lines_per_request=2)
    lines = [line(n, quantity=n) for n in range(1, 4)]
    (first,) = it.send(order("REQ1", *lines[:2], line(3, "NOSUCH"), Hold=False))
    assert states([first]) == [(PARKED, "reference_not_found")]
    assert (it.orders[0]["Hold"], first.target_id) == (True, it.orders[0]["id"])
    (second,) = it.send(it.remembered(first, order("REQ1", *lines, Hold=False).payload))
    assert states([second]) == [(DELIVERED, "updated")]
    assert [(row["OrderQty"]) for row in it.orders[0]["Details"]] == [1, 2, 3]
    assert it.orders[0]["Hold"] is False


def test_a_refusal_names_the_field_the_value_and_the_words(bench):
    it = bench()
    (first,) = it.send(order("REQ1", line(1), line(2, "APPLES", -1)))
    assert states([first]) == [(REFUSED, "field_errors")]
    assert (first.field, first.value) == ("Details[2].OrderQty", "-1.000000")
    assert "must not be below zero" in first.message
    (second,) = it.send(order("REQ2", line(1, "NOSUCH")))
    assert states([second]) == [(PARKED, "reference_not_found")]
    assert (second.field, second.value) == ("Details[1].InventoryID", "NOSUCH")
    assert it.orders == []


@pytest.mark.parametrize(("park", "state"), [(False, DELIVERED), (True, PARKED)])
def test_a_value_that_is_not_kept_is_told(bench, park, state):
    it = bench(park_silent=park)
    (first,) = it.send(order("REQ1", line(1, ReceivedAmount="5.00")))
    assert states([first]) == [(state, "silent_no_op")]
    assert (first.field, first.value) == ("Details.1.ReceivedAmount", "5.00")
    assert first.target_id == it.orders[0]["id"]


def test_a_personal_value_that_is_not_kept_is_named_and_not_quoted():
    sent, live = "+47 99 00 11 22", "+47 11 22 33 44"
    effect = vendor("NO01:17", MainContact={"Phone1": sent})
    differences = [Difference("MainContact.Phone1", sent, live, shown=True)]
    told = discreet_outcome(outcomes.not_kept(Outcome(effect, DELIVERED), differences, park=False))
    assert "MainContact.Phone1" in told.message
    assert sent not in told.message
    assert live not in told.message
    assert sent not in str(told.value)


def test_a_deleted_document_parks_or_is_made_anew(bench):
    it = bench()
    (first,) = it.send(order("REQ1"))
    it.sim.remove("PurchaseOrder", f"Normal/{it.orders[0]['OrderNbr']}")
    assert states(it.send(it.remembered(first))) == [(PARKED, "deleted_in_target")]
    assert it.orders == []
    it.sink._writer.rules = type(it.sink._writer.rules)(make_deleted=True)
    assert states(it.send(it.remembered(first))) == [(DELIVERED, "created")]


def test_a_vendor_is_made_with_what_is_linked_and_found_again_by_its_reference(bench):
    it = bench()
    contact = {"Email": "ap@nordic.example", "Address": {"Country": "NO", "City": "Oslo"}}
    (first,) = it.send(vendor("NO01:17", VendorID="NORDIC", MainContact=contact))
    assert states([first]) == [(DELIVERED, "created")]
    made = it.sim.row("Vendor", "NORDIC")
    assert (made["MainContact"]["Address"]["City"], made["AccountRef"]) == ("Oslo", "NO01:17")
    moved = contact | {"Address": {"Country": "NO", "City": "Bergen"}}
    payload = vendor("NO01:17", VendorID="NORDIC", MainContact=moved).payload
    assert states(it.send(it.remembered(first, payload))) == [(DELIVERED, "updated")]
    assert it.sim.row("Vendor", "NORDIC")["MainContact"]["Address"]["City"] == "Bergen"
    assert it.sim.row("Vendor", "NORDIC")["MainContact"]["Email"] == "ap@nordic.example"


def test_a_number_that_another_vendor_has_is_not_overwritten(bench):
    it = bench()
    before = dict(it.sim.row("Vendor", "ALLFRUITSW"))
    (first,) = it.send(vendor("NO01:17", VendorID="ALLFRUITSW", MainContact={"Address": {"Country": "NO"}}))
    assert states([first]) == [(PARKED, "key_taken")]
    assert it.sim.row("Vendor", "ALLFRUITSW") == before


def test_an_empty_value_leaves_or_empties_the_field(bench):
    it = bench()
    (first,) = it.send(order("REQ1"))
    (second,) = it.send(it.remembered(first, order("REQ1", Description=None).payload))
    assert states([second]) == [(DELIVERED, "unchanged")]
    it.sink._writer.rules = type(it.sink._writer.rules)(empty=EmptyValues.CLEAR)
    (third,) = it.send(it.remembered(second, order("REQ1", Description=None).payload))
    assert states([third]) == [(DELIVERED, "updated")]
    assert not it.orders[0]["Description"]


def test_a_tenant_that_does_not_apply_the_filter_is_noticed_before_anything_is_made(bench, monkeypatch):
    from ml_connector.errors import BadAnswer  # noqa: PLC0415
    from target_acumatica.reader import Reader  # noqa: PLC0415

    it = bench()
    it.sim.add("PurchaseOrder", {"OrderNbr": "PO900001", "VendorRef": "OTHER"})
    whole = Reader._list
    monkeypatch.setattr(Reader, "_list", lambda self, entity, query: whole(self, entity, {"$select": query["$select"]}))
    with pytest.raises(BadAnswer, match="nobody asked for"):
        list(it.sink.send([order("REQ1")]))
    assert it.puts() == []
