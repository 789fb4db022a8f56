"""tap-servicenow: `.venv/bin/python -m bench.tap_servicenow [--records 20000] [--rounds 3]`."""

from __future__ import annotations

from typing import Any

from ml_connector_simulators.servicenow.seed import PASSWORD, USER

from bench import reading
from bench.bulk_servicenow import TABLE, BulkServiceNow


def settings(url: str) -> dict[str, Any]:
    """Return the settings that lead to it."""
    return {"instance_url": url, "auth_method": "basic", "username": USER, "password": PASSWORD, "tables": [TABLE]}


SUBJECT = reading.Subject(
    "servicenow", TABLE, "invoices with seven amounts", BulkServiceNow, f"/table/{TABLE}$", settings
)

if __name__ == "__main__":
    reading.run(SUBJECT)
