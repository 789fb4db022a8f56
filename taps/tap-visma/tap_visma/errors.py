"""Visma.net's error table: what an answer means (apis/visma.md §5.1).

| status, or fault code in the body | consequence |
|---|---|
| 2xx | ok |
| 401; gateway faults 12002 (company or rights), 12027 (licence), with any status | new token once, then stop |
| 403 | forbidden |
| 404 of a page after the first | ok: past the end |
| 404 of one record | ok: it is not there |
| 404 else | configuration: the address is wrong |
| 408, 429, 500, 502, 503, 504 | retry |
| anything else | stop, with the code shown |
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ml_connector.http import Consequence, Verdict, by_status

if TYPE_CHECKING:
    from ml_connector.http import Reply

SIGN_IN_HINT = (
    "Check (1) that `tenant_id` is the company's tenant id (Visma Admin, Company, Edit, Configuration) and not the "
    "customer's, whose tokens are refused everywhere; (2) that the customer's integration administrator approved the "
    "application in the Visma App Store, again after a change of scopes; (3) `client_id` and `client_secret`."
)
READ_HINT = (
    "The application needs the scope vismanet_erp_service_api:read, approved by the customer, and the company a "
    "licence for this part of Visma.net."
)
_SET_UP_FAULTS = frozenset({"12002", "12027"})
_ONE_RECORD = re.compile(r"/v\d/(?!dimension/)\w+/[^/?]")
_LATER_PAGE = re.compile(r"[?&]pageNumber=(?!1(?:&|$))")


def classify(reply: Reply) -> Verdict:
    """Return what a Visma.net answer means."""
    body = reply.json_or_none() if reply.body.startswith(b"{") else None  # a list of rows is no error
    fault = str(body.get("ExceptionFaultCode", "")) if isinstance(body, dict) else ""
    words = message(body)
    if fault in _SET_UP_FAULTS:
        return Verdict(Consequence.REAUTH, fault, f"{words} {SIGN_IN_HINT}")
    match reply.status:
        case HTTPStatus.UNAUTHORIZED:
            return Verdict(Consequence.REAUTH, "http_401", f"{words} {SIGN_IN_HINT}".strip())
        case HTTPStatus.FORBIDDEN:
            return Verdict(Consequence.FORBIDDEN, "http_403", f"{words} {READ_HINT}".strip())
        case HTTPStatus.NOT_FOUND if _LATER_PAGE.search(reply.url_for_log) or _ONE_RECORD.search(reply.url_for_log):
            return Verdict(Consequence.OK)
        case HTTPStatus.NOT_FOUND:
            return Verdict(Consequence.CONFIG, "http_404", f"{words} No such address. Check `api_url`.".strip())
    verdict = by_status(reply)
    return Verdict(verdict.consequence, fault or verdict.code, words)


def message(body: Any) -> str:
    """Return the words of an error body, whichever of its shapes it has."""
    if not isinstance(body, dict):
        return ""
    told = {name.lower(): text for name, text in body.items()}
    return str(told.get("message") or told.get("exceptionmessage") or "")
