"""What differs between installations, or is not known of the real one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

PAYMENT_VIEWS = {
    "ApplicationHistory": "ARPost",
    "CreditCardProcessingInfo": "ccProcTran",
    "CreditCardTransactionInfo": "CreditCardTransactionInfo",
    "DocumentsToApply": "Adjustments",
    "OrdersToApply": "SOAdjustments",
}


@dataclass
class Settings:
    """Set before or while the simulator runs; the defaults are what apis/acumatica.md holds for likely."""

    several_tenants: bool = True  # a site with one tenant accepts any name
    seats: int | None = 10  # Max web services API users; a trial licence has 2
    seat_shape: Literal["html", "json", "text"] = "html"  # all three were seen
    seats_at_sign_in: bool = False  # whether the token endpoint, too, refuses when no seat is free (unconfirmed)
    cookie_seconds: int = 600  # without a request
    oauth_seconds: int = 3600
    refresh_days: int = 30  # after the first consent
    sliding: bool = False  # refresh tokens live on with their use
    old_refresh_works_once: bool = False  # unconfirmed
    logout_ends_refresh: bool = False  # unconfirmed

    requests_at_once: int | None = None  # above it requests wait
    queue: int = 20  # above it they are declined: 429
    requests_per_minute: int | None = None
    delays: bool = False  # from half of the minute's requests on, each waits
    retry_after: int | None = None  # never seen of the real one

    bare_list: bool = False  # GET /entity as older builds answer
    order: Literal["key", "shuffled"] = "key"  # no order is documented
    types_by: Literal["code", "label"] = "code"  # how Type sorts and compares (unconfirmed)
    zone: str = "America/New_York"  # whose offset date-times carry
    joined_views_find_nothing: bool = False  # seen once: header and linked fields in one filter find nothing
    forbidden: set[str] = field(default_factory=set)  # entities: 403
    not_set_up: set[str] = field(default_factory=set)  # entities: 500 PXSetupNotEnteredException
    unoptimized: dict[str, dict[str, str]] = field(default_factory=lambda: {"Payment": dict(PAYMENT_VIEWS)})
    """Entity → field or detail list → view: what a list read cannot bring."""

    put_answers: Literal["sent", "all"] = "sent"  # the guide says sent or asked for; recordings show all
    unknown_fields: Literal["ignore", "refuse"] = "ignore"
    unknown_number: Literal["new", "refuse"] = "new"  # a made-up number under auto-numbering (unconfirmed)
    number_vendors: bool = False  # vendors, too, are numbered by the server
    duplicate_refs: Literal["allow", "refuse"] = "allow"  # AP preference: a vendor's number twice
    approvals: bool = False  # purchase orders and bills off hold wait for approval
    operation_polls: int = 1  # how often a long operation's status says 202 before 204
    operation_seconds: int = 60  # it ends by itself after that
    location_on_done: bool = True  # 204 of an action names the record: not to be followed
