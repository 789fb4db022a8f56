"""What Visma.net's resources have in common."""

from __future__ import annotations

from ml_connector_simulators.visma.resource import Filter

MODIFIED = Filter("lastModifiedDateTime", "lastModifiedDateTime", ordered=True)
MODIFIED_ALONE = Filter("lastModifiedDateTime", "lastModifiedDateTime", ordered=True, alone=True)
CREATED = Filter("createdDateTime", "createdDateTime", ordered=True)
AP_STATUS = ("Hold", "Balanced", "Voided", "Scheduled", "Open", "Closed", "Printed", "Prebooked", "Reserved")
AR_STATUS = (*AP_STATUS[:6], "PendingPrint", "PendingEmail", "CreditHold", "CcHold", "Reserved")
PO_STATUS = ("Balanced", "Cancelled", "Closed", "Hold", "Open", "PendingEmail", "PendingPrint", "Printed", "Voided")
PAGE = 1000  # live for customers and customer documents; assumed for the others (apis/visma.md §3.1)
