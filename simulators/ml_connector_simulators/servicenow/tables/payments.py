"""Payments of invoices: the staging table and what it loads (apis/servicenow.md §6.2, Appendix A).

The documentation gives labels only: all column names are UNCONFIRMED, and so is which columns the target table has.
"""

from __future__ import annotations

from ml_connector_simulators.servicenow.schema import Table, columns
from ml_connector_simulators.servicenow.tables.documents import address
from ml_connector_simulators.servicenow.tables.staging import staging

_PAYMENT = """
    Payment amount | {amount}
    Payment date | {day}
    Scheduled payment date | {day}
    Payment method | 40
    Payment reference ID | 100
    Third party import ID | 100
"""

PAYMENTS = (
    Table(
        "sn_shop_invoice_payment_detail",
        "Invoice payment details",
        columns(
            "Number | 40 display\nInvoice | ->sn_shop_invoice\nERP source | 100\nERP invoice number | 40\n"
            "ERP supplier code | 40" + _PAYMENT.format(amount="currency2", day="glide_date") + address("Remit to"),
        ),
        number_prefix="INVP",
    ),
)

PAYMENT_DETAIL = staging(
    "sn_spend_intg_imp_invoice_payment_detail",
    "Invoice payment detail import",
    "Currency\nERP invoice number | 40 *\nERP Source | 100 *\nERP supplier code | 40 *"
    + _PAYMENT.format(amount="40 *", day="40 *")
    + address("Remit to", "u_"),
    prefix="u_",
)

MAPS = (
    (
        PAYMENT_DETAIL,
        "sn_shop_invoice_payment_detail",
        "Invoice payment detail import",
        """
        u_erp_source             erp_source             coalesce
        u_third_party_import_id  third_party_import_id  coalesce
        u_erp_invoice_number     invoice                ignore by=erp_number
        """,
    ),
)
