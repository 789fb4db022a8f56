"""Somebody else's client, unmodified, works against the simulator."""

import pytest
from easy_acumatica import AcumaticaClient
from easy_acumatica.odata import QueryOptions
from ml_connector_simulators.acumatica import PASSWORD, TENANT, USER

from tests.acumatica_sim.conftest import plain

pytestmark = pytest.mark.filterwarnings("ignore")


def test_it_reads_and_writes(sim, tmp_path):
    client = AcumaticaClient(
        base_url=sim.url,
        username=USER,
        password=PASSWORD,
        tenant=TENANT,
        endpoint_version="24.200.001",
        cache_dir=tmp_path,
        rate_limit_calls_per_second=1000,
    )
    options = QueryOptions(filter="Status eq 'Active'", top=5, expand=["MainContact"])
    vendors = client.vendor.get_list(options)
    assert len(vendors) == 5
    assert plain(vendors[0])["MainContact"]["Email"].endswith(".example")
    line = client.models.PurchaseOrderDetail(InventoryID="APPLES", OrderQty=4, UnitCost=2.5)
    order = client.models.PurchaseOrder(VendorID="ALLFRUITSW", Hold=False, Details=[line])
    answer = plain(client.purchase_order.put_entity(order, options=QueryOptions(select=["OrderNbr", "OrderTotal"])))
    assert (answer["OrderNbr"], answer["OrderTotal"]) == ("PO000031", 10)
    assert plain(client.bill.get_by_keys(Type="Bill", ReferenceNbr="000013"))["Status"] == "Closed"
    assert len(sim.sessions.all()) == 1
    client.logout()
    assert sim.sessions.all() == []
