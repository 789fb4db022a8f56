"""The SDK's standard tap suite, every group on, over real HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ml_connector.vendors.servicenow.dictionary import Column, Dictionary, Table
from ml_connector_simulators.servicenow.installation import Installation
from ml_connector_simulators.servicenow.tables import delivered
from singer_sdk.testing import SuiteConfig, get_tap_test_class
from singer_sdk.testing.runners import TapTestRunner
from tap_servicenow.tap import TapServiceNow

from tests.tap_servicenow.conftest import CREDENTIALS, config_of

if TYPE_CHECKING:
    from collections.abc import Iterable

# The SDK warns of schema fields that no record had.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Fields in transformed catalog"),
    pytest.mark.filterwarnings("ignore:No records were available to test"),
]


class Delivered(Dictionary):
    """The dictionary of the simulated instance, without an instance: to make the list of tests."""

    def __init__(self) -> None:
        self._schema = Installation().apply(delivered())

    def load(self, names: Iterable[str]) -> set[str]:
        return {name for name in names if name not in self._schema}

    def table(self, name: str) -> Table:
        columns = {
            column.element: Column(column.element, column.label, column.type, column.max_length, column.reference)
            for column in self._schema.columns(name).values()
        }
        return Table(name, (name,), (columns,))


class Offline(TapServiceNow):
    """The tap with that dictionary."""

    dictionary = Delivered()


Suite = get_tap_test_class(
    Offline,
    config={"instance_url": "https://acme.service-now.com", **CREDENTIALS},
    include_tap_tests=True,
    include_stream_tests=True,
    include_stream_attribute_tests=True,
)


class TestTapServiceNow(Suite):
    params = Suite.params

    @pytest.fixture(scope="class")
    @classmethod
    def runner(cls, shared):
        stock(shared)
        runner = TapTestRunner(TapServiceNow, config=config_of(shared), suite_config=SuiteConfig())
        runner.sync_all()
        return runner


def stock(sim):
    """Fill what the seed leaves empty."""
    sim.add("sn_fin_supplier", supplier_number="V1", legal_name="Paper")
    sim.add("cmn_cost_center", code="ADM", name="Administration", valid_from="2026-01-01")
    sim.add("sn_fin_gl_account", number="71", gl_account="5000")
    sim.add("sn_shop_payment_term", name="30 net", net_days_to_pay="30", discount_percentage="2.50")
    line = {"item": "A", "quantity": "2", "unit_price": "EUR;1.10", "cost_center": "ADM", "gl_account": "5000"}
    sim.request(supplier_number="V1", lines=[line], currency="EUR")
    order = sim.add("sn_shop_purchase_order", erp_number="1", total_amount="EUR;12.50", order_date="2026-10-01")
    sim.add("proc_po", total_cost="NOK;7.10", po_date="2026-10-01")
    invoice = sim.add("sn_shop_invoice", supplier_invoice_number="I1", amount_invoiced="EUR;12.50")
    sim.add("sn_shop_purchase_order_line", purchase_order=order["sys_id"], unit_price="EUR;12.50")
    sim.add("sn_shop_invoice_tax_line", invoice=invoice["sys_id"], supplier_tax="EUR;2.50")
    sim.add("sn_shop_invoice_payment_detail", invoice=invoice["sys_id"])
    sim.add("sn_shop_invoice_line", invoice=invoice["sys_id"], line_amount="EUR;12.50", invoiced_quantity="1")
