"""ServiceNow's error table: HTTP status and words → consequence (apis/servicenow.md §5, DESIGN §3 retry rule)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ml_connector.errors import BadAnswer, ConfigError, ConnectorError, Forbidden, InDoubt, RecordParked, RecordRefused
from ml_connector.http import Consequence, Verdict
from ml_connector.http.rules import Rule, judged

if TYPE_CHECKING:
    from ml_connector.http import Reply

OK, RETRY, REAUTH, FORBIDDEN, REFUSE, PARK, IN_DOUBT, CONFIG, STOP = Consequence

SIGN_IN_HINT = (
    "ServiceNow gives one text for many causes: the secret or password is wrong; the property "
    "glide.oauth.inbound.client.credential.grant_type.enabled is off; the OAuth record has no application user; "
    "the user is locked, inactive or flagged 'Password needs reset'. A page instead of a token: a developer instance "
    "sleeps after some hours; sign in to developer.servicenow.com and wake it."
)


# First match wins; a rule with no words is the status's last.
RULES = (
    Rule(400, "invalid table", "invalid_table", CONFIG, CONFIG, "The table is not on this instance: check the map."),
    Rule(
        400,
        "does not represent any resource",
        "no_such_api",
        CONFIG,
        CONFIG,
        "The instance does not offer this API: check instance_url and the plugin.",
    ),
    Rule(400, "", "bad_request", STOP, REFUSE, "The instance does not take this row as it is."),
    Rule(401, "", "sign_in", REAUTH, REAUTH, SIGN_IN_HINT),
    Rule(
        403,
        "api level acl",
        "api_forbidden",
        FORBIDDEN,
        FORBIDDEN,
        "Give the account the REST API's role (rest_service; import_transformer for import sets).",
    ),
    Rule(
        403,
        "insert failed due to security",
        "create_forbidden",
        FORBIDDEN,
        FORBIDDEN,
        "Give the account a role that may create rows in this table.",
    ),
    Rule(
        403,
        "update failed due to security",
        "update_forbidden",
        FORBIDDEN,
        PARK,
        "Give the account a role that may write this row, then run again.",
    ),
    Rule(403, "", "forbidden", FORBIDDEN, IN_DOUBT, "Give the account a role that may read this table."),
    Rule(404, "", "no_record", STOP, REFUSE, "The row is gone, or the account may not see it."),
    Rule(413, "", "too_large", STOP, REFUSE, "The request is too large: lower batch_size."),
    Rule(429, "", "rate_limit", RETRY, RETRY, "The instance limits this account's requests."),
    Rule(408, "", "timeout", RETRY, RETRY),
    Rule(500, "maximum execution time", "timeout", RETRY, RETRY, "The instance cancels calls that run too long."),
    Rule(500, "", "server_error", RETRY, RETRY),
    Rule(502, "", "server_error", RETRY, RETRY),
    Rule(503, "", "unavailable", RETRY, RETRY),
    Rule(504, "", "timeout", RETRY, RETRY),
)


def classify(reply: Reply) -> Verdict:
    """Return what an answer of the instance means; the client's `Classify`."""
    return judge(reply.status, reply.json_or_none(), safe=reply.safe)


def judge(status: int, body: object, *, safe: bool) -> Verdict:
    """Return what a status and a JSON body mean for a read (`safe`) or a write. Unknown means stop."""
    words = error_text(body)
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        # A cancelled transaction comes as 200 with an error inside (apis/servicenow.md §0 fact 7).
        return Verdict(RETRY, "broken_answer", words) if words else Verdict(OK)
    return judged(RULES, status, words, words, safe=safe) or Verdict(STOP, f"http_{status}", words)


def error_text(body: object) -> str:
    """Return the message and detail of ServiceNow's error envelope, '' when the body is no error."""
    if not isinstance(body, Mapping) or not ("error" in body or body.get("status") == "failure"):
        return ""
    error: Any = body.get("error")
    if not isinstance(error, Mapping):
        return str(error or "failure")
    return ": ".join(str(error[part]) for part in ("message", "detail") if error.get(part)) or "failure"


def fault(verdict: Verdict, what: str) -> ConnectorError:
    """Return the error of our tree for a write inside a batch, as the client raises it for a call of its own."""
    message = f"{what}: {verdict.message or verdict.code}"
    match verdict.consequence:
        case Consequence.REFUSE:
            return RecordRefused(verdict.code, message)
        case Consequence.PARK:
            return RecordParked(verdict.code, message)
        case Consequence.FORBIDDEN:
            return Forbidden(message)
        case Consequence.CONFIG:
            return ConfigError(message)
        case Consequence.STOP:
            return BadAnswer(message)
        case _:
            return InDoubt(message)
