"""The documents the import sets load: orders, invoices, their lines (apis/servicenow.md §6.1).

Columns beyond those of §6.1 (erp_source, erp_line_number, …) are UNCONFIRMED stand-ins.
"""

from __future__ import annotations

from ml_connector_simulators.servicenow.schema import Table, columns

INVOICE_STATES = (
    "draft/received/suspected_duplicate/accepted/po_matching_error/po_matching_completed/exceptions_found/"
    "no_exceptions_found/pending_approval/approved/pending_payment/paid/rejected/canceled/confirmed_duplicate"
)
ADDRESS = """
    {0} street | 255
    {0} city | 100
    {0} state/province | 100 | {1}_state_or_province
    {0} country | 100
    {0} zip/postal code | 40 | {1}_zip_or_postal_code
"""


def address(side: str, prefix: str = "") -> str:
    """The five address lines of one side of a document: `Ship to`."""
    return ADDRESS.format(side, prefix + side.lower().replace(" ", "_"))


ORDERS = (
    Table(
        "sn_shop_order",
        "Orders",
        columns("""
            Number | 40 display
            Status | draft/ordered/partially_received/received/closed/canceled =draft
            Supplier | ->sn_fin_supplier
            Legal entity | ->sn_fin_legal_entity
            Total amount | currency2
            Order date | glide_date
            ERP number | 40
            ERP source | 100
        """),
        abstract=True,
    ),
    Table(
        "sn_shop_purchase_order",
        "Purchase orders",
        columns("""
            Order type | 40
            Invoiced amount | currency2
            Received amount | currency2
            Cost center | ->cmn_cost_center
            Payment term | 100
            Business owner | 100
            Description | 1000
        """),
        parent="sn_shop_order",
        number_prefix="PO",
    ),
    Table(
        "sn_shop_line",
        "Lines",
        columns("""
            Number | 40 display
            ERP source | 100
            ERP number | 40
            ERP line number | 40
            Product name | 255
            Purchased quantity | float
            Unit price | currency2
            Total line amount | currency2
        """),
        abstract=True,
    ),
    Table(
        "sn_shop_purchase_order_line",
        "Purchase order lines",
        columns("""
            Purchase order | ->sn_shop_purchase_order
            Expected delivery date | glide_date
            Unit | 40 | uom
            Cost center | ->cmn_cost_center
            GL account | ->sn_fin_gl_account | ledger_account
        """),
        parent="sn_shop_line",
        number_prefix="POL",
    ),
    Table(
        "proc_po",
        "Procurement purchase orders",
        columns("""
            Number | 40 display
            ERP source | 100
            ERP number | 40
            Short description | 160
            Status | requested/pending_delivery/received/canceled/closed_complete =requested
            Vendor | ->core_company
            Vendor account | 40
            Vendor name | 100
            Ordered | glide_date | po_date
            Expected delivery | glide_date
            Currency | 3
            Total cost | currency
        """),
        number_prefix="PO",
    ),
)

INVOICE_LOG = Table(
    # Columns but `batch_id` UNCONFIRMED (apis/servicenow.md §6.4).
    "sn_spend_intg_invoice_integration_log",
    "Invoice integration log",
    columns("""
        Number | 40 display
        Batch ID | 40
        Position | integer
        Source system | 100
        Status | new/in_progress/processed/error =new
        External invoice number | 100
        Supplier invoice number | 100
        Invoice | ->sn_shop_invoice
        Error message | 4000
        Payload | 1000000
    """),
    number_prefix="IIL",
)

INVOICES = (
    Table(
        "sn_fin_base_invoice",
        "Base invoices",
        columns(f"""
            Number | 40 display
            Supplier invoice number | 100
            External invoice number | 100
            External invoice source | 100
            ERP source | 100
            ERP number | 40
            Invoice type | 40 | type
            State | {INVOICE_STATES} =draft
            Supplier | ->sn_fin_supplier
            Legal entity | ->sn_fin_legal_entity
            Invoice date | glide_date
            Due date | glide_date
            Currency | 3
            Subtotal | currency2
            Tax amount | currency2
            Final tax | currency2
            Discounts | currency2
            Other charges | currency2
            Shipping amount | currency2
            Amount invoiced | currency2
            Original invoice | 100
            Description | 1000
        """),
        abstract=True,
    ),
    Table(
        "sn_shop_invoice",
        "Invoices",
        columns(
            """
            Purchase order | ->sn_shop_purchase_order
            Purchase order number | 100
            Payment terms | 100
            Payment date | glide_date
            Channel | 40
            Inbound source | 100
            Invoice line count | integer
            Supplier tax id | 40
            Business owner | 100
            Approval | not_requested/requested/approved/rejected =not_requested
            ERP posting date | glide_date
            ERP integration status | 40
            ERP sync failed | boolean =false
            Third party import ID | 100
            """
            + address("Ship to")
            + address("Ship from")
            + address("Remit to"),
        ),
        parent="sn_fin_base_invoice",
        number_prefix="INV",
    ),
    Table(
        "sn_apo_ap_invoice",
        "APO invoices",
        columns("Posting status | 40\nPayment terms | 100\nPurchase order number | 100"),
        parent="sn_fin_base_invoice",
        number_prefix="APO",
    ),
)

LINES = (
    Table(
        "sn_fin_base_invoice_line",
        "Base invoice lines",
        columns("""
            Number | 40 display
            External invoice number | 100
            ERP source | 100
            ERP line number | 40
            Line description | 1000
            Invoiced quantity | float
            Line unit price | currency2
            Subtotal | currency2 | sub_total
            Line amount | currency2
            Tax amount | currency2
            Tax code | 40
            Cost center | ->cmn_cost_center
            GL account | ->sn_fin_gl_account | ledger_account
            Unit | 40 | uom
            Supplier part number | 100
            State | draft/approved/paid/canceled =draft
        """),
        abstract=True,
    ),
    Table(
        "sn_shop_invoice_line",
        "Invoice lines",
        columns("""
            Invoice | ->sn_shop_invoice
            Purchase order | ->sn_shop_purchase_order
            Order line | ->sn_shop_purchase_order_line
            Order line number | 100
            Third party import ID | 100
        """),
        parent="sn_fin_base_invoice_line",
        number_prefix="INVL",
    ),
    Table(
        "sn_apo_ap_invoice_line",
        "APO invoice lines",
        columns("Invoice | ->sn_apo_ap_invoice\nGL account | ->itfm_gl_accounts | ledger_account"),
        parent="sn_fin_base_invoice_line",
        number_prefix="APOL",
    ),
    *(
        Table(
            name,
            label,
            columns(f"""
                Number | 40 display
                Invoice | ->{invoice}
                External invoice number | 100
                ERP source | 100
                Tax line number | 40
                Tax type | 100
                Taxable amount | currency2
                Supplier tax | currency2 | supplier_tax
                Supplier tax rate | float
            """),
            number_prefix=prefix,
        )
        for name, label, invoice, prefix in (
            ("sn_shop_invoice_tax_line", "Invoice tax lines", "sn_shop_invoice", "TAX"),
            ("sn_apo_ap_invoice_tax_line", "APO invoice tax lines", "sn_apo_ap_invoice", "APOT"),
        )
    ),
)
