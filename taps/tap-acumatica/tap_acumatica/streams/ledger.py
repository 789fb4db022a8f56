"""Accounts, subaccounts, ledgers, tax zones and journals."""

from __future__ import annotations

from ml_connector.singer.stream import Tier

from tap_acumatica.streams.base import AcumaticaStream


class GlAccounts(AcumaticaStream):
    """The chart of accounts (GL202500)."""

    name = "gl_accounts"
    path = "Account"
    keys = ("AccountCD",)


class Subaccounts(AcumaticaStream):
    """Subaccounts (GL203000); the contract has no last-modified field for them."""

    name = "subaccounts"
    path = "Subaccount"
    keys = ("SubaccountCD",)
    modified = None


class Ledgers(AcumaticaStream):
    """Ledgers (GL201500)."""

    name = "ledgers"
    path = "Ledger"
    keys = ("LedgerID",)
    parts = ("Branches", "Companies")


class TaxZones(AcumaticaStream):
    """Tax zones (TX206000)."""

    name = "tax_zones"
    path = "TaxZone"
    keys = ("TaxZoneID",)
    parts = ("ApplicableTaxes",)


class JournalTransactions(AcumaticaStream):
    """Batches of the general ledger (GL301000), with their lines; they have no total in the contract."""

    name = "journal_transactions"
    path = "JournalTransaction"
    tier = Tier.JOURNALS
    keys = ("Module", "BatchNbr")
    parts = ("Details",)
