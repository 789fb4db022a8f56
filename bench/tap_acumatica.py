"""tap-acumatica, one request at a time: `.venv/bin/python -m bench.tap_acumatica [--records 20000] [--rounds 3]`."""

from __future__ import annotations

from typing import Any

from ml_connector_simulators.acumatica import (
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    TENANT,
    USER,
    AcumaticaSimulator,
    Bulk,
    Settings,
)

from bench import reading
from bench.raw import PAGE


def simulator(bills: int) -> AcumaticaSimulator:
    """Return an Acumatica of so many bills, with seats for the sessions that the stock stream leaves open."""
    return AcumaticaSimulator(Bulk(bills), settings=Settings(seats=None))


def settings(url: str) -> dict[str, Any]:
    """Return the settings that lead to it, with pages as large as those of the two beside it."""
    user = {"username": USER, "password": PASSWORD, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    return {"instance_url": url, "tenant": TENANT, **user, "page_size": PAGE}


SUBJECT = reading.Subject("acumatica", "bills", "bills with lines and taxes", simulator, "/Bill$", settings)

if __name__ == "__main__":
    reading.run(SUBJECT)
