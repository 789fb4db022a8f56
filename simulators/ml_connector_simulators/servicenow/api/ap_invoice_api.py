"""AP Invoice API: up to 100 whole invoices in one call, accepted now, processed later (apis/servicenow.md §6.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector_simulators.servicenow.access import PROCUREMENT
from ml_connector_simulators.servicenow.ap_invoices import LOG
from ml_connector_simulators.servicenow.api.calls import RefusedError, Reply, forbidden_api

if TYPE_CHECKING:
    from ml_connector_simulators.servicenow.api.calls import Call, Session
    from ml_connector_simulators.servicenow.instance import Instance

RECORD_LIMIT = "sn_spend_intg.ap.invoice.create.api.record_limit"
DEFAULT_LIMIT = 100
ACCEPTED = "Your request has been successfully received and is being processed."


def accept(instance: Instance, session: Session, call: Call, form: str) -> Reply:
    """Answer one call."""
    if LOG not in instance.schema:
        raise RefusedError(400, "Requested URI does not represent any resource")
    if call.method != "POST":
        raise RefusedError(405, "Method not supported")
    if not session.roles & {PROCUREMENT, "admin"}:
        raise forbidden_api()
    if form != "json":
        raise RefusedError(501, "Not simulated", f"This simulator takes no invoices as {form}")
    source = call.headers.get("source-system", "")
    fault, invoices, target_erp = _read(call, _limit(instance))
    if not source:
        fault = fault or "Error: The header Source-System is missing."  # what a real one does is UNCONFIRMED
    if fault:
        return Reply(400, {"error": f"Invalid payload - {fault}", "status": "Fail"})
    batch = instance.ap_invoices.accept(invoices, source, target_erp, session.name)
    return Reply(202, {"batchId": batch, "status": "Success", "message": ACCEPTED})


def _read(call: Call, limit: int) -> tuple[str, list[dict[str, Any]], str]:
    """What is wrong with a call, in the words of the documentation; else its invoices and the ERP they are for."""
    if not call.headers.get("content-type", "").startswith("application/json"):
        return "Invalid content type.", [], ""
    try:
        body = call.json()
    except RefusedError:
        body = None
    invoices = body.get("invoices") if isinstance(body, dict) else None
    if not isinstance(invoices, list) or not all(_well_formed(it) for it in invoices):
        return "Error: Invalid payload structure.", [], ""
    if not invoices:
        return "Error: Empty invoices. No data to process.", [], ""
    if len(invoices) > limit:
        return "Error: Payload exceeds allowed invoices limit in a batch.", [], ""
    return "", invoices, str(body.get("target_erp") or "")


def _well_formed(invoice: object) -> bool:
    """Whether an invoice is an object whose lines and taxes are lists of objects."""
    if not isinstance(invoice, dict):
        return False
    lists = [invoice.get(name) or [] for name in ("tax_details", "invoice_lines")]
    if not all(isinstance(it, list) and all(isinstance(one, dict) for one in it) for it in lists):
        return False
    return all(_well_formed(line) for line in lists[1])


def _limit(instance: Instance) -> int:
    found = instance.store.find("sys_properties", name=RECORD_LIMIT)
    return int(found[0]["value"]) if found else DEFAULT_LIMIT
