"""The licence's limits on requests (apis/acumatica.md §2 Limits)."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from ml_connector_simulators.acumatica import Settings
from ml_connector_simulators.acumatica.errors import Refused
from ml_connector_simulators.acumatica.limits import Licence
from ml_connector_simulators.kit import Clock, Fault

from tests.acumatica_sim.conftest import Client


def test_declined_over_the_minutes_limit(start):
    sim = start(settings=Settings(requests_per_minute=3, retry_after=7))
    client = Client(sim)  # the token request counts, too
    answers = [client.get("Vendor", top=1) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].headers["Retry-After"] == "7"
    assert answers[-1].headers["Content-Type"].startswith("text/plain")
    sim.clock.advance(60)
    assert client.get("Vendor", top=1).status_code == 200


def test_delayed_from_half_of_it(client):
    client.sim.set(requests_per_minute=4, delays=True)
    client.get("Vendor", top=1)
    client.get("Vendor", top=1)
    with ThreadPoolExecutor() as pool:
        late = pool.submit(client.get, "Vendor", top=1)
        assert client.sim.log.wait_for("GET", "Vendor", 3, timeout=10)
        while not late.done():
            client.sim.clock.advance(1)
        assert late.result().status_code == 200


async def held(licence, begun, release):
    async with licence.admitted():
        begun.append(1)
        await release.wait()


def test_more_at_once_wait_and_then_are_declined():
    async def scene():
        licence = Licence(Clock(), Settings(requests_at_once=2, queue=3))
        begun, release = [], asyncio.Event()
        tasks = [asyncio.create_task(held(licence, begun, release)) for _ in range(6)]
        await asyncio.sleep(0)
        assert len(begun) == 2
        release.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    results = asyncio.run(scene())
    assert [isinstance(result, Refused) for result in results] == [False] * 5 + [True]
    assert results[-1].answer.status_code == 429


def test_faults_of_the_kit(client):
    order = {"VendorID": "ALLFRUITSW", "Details": [{"InventoryID": "APPLES", "OrderQty": 1}]}
    client.sim.faults.add(Fault("commit_then_drop", method="PUT"))
    with suppress(OSError):
        client.put("PurchaseOrder", order)
    assert len(client.sim.rows("PurchaseOrder")) == 31
    client.sim.faults.add(Fault("status", status=503, path="Vendor"))
    assert [client.get("Vendor", top=1).status_code for _ in range(2)] == [503, 200]
