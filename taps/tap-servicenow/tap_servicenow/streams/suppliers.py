"""Suppliers."""

from __future__ import annotations

from ml_connector.singer.stream import Tier

from tap_servicenow.streams.base import TableStream


class Suppliers(TableStream):
    """Suppliers."""

    name = "sn_fin_supplier"
    tier = Tier.PARTIES


class SupplierDetails(TableStream):
    """Which legal entity deals with which supplier, and how."""

    name = "sn_fin_supplier_detail"
    tier = Tier.PARTIES
    bank = ("bank_details",)


class SupplierPayments(TableStream):
    """Bank accounts of suppliers; needs `sn_fin.supplier_payment_info_read`, and `include_private` for the numbers."""

    name = "sn_fin_supplier_payment"
    tier = Tier.PARTIES
    bank = ("account_number", "beneficiary_name_on_account", "branch_code")
