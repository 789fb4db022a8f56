"""Whole invoices posted at once and processed later: AP Invoice API behind its endpoint (apis/servicenow.md §6.4).

UNCONFIRMED and chosen here: the log's columns but `batch_id`, one log row an invoice, its statuses, the order of lines
as their number, what a second post of an invoice does.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.kit import decode_json, encode_json
from ml_connector_simulators.servicenow.imports import RowTooLargeError
from ml_connector_simulators.servicenow.records import text_of
from ml_connector_simulators.servicenow.store import STAMP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ml_connector_simulators.servicenow.imports import ImportSets
    from ml_connector_simulators.servicenow.installation import Installation
    from ml_connector_simulators.servicenow.records import Records
    from ml_connector_simulators.servicenow.store import Row, Store
    from ml_connector_simulators.servicenow.transform import Transformed

LOG, INVOICES = "sn_spend_intg_invoice_integration_log", "sn_shop_invoice"
IMPORTS = {it: f"sn_spend_intg_imp_invoice{it}" for it in ("", "_line", "_tax_line")}
WAITING = ("new", "in_progress")
AMOUNTS = frozenset(
    {
        *("amount_invoiced", "subtotal", "shipping_amount", "other_charges", "discounts"),
        *("tax_amount", "line_amount_invoiced", "line_unit_price"),
    }
)
DATE_TOKENS = (("YYYY", "%Y"), ("MMMM", "%B"), ("MM", "%m"), ("DD", "%d"))
DATE_FORMATS = ("YYYY-MM-DD", "MM/DD/YYYY")  # where an invoice names none: the documented one, and the sample's


class RejectedInvoiceError(Exception):
    """Why an invoice did not become a record, or not wholly."""


@dataclass(frozen=True)
class ApInvoices:
    """The invoices that were accepted, and what became of them."""

    store: Store
    records: Records
    imports: ImportSets
    installation: Installation

    def accept(self, invoices: Sequence[Mapping[str, Any]], source: str, target_erp: str, user: str) -> str:
        """Write a batch down for later; its id."""
        millis = int(datetime.strptime(self.store.now(), STAMP).replace(tzinfo=UTC).timestamp() * 1000)
        batch = f"APIINV{millis}{len(self.store.find(LOG)) % 1000:03}"
        for position, invoice in enumerate(invoices, 1):
            values = {
                "batch_id": batch,
                "position": str(position),
                "source_system": source,
                "external_invoice_number": text_of(invoice.get("external_invoice_number")),
                "supplier_invoice_number": text_of(invoice.get("supplier_invoice_number")),
                "payload": encode_json({"target_erp": target_erp, **invoice}).decode(),
            }
            self.store.insert(LOG, values, user)
        return batch

    def step(self) -> None:
        """Move every waiting invoice on by one status."""
        for log in self._waiting():
            self._step(log)

    def catch_up(self) -> None:
        """Process what is due by the clock."""
        now = datetime.strptime(self.store.now(), STAMP).replace(tzinfo=UTC)
        due = (now - timedelta(seconds=self.installation.import_seconds)).strftime(STAMP)
        for log in self._waiting():
            if log["sys_created_on"] <= due:
                self._finish(log)

    def finish(self) -> None:
        """Process everything that waits."""
        for log in self._waiting():
            self._finish(log)

    def _waiting(self) -> list[Row]:
        if LOG not in self.store.schema:
            return []
        return [log for status in WAITING for log in self.store.find(LOG, status=status)]

    def _step(self, log: Row) -> None:
        if log["status"] == "new":
            self.store.update(LOG, log["sys_id"], {"status": "in_progress"})
        else:
            self._finish(log)

    def _finish(self, log: Row) -> None:
        try:
            self._load(log, decode_json(log["payload"]))
            outcome = {"status": "processed"}
        except RejectedInvoiceError as error:
            outcome = {"status": "error", "error_message": str(error)}
        key = self._key(decode_json(log["payload"]), log)
        found = self.store.find(INVOICES, **key) if all(key.values()) else []
        invoice = found[0]["sys_id"] if found else ""
        self.store.update(LOG, log["sys_id"], {**outcome, "invoice": invoice})

    def _load(self, log: Row, invoice: dict[str, Any]) -> None:
        """Stage and transform the header, then its lines and taxes; a line that fails leaves the rest standing."""
        self._check(invoice)
        key = self._key(invoice, log)
        if self.installation.ap_invoice_duplicates == "reject" and self.store.find(INVOICES, **key):
            raise RejectedInvoiceError(f"Duplicate invoice: {key['external_invoice_number']} exists already")
        common = {
            "u_external_invoice_number": key["external_invoice_number"],
            "u_erp_source": key["erp_source"],
            "u_external_invoice_source": log["source_system"],
            "u_inbound_source": log["source_system"],
            "u_currency": text_of(invoice.get("currency")),
        }
        own = {"u_invoice_date": _iso_date(invoice), "u_supplier": self._supplier(invoice, key["erp_source"])}
        header = self._staged("", {**_columns(invoice), **common, **own}, log)
        if header.state == "inserted":
            self._receive(header.target_id)
        faults = list(self._load_details(log, invoice, common))
        if faults:
            raise RejectedInvoiceError("; ".join(faults))

    def _load_details(self, log: Row, invoice: dict[str, Any], common: dict[str, str]) -> Iterator[str]:
        """Load lines and taxes; what each that failed says."""
        for what, values in _details(invoice):
            place = values.get("u_erp_line_number") or values.get("u_tax_line_number")
            if center := values.get("u_cost_center"):
                values["u_cost_center"] = self._cost_center(center, common["u_erp_source"])
            try:
                self._staged(
                    what, {**values, **common, "u_currency": values.get("u_currency") or common["u_currency"]}, log
                )
            except RejectedInvoiceError as error:
                yield f"{'Line' if what == '_line' else 'Tax line'} {place}: {error}"

    def _staged(self, what: str, values: Mapping[str, str], log: Row) -> Transformed:
        try:
            _, _, results = self.imports.single(IMPORTS[what], values, log["sys_created_by"])
        except RowTooLargeError:
            raise RejectedInvoiceError("Row size too large") from None
        if not results:
            raise RejectedInvoiceError("The invoice was staged, and not transformed")
        for result in results:
            if result.state in {"error", "skipped"}:
                raise RejectedInvoiceError(result.message)
        return results[0]

    def _check(self, invoice: Mapping[str, Any]) -> None:
        missing = [name for name in self.installation.ap_invoice_required if not text_of(invoice.get(name))]
        if missing:
            raise RejectedInvoiceError(f"Mandatory fields are missing: {', '.join(missing)}")

    def _key(self, invoice: Mapping[str, Any], log: Row) -> dict[str, str]:
        erp_source = text_of(invoice.get("target_erp")) or log["source_system"]
        return {"erp_source": erp_source, "external_invoice_number": log["external_invoice_number"]}

    def _receive(self, sys_id: str) -> None:
        """A new one is received; one with a number its supplier used before is a suspected duplicate."""
        (row,) = self.store.find(INVOICES, sys_id=sys_id)
        same = {name: row[name] for name in ("supplier", "supplier_invoice_number")}
        twice = all(same.values()) and len(self.store.match(INVOICES, same, 2)) > 1
        state = "suspected_duplicate" if twice else "received"
        self.records.update(INVOICES, row, {"state": state}, "system")

    def _supplier(self, invoice: Mapping[str, Any], erp_source: str) -> str:
        """The supplier's number; one that is not told is that of the order, else who has the tax id (the sample)."""
        if number := text_of(invoice.get("supplier")):
            return number
        order, tax_id = (text_of(invoice.get(name)) for name in ("purchase_order", "supplier_tax_id"))
        orders = self.store.find("sn_shop_purchase_order", erp_number=order, erp_source=erp_source) if order else []
        found = self.store.find("sn_fin_supplier", sys_id=orders[0]["supplier"]) if orders else []
        if not found and tax_id:
            found = self.store.find("sn_fin_supplier", tax_id=tax_id, erp_source=erp_source)
        if not found:
            raise RejectedInvoiceError("Mandatory fields are missing: supplier")
        return found[0]["supplier_number"]

    def _cost_center(self, number: str, erp_source: str) -> str:
        """The documents speak of the centre's account number; its code will do, too."""
        found = self.store.find("cmn_cost_center", account_number=number, erp_source=erp_source)
        return found[0]["code"] if found else number


def _details(invoice: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of lines and taxes, numbered in the order they came."""
    for number, tax in enumerate(invoice.get("tax_details") or (), 1):
        yield "_tax_line", _tax(tax, str(number))
    for number, line in enumerate(invoice.get("invoice_lines") or (), 1):
        yield "_line", {**_columns(line), "u_erp_line_number": str(number)}
        for at, tax in enumerate(line.get("tax_details") or (), 1):
            yield "_tax_line", _tax(tax, f"{number}.{at}")


def _tax(tax: Mapping[str, Any], number: str) -> dict[str, str]:
    values = _columns(tax)
    return {**values, "u_supplier_tax_rate": values.get("u_tax_rate", ""), "u_tax_line_number": number}


def _columns(told: Mapping[str, Any]) -> dict[str, str]:
    """The staging columns of what a document tells about itself; its lists are no columns."""
    plain = {name: text_of(value) for name, value in told.items() if not isinstance(value, list | dict)}
    return {f"u_{name}": _amount(text) if name in AMOUNTS else text for name, text in plain.items()}


def _amount(text: str) -> str:
    """`(100.00)` and `200.00-` are negative, as in the vendor's own sample."""
    bare = text.strip()
    if bare.startswith("(") and bare.endswith(")"):
        return f"-{bare[1:-1]}"
    return f"-{bare[:-1]}" if bare.endswith("-") else bare


def _iso_date(invoice: Mapping[str, Any]) -> str:
    """The invoice date by its `date_format`: `2nd June, 2021` is `DD MMMM, YYYY`."""
    text, form = text_of(invoice.get("invoice_date")), text_of(invoice.get("date_format")).upper()
    bare = re.sub(r"(?<=\d)(st|nd|rd|th)\b", "", text)
    for directives in map(_directives, [form] if form else DATE_FORMATS):
        with suppress(ValueError):
            return datetime.strptime(bare, directives).date().isoformat()  # noqa: DTZ007  a day has no zone
    raise RejectedInvoiceError(f"Invoice date {text} is not in the format expected")


def _directives(form: str) -> str:
    for token, directive in DATE_TOKENS:
        form = form.replace(token, directive)
    return form
