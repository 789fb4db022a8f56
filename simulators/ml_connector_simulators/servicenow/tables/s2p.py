"""Source-to-Pay: the delivered staging tables and transform maps (apis/servicenow.md §6.2, §6.3, Appendix A).

Column names are official for the three invoice tables only, labels for all; `Supplier number`, `Registration number`,
`ERP line number` and `Tax line number` beside the documented labels are UNCONFIRMED.
"""

from __future__ import annotations

from ml_connector_simulators.servicenow.tables.documents import address
from ml_connector_simulators.servicenow.tables.staging import staging

COST_CENTER = staging(
    "sn_fcms_intg_imp_cost_center",
    "Cost center import",
    """
    Account number
    Available for user
    Code | 100
    Cost center type
    Controlling area
    ERP source | 100
    Legal entity | 100
    Manager | 100
    Name | 100
    Profit center
    Valid from
    Valid to
    """,
)
GL_ACCOUNT = staging(
    "sn_fcms_intg_gl_account_stage",
    "GL account stage",
    """
    Account currency
    Account name | 160
    Alternate currency
    Category | 100
    Entity | 100
    ERP source | 100
    GL Account
    Inactive
    Ledger type
    Local currency
    Number
    Short description | 160
    Sub-ledger account
    Type
    """,
)
SUPPLIER = staging(
    "sn_fcms_intg_imp_supplier",
    "Supplier import",
    """
    Accepted purchasing currency
    City | 100
    Company overall rating
    Company type
    Country | 100
    Country of registration | 100
    County / District | 100
    Customer number
    Domain
    Duns
    Email | 100
    Employee number
    ERP company code
    ERP source | 100
    Supplier number
    Fax number
    Founded year
    General ledger account | 40 | reconciliation_account_in_general_ledger
    Incoterm
    Industry
    Legal entities | 255
    Legal name | 100
    Logo URL | 1024
    Long description | 4000
    Off-boarded date
    Onboarded
    On-boarded by
    On-boarded date
    Parent company | 100
    Payment term | 100
    PO box number
    Posting Block
    Primary phone number
    Purchasing entities | 255
    Registration number
    Short description | 160
    State / Province | 100 | state
    Status
    Street address | 255
    Tax id
    Tax jurisdiction
    URL | 1024
    Zip / Postal code | 40 | zip
    """,
)
ORDER = staging(
    "sn_fcms_intg_imp_order",
    "Order stage",
    """
    Blanket order end date
    Blanket order start date
    Business owner | 100
    Cost center
    ERP PO number | 40 *
    ERP source | 100 *
    Legal entity | 100
    Order type
    Payment term | 100
    PO amount
    PO amount currency
    PO status
    Purchasing organization | 100
    Supplier company name | 100
    Supplier number
    Order date
    Description | 1000
    """,
)
ORDER_LINE = staging(
    "sn_fcms_intg_imp_order_line",
    "Order line stage",
    """
    ERP source | 100
    ERP PO number
    ERP PO line number
    Product name | 255
    Purchased quantity
    Unit price
    Total line amount
    Currency
    Expected delivery date
    Unit | 40 | uom
    Cost center
    GL account
    """,
)
INVOICE = staging(
    "sn_spend_intg_imp_invoice",
    "Invoice import",
    """
    Amount invoiced
    Business owner | 100
    Currency
    Discounts
    ERP number
    ERP source | 100 *
    External invoice number | 100 *
    External invoice source | 100 *
    Final tax
    Inbound source
    Invoice date | *
    Date format
    Invoice line count
    Invoice type
    Legal entity | 100
    Original invoice | 100
    Other charges | *
    Payment terms | 100
    Purchase order | 100
    Remit address | 255
    Shipping amount
    Status
    Subtotal | *
    Supplier | 100 *
    Supplier invoice number | 100
    Supplier tax id
    Supplier tax rate
    Target ERP
    Tax amount
    Third party import ID | 100
    """
    + address("Bill to", "u_")
    + address("Remit to", "u_")
    + address("Ship from", "u_")
    + address("Ship to", "u_"),
    prefix="u_",
)
INVOICE_LINE = staging(
    "sn_spend_intg_imp_invoice_line",
    "Invoice line import",
    """
    Cost center
    Currency
    ERP line number
    ERP source | 100 *
    External invoice number | 100
    External invoice source | 100 *
    Final tax
    GL account
    Inbound source
    Line amount invoiced
    Line description | 1000 *
    Line quantity | *
    Line unit price | *
    PO line description | 1000
    Purchase order line | 100
    Status
    Subtotal | *
    Supplier part number | 100
    Supplier tax rate
    Target ERP
    Tax amount
    Tax code
    Third party import ID | 100
    Unit | 40 | u_uom
    """
    + address("Ship to", "u_"),
    prefix="u_",
)
INVOICE_TAX_LINE = staging(
    "sn_spend_intg_imp_invoice_tax_line",
    "Invoice tax line import",
    """
    Tax Type | 100
    Taxable Amount
    Supplier Tax | 40 | u_tax_amount
    Supplier Tax Rate
    Currency
    ERP source | 100
    External invoice number | 100
    Tax line number
    """,
    prefix="u_",
)

# staging table, target table, name of the map, and the field maps that are not between equal names
MAPS = (
    (
        COST_CENTER,
        "cmn_cost_center",
        "Master data cost center",
        """
        erp_source    erp_source    coalesce
        code          code          coalesce
        legal_entity  legal_entity  ignore by=erp_company_code
        manager       manager       ignore by=user_name
        """,
    ),
    (
        GL_ACCOUNT,
        "sn_fin_gl_account",
        "GL account load data",
        """
        erp_source    erp_source    coalesce
        number        number        coalesce
        account_name  display_name
        entity        legal_entity  ignore by=erp_company_code
        """,
    ),
    (
        SUPPLIER,
        "sn_fin_supplier",
        "Master data supplier",
        """
        erp_source                                erp_source       coalesce
        supplier_number                           supplier_number  coalesce
        accepted_purchasing_currency              currency
        reconciliation_account_in_general_ledger  gl_account       ignore by=gl_account
        """,
    ),
    (
        ORDER,
        "sn_shop_purchase_order",
        "Order stage",
        """
        erp_source       erp_source    coalesce
        erp_po_number    erp_number    coalesce
        supplier_number  supplier      reject by=supplier_number
        cost_center      cost_center   reject by=code
        legal_entity     legal_entity  ignore by=erp_company_code
        po_amount        total_amount  currency=po_amount_currency
        po_status        status
        """,
    ),
    (
        ORDER_LINE,
        "sn_shop_purchase_order_line",
        "Order line stage",
        """
        erp_source          erp_source       coalesce
        erp_po_number       erp_number       coalesce
        erp_po_line_number  erp_line_number  coalesce
        erp_po_number       purchase_order   reject by=erp_number
        cost_center         cost_center      reject by=code
        gl_account          ledger_account   reject by=gl_account
        """,
    ),
    (
        INVOICE,
        "sn_shop_invoice",
        "Invoice import",
        """
        u_erp_source               erp_source               coalesce
        u_external_invoice_number  external_invoice_number  coalesce
        u_supplier                 supplier                 reject by=supplier_number
        u_legal_entity             legal_entity             ignore by=erp_company_code
        u_purchase_order           purchase_order           ignore by=erp_number
        u_purchase_order           purchase_order_number
        u_invoice_type             type
        u_status                   state
        """,
    ),
    (
        INVOICE_LINE,
        "sn_shop_invoice_line",
        "Invoice line import",
        """
        u_erp_source               erp_source               coalesce
        u_external_invoice_number  external_invoice_number  coalesce
        u_erp_line_number          erp_line_number          coalesce
        u_external_invoice_number  invoice                  reject by=external_invoice_number
        u_cost_center              cost_center              reject by=code
        u_gl_account               ledger_account           reject by=gl_account
        u_purchase_order_line      order_line_number
        u_line_quantity            invoiced_quantity
        u_subtotal                 sub_total                currency=u_currency
        u_line_amount_invoiced     line_amount              currency=u_currency
        """,
    ),
    (
        INVOICE_TAX_LINE,
        "sn_shop_invoice_tax_line",
        "Invoice tax line import",
        """
        u_erp_source               erp_source               coalesce
        u_external_invoice_number  external_invoice_number  coalesce
        u_tax_line_number          tax_line_number          coalesce
        u_external_invoice_number  invoice                  reject by=external_invoice_number
        u_tax_amount               supplier_tax             currency=u_currency
        """,
    ),
)
