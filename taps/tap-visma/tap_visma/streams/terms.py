"""Tax and payment terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.errors import BadAnswer
from ml_connector.singer.paging import Page

from tap_visma.streams.base import MODIFIED, PAGED, VismaStream

if TYPE_CHECKING:
    from ml_connector.http import Reply


class VatCodes(VismaStream):
    """VAT codes with rates and accounts."""

    name = "vat_codes"
    path = "/v1/vat"
    keys = ("vatId",)
    modified = MODIFIED


class VatCategories(VismaStream):
    """VAT categories, which document lines call their VAT code, with the codes they stand for."""

    name = "vat_categories"
    path = "/v1/vatCategory"
    keys = ("vatCategoryId",)
    modified = MODIFIED


class VatZones(VismaStream):
    """VAT zones."""

    name = "vat_zones"
    path = "/v1/vatZone"
    keys = ("id",)
    paging = PAGED


class PaymentMethods(VismaStream):
    """Payment methods; rows carry no modified time, so they are read whole."""

    name = "payment_methods"
    path = "/v1/paymentmethod"
    keys = ("paymentMethodID",)


class CreditTerms(VismaStream):
    """Credit terms, the one list that comes in an envelope (apis/visma.md §3.1)."""

    name = "credit_terms"
    path = "/v1/creditTerm"
    keys = ("termsId",)
    modified = MODIFIED
    paging = PAGED
    model = ("records",)

    def page(self, reply: Reply) -> Page:
        """Return the rows inside the envelope."""
        envelope = reply.json() or {}
        if not isinstance(envelope, dict) or not isinstance(envelope.get("records", []), list):
            raise BadAnswer(f"{reply}: expected an object with `records`")
        return Page(envelope.get("records") or [], envelope.get("totalCount"))
