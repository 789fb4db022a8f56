"""What people ask to be bought: requisitions and their lines (apis/servicenow.md §6.1).

Columns beyond those of §6.1 (line_number, product_number, ledger_account, …) are UNCONFIRMED stand-ins.
"""

from __future__ import annotations

from ml_connector_simulators.servicenow.schema import Table, columns

STATUSES = "draft/pending_approval/approved/canceled =draft"

REQUISITIONS = (
    Table(
        "sn_shop_purchase",
        "Purchases",
        columns(f"""
            Number | 40 display
            Short description | 160
            Status | {STATUSES}
            Requested for | ->sys_user
        """),
        number_prefix="PUR",
    ),
    Table(
        "sn_shop_purchase_requisition",
        "Purchase requisitions",
        columns(f"""
            Number | 40 display
            Short description | 160
            Status | {STATUSES}
            Approval | not_requested/requested/approved/rejected =not_requested
            Purchase | ->sn_shop_purchase
            Supplier | ->sn_fin_supplier
            Total amount | currency2
            Cost center | ->cmn_cost_center
            Legal entity | ->sn_fin_legal_entity
            Business owner | ->sys_user
            Requested for | ->sys_user
            Expected delivery date | glide_date
            ERP number | 40
            ERP source | 100
        """),
        number_prefix="PR",
    ),
    # Product name, quantity and prices are inherited: sys_dictionary lists them under sn_shop_line only (§2.7).
    Table(
        "sn_shop_purchase_line",
        "Purchase lines",
        columns("""
            Line number | integer
            Purchase requisition | ->sn_shop_purchase_requisition
            Supplier part number | 100
            Product number | 100
            Unit | 40 | uom
            Cost center | ->cmn_cost_center
            GL account | ->sn_fin_gl_account | ledger_account
            Expected delivery date | glide_date
        """),
        parent="sn_shop_line",
        number_prefix="PRL",
    ),
)
