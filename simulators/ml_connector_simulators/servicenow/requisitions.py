"""What people do with purchase requisitions: ask, approve, cancel, change (apis/servicenow.md §6.1)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.servicenow.money import REFERENCE_CURRENCY, Money
from ml_connector_simulators.servicenow.records import text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ml_connector_simulators.servicenow.records import Records, Value
    from ml_connector_simulators.servicenow.store import Row, Store

HEADERS, LINES = "sn_shop_purchase_requisition", "sn_shop_purchase_line"
REQUESTER = "admin"
APPROVALS = {"approved": "approved", "pending_approval": "requested"}
# What a line is told by, and the column it goes to; the rest keep their names.
RENAMED = {"item": "product_number", "quantity": "purchased_quantity"}
REFERENCED = {
    "cost_center": ("cost_center", "cmn_cost_center", ("code", "name")),
    "gl_account": ("ledger_account", "sn_fin_gl_account", ("gl_account", "number")),
}


@dataclass(frozen=True)
class Requests:
    """The requisitions of one instance."""

    store: Store
    records: Records

    def create(
        self,
        lines: Iterable[Mapping[str, Any]],
        *,
        supplier_number: str = "",
        erp_source: str = "",
        cost_center: str = "",
        legal_entity: str = "",
        currency: str = REFERENCE_CURRENCY,
        status: str = "approved",
        **values: Any,
    ) -> Row:
        """A requisition with its lines; the supplier must be there, and must be one when no ERP source is named."""
        supplier = self._supplier(supplier_number, erp_source) if supplier_number else None
        source = erp_source or (supplier["erp_source"] if supplier else "")
        with self.store.transaction():
            purchase = self.store.insert("sn_shop_purchase", {"status": status, "requested_for": self._requester()})
            known = {
                "status": status,
                "approval": APPROVALS.get(status, "not_requested"),
                "supplier": supplier["sys_id"] if supplier else "",
                "erp_source": source,
                "cost_center": self._referenced("cost_center", cost_center, source) if cost_center else "",
                "legal_entity": self._legal_entity(legal_entity) if legal_entity else "",
                "requested_for": self._requester(),
                "business_owner": self._requester(),
                "purchase": purchase["sys_id"],
            }
            texts = known | {name: text_of(value) for name, value in values.items()}
            row = self.records.insert(HEADERS, self.records.typed(HEADERS, texts, currency), REQUESTER)
            for number, line in enumerate(lines, 1):
                self._write_line(row, None, {"line_number": number, "currency": currency, **line})
            return self._total(row["sys_id"], currency)

    def change(self, request: str, lines: Iterable[Mapping[str, Any]] = (), **values: Any) -> Row:
        """Change the header and lines named by `line_number`; an unknown one is a new line.

        The header's stamps move only when the header changes, with its total at most.
        """
        row = self.one(request)
        with self.store.transaction():
            texts = {name: text_of(value) for name, value in values.items()}
            self.records.update(HEADERS, row, self.records.typed(HEADERS, texts, REFERENCE_CURRENCY), REQUESTER)
            money = self.records.exchange.read(row["total_amount"])
            currency = money.currency if money else REFERENCE_CURRENCY
            for line in lines:
                key = {"purchase_requisition": row["sys_id"], "line_number": text_of(line["line_number"])}
                found = self.store.match(LINES, key, 1)
                self._write_line(row, found[0] if found else None, {"currency": currency, **line})
            return self._total(row["sys_id"], currency)

    def one(self, request: str) -> Row:
        """A requisition by its number or sys_id."""
        found = self.store.find(HEADERS, number=request) or self.store.find(HEADERS, sys_id=request)
        if not found:
            raise KeyError(f"there is no requisition {request}")
        return found[0]

    def lines(self, sys_id: str) -> list[Row]:
        """The lines of a requisition, in their order."""
        found = self.store.find(LINES, purchase_requisition=sys_id)
        return sorted(found, key=lambda line: int(line["line_number"]))

    def _write_line(self, header: Row, line: Row | None, told: Mapping[str, Any]) -> None:
        texts = {RENAMED.get(name, name): text_of(value) for name, value in told.items() if name not in REFERENCED}
        for name, (column, *_) in REFERENCED.items():
            if told.get(name):
                texts[column] = self._referenced(name, text_of(told[name]), header["erp_source"])
        values = self.records.typed(LINES, texts, texts["currency"])
        if line is None:
            texts.setdefault("product_name", texts.get("product_number", ""))
            values = self.records.typed(LINES, texts, texts["currency"])
            line = self.records.insert(LINES, {**values, "purchase_requisition": header["sys_id"]}, REQUESTER)
        else:
            self.records.update(LINES, line, values, REQUESTER)
        self._line_total(line["sys_id"])

    def _line_total(self, sys_id: str) -> None:
        (line,) = self.store.find(LINES, sys_id=sys_id)
        price = self.records.exchange.read(line["unit_price"])
        if price and line["purchased_quantity"]:
            total = Money(price.currency, price.amount * Decimal(line["purchased_quantity"]))
            self.records.update(LINES, line, {"total_line_amount": total}, REQUESTER)

    def _total(self, sys_id: str, currency: str) -> Row:
        """Sum the lines into the header, in its currency."""
        totals = (self.records.exchange.read(line["total_line_amount"]) for line in self.lines(sys_id))
        amounts = [self.records.exchange.convert(money, currency) for money in totals if money]
        values: dict[str, Value] = {"total_amount": Money(currency, sum(amounts, Decimal()))}
        self.records.update(HEADERS, self.one(sys_id), values, REQUESTER)
        return self.one(sys_id)

    def _supplier(self, number: str, erp_source: str) -> Row:
        equals = {"supplier_number": number} | ({"erp_source": erp_source} if erp_source else {})
        found = self.store.match("sn_fin_supplier", equals, 2)
        if len(found) != 1:
            raise ValueError(f"{len(found) or 'no'} suppliers have the number {number}; name one and its erp_source")
        return found[0]

    def _referenced(self, name: str, code: str, erp_source: str) -> str:
        """The row a code stands for: of the ERP source first, else of any."""
        _, table, places = REFERENCED[name]
        for within in ({"erp_source": erp_source}, {}):
            for place in places:
                if found := self.store.match(table, {place: code, **within}, 1):
                    return found[0]["sys_id"]
        raise ValueError(f"{table} has no row {code}")

    def _legal_entity(self, code: str) -> str:
        found = self.store.find("sn_fin_legal_entity", erp_company_code=code)
        if not found:
            raise ValueError(f"sn_fin_legal_entity has no row {code}")
        return found[0]["sys_id"]

    def _requester(self) -> str:
        return self.store.find("sys_user", user_name=REQUESTER)[0]["sys_id"]


def seed_requests(requests: Requests) -> None:
    """Requests that are not for an ERP yet, nor any more: suppliers come with the first import, so none is approved."""
    if not {HEADERS, LINES, "sn_shop_purchase"} <= requests.store.schema.tables.keys():
        return
    chairs = {"product_name": "Office chair", "quantity": "6", "unit_price": "189.00", "uom": "EA"}
    lamps = {"product_name": "Desk lamp", "quantity": "6", "unit_price": "42.50", "uom": "EA"}
    paper = {"product_name": "Printer paper A4", "quantity": "40", "unit_price": "4.95", "uom": "BOX"}
    requests.create([chairs, lamps], status="draft", short_description="New desks on the third floor")
    requests.create([paper], status="pending_approval", short_description="Paper for the quarter")
    requests.create([lamps], status="canceled", short_description="Lamps, ordered twice")
