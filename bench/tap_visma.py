"""tap-visma with four requests at once: `.venv/bin/python -m bench.tap_visma [--records 20000] [--rounds 3]`."""

from __future__ import annotations

from typing import Any

from ml_connector_simulators.visma import CLIENT_ID, CLIENT_SECRET, NO01, Bulk, VismaSimulator

from bench import reading


def simulator(invoices: int) -> VismaSimulator:
    """Return a Visma of so many invoices, without a rate limit."""
    sim = VismaSimulator(Bulk(invoices))
    sim.limit.limit = 10**9
    return sim


def settings(url: str) -> dict[str, Any]:
    """Return the settings that lead to it."""
    credentials = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "tenant_id": NO01.tenant_id}
    place = {"api_url": url, "token_url": f"{url}/connect/token", "company": "NO01"}
    return {**credentials, **place, "max_concurrency": 4}


SUBJECT = reading.Subject("visma", "supplier_invoices", "supplier invoices", simulator, "/v1/supplierInvoice", settings)

if __name__ == "__main__":
    reading.run(SUBJECT)
