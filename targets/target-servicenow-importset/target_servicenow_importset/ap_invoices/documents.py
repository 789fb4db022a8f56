"""The AP Invoice API as the sink has it: settings, and the parts that send, settle and read documents."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from ml_connector.delivery.sink import Check
from ml_connector.http import Budget

from target_servicenow_importset.ap_invoices.document import AP_INVOICE_API, INVOICES
from target_servicenow_importset.ap_invoices.landing import Landing
from target_servicenow_importset.ap_invoices.log import LOG, InvoiceLog
from target_servicenow_importset.ap_invoices.sender import MOST, Sender, Updates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.http import Client
    from ml_connector.mapping.target_map import TargetMap

    from target_servicenow_importset.moments import Moments
    from target_servicenow_importset.reread import Rereader


@dataclass(frozen=True, slots=True)
class ApOptions:
    """How invoices are posted."""

    batch_size: int = MOST
    calls_per_hour: int = 10  # the documentation's own number (apis/servicenow.md §6.4)
    window: float = 3600.0  # seconds; the instance processes what it accepted by a job of every 30 minutes
    updates: Updates = Updates.PARK
    log_columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Documents:
    """What sends documents, and what looks for them."""

    log: InvoiceLog
    landing: Landing
    sender: Sender

    @classmethod
    def of(cls, client: Client, rereader: Rereader, moments: Moments, options: ApOptions) -> Self:
        """Return the parts for one instance."""
        reader, dictionary = rereader.reader, rereader.dictionary
        log = InvoiceLog(reader, dictionary, moments, options.log_columns)
        landing = Landing(reader, dictionary, log, rereader, moments, timedelta(seconds=options.window))
        budget = Budget(options.calls_per_hour, 1, clock=moments.clock)
        return cls(log, landing, Sender(client, reader, landing, budget, options.updates, options.batch_size))

    def check(self) -> Check:
        """Say whether the log of posted invoices can be read, and by which columns: their names are UNCONFIRMED."""
        name = f"read {LOG}"
        if trouble := self.log.trouble():
            detail = f"whether an invoice was taken tells only its row in {INVOICES}: {trouble}"
            return Check(name, ok=True, detail=detail, suggestion=f"Give the account a role that may read {LOG}.")
        told = ", ".join(f"{what} {column}" for what, column in self.log.columns().items())
        return Check(name, ok=True, detail=f"may read {LOG}, by its columns {told}")


def sends_documents(target_map: TargetMap) -> bool:
    """Say whether a map sends anything by the AP Invoice API."""
    return any(use.via == AP_INVOICE_API for use in target_map.tables.values())
