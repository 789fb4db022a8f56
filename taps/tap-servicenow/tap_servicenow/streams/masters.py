"""Masters and dimensions."""

from __future__ import annotations

from tap_servicenow.streams.base import TableStream


class ErpSources(TableStream):
    """The ERPs that records come from."""

    name = "sn_fin_erp_source"


class LegalEntities(TableStream):
    """Companies."""

    name = "sn_fin_legal_entity"


class PurchasingEntities(TableStream):
    """Who buys for whom."""

    name = "sn_fin_purchasing_entity"


class Currencies(TableStream):
    """Currencies of the finance model."""

    name = "sn_fin_fx_currency"


class CurrencyRates(TableStream):
    """Rates of the finance model."""

    name = "sn_fin_fx_rate"


class GlAccounts(TableStream):
    """The chart of accounts."""

    name = "sn_fin_gl_account"


class CostCenters(TableStream):
    """Cost centres."""

    name = "cmn_cost_center"


class Departments(TableStream):
    """Departments."""

    name = "cmn_department"


class PaymentTerms(TableStream):
    """Payment terms."""

    name = "sn_shop_payment_term"


class TaxCodes(TableStream):
    """Tax codes."""

    name = "sn_fin_tax_code"


class TaxTypes(TableStream):
    """Tax types."""

    name = "sn_fin_tax_type"


class Units(TableStream):
    """Units of measure."""

    name = "sn_fin_uom"


class Periods(TableStream):
    """Accounting periods."""

    name = "sn_fin_period"
