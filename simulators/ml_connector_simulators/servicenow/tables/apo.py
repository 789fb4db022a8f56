"""The table names of the product's brief (`sn_apo_invoice`, …): an installation of their own shape.

No primary source knows them (apis/servicenow.md §0.9): every column here is the simulator's choice.
"""

from __future__ import annotations

from ml_connector_simulators.servicenow.tables.staging import staging

INVOICE = staging(
    "sn_apo_invoice",
    "APO invoice staging",
    """
    ERP source | 100 *
    External invoice number | 100 *
    External invoice source | 100
    Supplier invoice number | 100
    Invoice type
    Invoice date
    Due date
    Supplier | 100 *
    Legal entity | 100
    Purchase order number | 100
    Payment terms | 100
    Original invoice | 100
    Currency
    Subtotal
    Tax amount
    Discounts
    Other charges
    Shipping amount
    Amount invoiced
    Description | 1000
    """,
)
INVOICE_LINE = staging(
    "sn_apo_invoice_line",
    "APO invoice line staging",
    """
    ERP source | 100 *
    External invoice number | 100 *
    ERP line number | 40 *
    Line description | 1000
    Line quantity
    Line unit price
    Subtotal
    Line amount
    Tax amount
    Tax code
    Currency
    GL account
    Cost center
    Unit | 40 | uom
    Supplier part number | 100
    """,
)
INVOICE_TAX_LINE = staging(
    "sn_apo_invoice_tax_line",
    "APO invoice tax line staging",
    """
    ERP source | 100 *
    External invoice number | 100 *
    Tax line number | 40 *
    Tax type | 100
    Taxable amount
    Supplier tax
    Supplier tax rate
    Currency
    """,
)
SUPPLIER = staging(
    "sn_s2p_supplier_inbound_staging",
    "Supplier inbound staging",
    """
    ERP source | 100 *
    Supplier number | 40 *
    Legal name | 100
    Short description | 160
    Status
    Tax id
    Payment term | 100
    Accepted purchasing currency
    Primary phone number
    Email | 100
    URL | 1024
    Street address | 255
    City | 100
    Zip / Postal code | 40 | zip
    Country | 100
    """,
)

MAPS = (
    (
        INVOICE,
        "sn_apo_ap_invoice",
        "APO invoice",
        """
        erp_source               erp_source               coalesce
        external_invoice_number  external_invoice_number  coalesce
        supplier                 supplier                 reject by=supplier_number
        legal_entity             legal_entity             ignore by=erp_company_code
        invoice_type             type
        """,
    ),
    (
        INVOICE_LINE,
        "sn_apo_ap_invoice_line",
        "APO invoice line",
        """
        erp_source               erp_source               coalesce
        external_invoice_number  external_invoice_number  coalesce
        erp_line_number          erp_line_number          coalesce
        external_invoice_number  invoice                  reject by=external_invoice_number
        cost_center              cost_center              reject by=code
        gl_account               ledger_account           reject by=account
        line_quantity            invoiced_quantity
        subtotal                 sub_total                currency=currency
        """,
    ),
    (
        INVOICE_TAX_LINE,
        "sn_apo_ap_invoice_tax_line",
        "APO invoice tax line",
        """
        erp_source               erp_source               coalesce
        external_invoice_number  external_invoice_number  coalesce
        tax_line_number          tax_line_number          coalesce
        external_invoice_number  invoice                  reject by=external_invoice_number
        """,
    ),
    (
        SUPPLIER,
        "sn_fin_supplier",
        "Supplier inbound",
        """
        erp_source                    erp_source       coalesce
        supplier_number               supplier_number  coalesce
        accepted_purchasing_currency  currency
        """,
    ),
)
