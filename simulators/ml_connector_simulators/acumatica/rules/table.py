"""Which form is behind which entity."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from ml_connector_simulators.acumatica.contract import ENTITIES
from ml_connector_simulators.acumatica.rules.ledger import ACCOUNT, JOURNAL_TRANSACTION, LEDGER, SUBACCOUNT
from ml_connector_simulators.acumatica.rules.parties import CUSTOMER, VENDOR
from ml_connector_simulators.acumatica.rules.payables import BILL, CHECK
from ml_connector_simulators.acumatica.rules.purchasing import PURCHASE_ORDER, PURCHASE_RECEIPT
from ml_connector_simulators.acumatica.rules.receivables import INVOICE, PAYMENT
from ml_connector_simulators.acumatica.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

_STAMPS = frozenset({"CreatedDateTime", "LastModifiedDateTime", "LastModified"})
_OWN: Mapping[str, Rule] = MappingProxyType(
    {
        "Account": ACCOUNT,
        "Bill": BILL,
        "Check": CHECK,
        "Customer": CUSTOMER,
        "Invoice": INVOICE,
        "JournalTransaction": JOURNAL_TRANSACTION,
        "Ledger": LEDGER,
        "Payment": PAYMENT,
        "PurchaseOrder": PURCHASE_ORDER,
        "PurchaseReceipt": PURCHASE_RECEIPT,
        "Subaccount": SUBACCOUNT,
        "Vendor": VENDOR,
    }
)
RULES: Mapping[str, Rule] = MappingProxyType(
    {name: _OWN.get(name) or Rule(derived=_STAMPS, required=shape.keys) for name, shape in ENTITIES.items()}
)
