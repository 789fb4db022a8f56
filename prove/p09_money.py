"""Money (L7): 28 digits, negatives, currencies of no, three and four decimals, from the ERP to the target, exact."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from ml_connector.finance.money import precision
from ml_connector_simulators.kit import running
from ml_connector_simulators.servicenow import ServiceNowSimulator
from ml_connector_simulators.visma import VismaSimulator

from prove import books, clocked
from prove.amounts import WIDE, Document, documents, is_model, largest, row
from prove.common_clock import CommonClock
from prove.flow import Flow
from prove.proof import Proof, Size, histogram

NUMBER, TITLE = 9, "Money, exact from wire to wire"
RUNS = {Size.SHORT: 2, Size.FULL: 15}
DOCUMENTS = {Size.SHORT: 12, Size.FULL: 50}  # per run
_NUMBER = "9{place:05d}"


@dataclass
class Seen:
    """What went through, and what did not come out as it went in."""

    amounts: int = 0
    negative: int = 0
    shapes: Counter[str] = field(default_factory=Counter)
    digits: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def compare(self, what: str, wanted: Decimal, found: str | None) -> None:
        """Compare one amount: its value, to the last digit."""
        self.amounts += 1
        if found is None or Decimal(found) != wanted:
            self.failures.append(f"{what}: {wanted} became {found}")


def run(size: Size, seed: int, folder: Path) -> Proof:
    """Send drawn documents through tap, store and target."""
    proof, seen = Proof(NUMBER, TITLE), Seen()

    @seeded(seed)
    @settings(
        max_examples=RUNS[size],
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(documents(), min_size=DOCUMENTS[size] - 1, max_size=DOCUMENTS[size] - 1), largest())
    def through(drawn: list[Document], large: Document) -> None:
        _round_trip(Path(mkdtemp(dir=folder)), [*drawn, large], seen)

    through()
    proof.numbers = {
        "documents": seen.shapes.total(),
        "amounts compared": seen.amounts,
        "negative documents": seen.negative,
        "documents of 26 digits and more": sum(count for digits, count in seen.digits.items() if digits >= 26),
        "most digits": max(seen.digits, default=0),
        "amounts that are not exact": len(seen.failures),
    }
    proof.failures = seen.failures[:20]
    proof.require_work("documents", "amounts compared", "negative documents", "documents of 26 digits and more")
    proof.details = histogram(dict(sorted(seen.shapes.items())))
    return proof


def _round_trip(folder: Path, drawn: list[Document], seen: Seen) -> None:
    with running(VismaSimulator()) as visma, running(ServiceNowSimulator()) as servicenow:
        model = next(each for each in visma.rows("NO01", books.INVOICE) if is_model(each))
        numbered = {_NUMBER.format(place=place): document for place, document in enumerate(drawn)}
        books.shrink(visma, "NO01", 40, orders=0)
        for number, document in numbered.items():
            visma.add("NO01", books.INVOICE, row(model, number, document))
        settings = {"mode": "batch", "cutover_date": "2020-01-01"}
        flow = Flow(folder, visma.url, servicenow.url, target_settings=settings)
        lines = books.sync(flow).splitlines()
        _, problem = clocked.load(flow, CommonClock(servicenow), lines)
        seen.failures += [problem] if problem else []
        _compare_target(numbered, servicenow, seen)
        _compare_store(numbered, flow, seen)


def _compare_target(numbered: dict[str, Document], servicenow: ServiceNowSimulator, seen: Seen) -> None:
    headers = {each["erp_number"]: each for each in servicenow.table("sn_shop_invoice")}
    lines = _by_document(servicenow.table("sn_shop_invoice_line"), "erp_line_number")
    taxes = _by_document(servicenow.table("sn_shop_invoice_tax_line"), "tax_line_number")
    for number, document in numbered.items():
        seen.shapes[f"{document.currency}, {precision(document.currency)} decimals"] += 1
        seen.digits[document.digits] += 1
        seen.negative += document.total < 0
        header = headers.get(number, {})
        for name, units in (
            ("amount_invoiced", document.total),
            ("subtotal", document.net),
            ("tax_amount", document.tax),
        ):
            seen.compare(f"{number} {name}", document.amount(units), header.get(f"{name}.amount"))
        for place, units in enumerate(document.lines):
            found = (lines[number][place : place + 1] or [{}])[0].get("line_amount.amount")
            seen.compare(f"{number} line {place + 1}", document.amount(units), found)
        found = (taxes[number] or [{}])[0].get("supplier_tax.amount")
        seen.compare(f"{number} tax line", document.amount(document.tax), found)


def _by_document(rows: list[dict[str, str]], order: str) -> defaultdict[str, list[dict[str, str]]]:
    found: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    for each in sorted(rows, key=lambda it: int(it[order])):
        found[each["external_invoice_number"].rpartition("/")[2]].append(each)
    return found


def _compare_store(numbered: dict[str, Document], flow: Flow, seen: Seen) -> None:
    """Compare the store's amounts, and the sums that its balance is made of."""
    kept = dict(map(tuple, flow.query("SELECT business_key, amount FROM deliveries")))
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for number, document in numbered.items():
        amount = document.amount(document.total)
        seen.compare(f"{number} in the store", amount, kept.get(f"visma:NO01:supplier_invoices:Invoice/{number}"))
        sums[document.currency] = WIDE.add(sums[document.currency], amount)
    others = "record_type = 'supplier_invoices' AND kind = 'received' AND currency NOT IN ('NOK', 'EUR', 'USD')"
    tallies: dict[str, Any] = dict(map(tuple, flow.query(f"SELECT currency, amount FROM tallies WHERE {others}")))
    for currency in sorted(sums.keys() - {"NOK", "EUR", "USD"}):  # the month itself has invoices in these
        seen.compare(f"the sum of {currency}", sums[currency], tallies.get(currency))
    if (run := flow.last_run()).get("balance") != "in_balance":
        seen.failures.append(f"the run is not in balance: {run.get('message')}")
