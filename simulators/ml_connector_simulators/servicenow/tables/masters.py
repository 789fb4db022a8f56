"""The masters the import sets load: accounts, cost centres, suppliers (apis/servicenow.md §6.1).

Columns beyond those of §6.1 (erp_source, supplier_number, …) are UNCONFIRMED stand-ins.
"""

from __future__ import annotations

from ml_connector_simulators.servicenow.schema import Table, columns

MASTERS = (
    Table("sn_fin_erp_source", "ERP sources", columns("Code | 100 display\nName | 100")),
    Table("sn_fin_fx_currency", "FX currencies", columns("ISO currency code | 3 display | code\nName | 100")),
    Table(
        "sn_fin_legal_entity",
        "Legal entities",
        columns("""
            ERP source | 100
            ERP company code | 40
            Legal name | 100 display
            Local currency | 3
            Country | 100
        """),
    ),
    Table(
        "sn_shop_payment_term",
        "Payment terms",
        columns("""
            ERP source | 100
            Payment term | 40
            Name | 100 display
            Net days to pay | integer
            Discount days | integer
            Discount percentage | decimal
        """),
    ),
    Table(
        "sn_fin_gl_account",
        "GL accounts",
        columns("""
            ERP source | 100
            Number | 40
            GL account | 40
            Account name | 160 display | display_name
            Short description | 160
            Type | 40
            Category | 100
            Account currency | 3
            Ledger type | 40
            Legal entity | ->sn_fin_legal_entity
            Inactive | boolean =false
        """),
    ),
    Table(
        "cmn_cost_center",
        "Cost centers",
        columns("""
            Name | 100 display
            Code | 100
            Account number | 40
            ERP source | 100
            Legal entity | ->sn_fin_legal_entity
            Cost center type | 40
            Controlling area | 40
            Profit center | 40
            Manager | ->sys_user
            Parent | ->cmn_cost_center
            Valid from | glide_date
            Valid to | glide_date
        """),
    ),
    Table(
        "sn_fin_supplier",
        "Suppliers",
        columns("""
            Number | 40
            ERP source | 100
            Supplier number | 40
            Legal name | 100 display
            Short description | 160
            Status | 40
            Tax id | 40
            DUNS | 40
            Registration number | 40
            Customer number | 40
            GL account | ->sn_fin_gl_account
            Payment term | 100
            Accepted purchasing currency | 3 | currency
            Primary phone number | 40
            Email | 100
            URL | 1024
            Street address | 255
            City | 100
            State / Province | 100 | state
            Zip / Postal code | 40 | zip
            Country | 100
            Country of registration | 100
            Onboarded | boolean =true
        """),
        number_prefix="SUP",
    ),
    Table("core_company", "Companies", columns("Name | 100 display\nVendor number | 40\nVendor | boolean =false")),
    Table(
        "itfm_gl_accounts",
        "IT finance GL accounts",
        columns("""
            ERP source | 100
            Number | 40
            Account | 40
            Name | 160 display
            Description | 1000
            Type | 40
            Active | boolean =true
        """),
    ),
)
