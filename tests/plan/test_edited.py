"""A plan shows a record as a person has edited it, as the run would send it, also after its dead letter closed."""

from __future__ import annotations

from ml_connector.plan.document import Verdict
from ml_connector.store import open_store, tables

from tests.delivery.conftest import KEY, S1, SOURCE_MAP, invoice
from tests.plan.conftest import Planner

LINES = ({"nr": 1, "amount": 60, "account": "6300"}, {"nr": 2, "amount": 40, "account": "7777"})
EDITED = ("supplier_invoices", invoice("100", lines=LINES))


def test_a_plan_shows_what_a_person_has_edited(pipeline: Planner) -> None:
    pipeline.run(S1, EDITED)
    assert pipeline.state_of(KEY) == ("parked", "account_missing")
    store = open_store(pipeline.url)
    with store.transaction() as connection:
        connection.execute(tables.dead_letters.update().values(edit='{"lines[1].account":["7777","6400"]}'))
    store.close()
    flow = pipeline.plan(EDITED)
    (planned,) = [each for each in flow.records if each.key == KEY]
    assert planned.verdict == Verdict.NEW
    pipeline.run_held(flow, EDITED)
    assert pipeline.state_of(KEY)[0] == "delivered"
    again = pipeline.plan(EDITED, source_map=SOURCE_MAP + "# another version\n")
    assert [each.verdict for each in again.records if each.key == KEY] == [Verdict.UNCHANGED]
