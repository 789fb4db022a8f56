"""The errors of the real Snowflake that a test may ask for by name, and the one every statement may end in.

Sources: 000606 and its SQLSTATE dbt-labs/dbt-snowflake#300, 000608 PostHog/posthog#37608, 001430
MeltanoLabs/target-snowflake#525, 002003 bytebase#15733, 003001 sqitchers/sqitch#586, 100078 superduper#2748, 100090
dbt-labs/dbt-core#10432, 390189 airbytehq/airbyte#23629, 390422 airbytehq/airbyte#22877 (wording), "User temporarily
locked" Talend/tuj#81 (its code is from memory), 390100, 390112, 390114, 390144, 394304 the connector's `network.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LOGIN = "/session/v1/login-request"
QUERY = "/queries/v1/query-request"


@dataclass(frozen=True, slots=True)
class KnownError:
    """One error as Snowflake words it; `name` in the message is the object it is about."""

    code: str
    sqlstate: str
    message: str
    path: str = QUERY

    def body(self, name: str = "X") -> dict[str, Any]:
        """The answer that tells it, as Snowflake sends it with HTTP status 200."""
        return refusal(self.code, self.sqlstate, self.message.replace("{name}", name))


class StatementError(Exception):
    """A statement that Snowflake refuses."""

    def __init__(self, code: str, sqlstate: str, message: str) -> None:
        super().__init__(f"{code} ({sqlstate}): {message}")
        self.code, self.sqlstate, self.message = code, sqlstate, message


def refusal(code: str, sqlstate: str, message: str, query_id: str = "") -> dict[str, Any]:
    """An answer of the statement and login endpoints that says no."""
    data = {"errorCode": code, "sqlState": sqlstate, "queryId": query_id, "internalError": False}
    return {"success": False, "code": code, "message": message, "data": data, "headers": None}


def known(name: str, about: str = "X") -> StatementError:
    """One of `ERRORS`, to raise."""
    error = ERRORS[name]
    return StatementError(error.code, error.sqlstate, error.message.replace("{name}", about))


ERRORS = {
    # Logins.
    "wrong_password": KnownError("390100", "08001", "Incorrect username or password was specified.", LOGIN),
    "jwt_invalid": KnownError("390144", "08001", "JWT token is invalid. [5a1f6bb2-9d3a-4a51-8c28-6a1e4a5ac3f0]", LOGIN),
    "jwt_wrong_key": KnownError(
        "394304", "08001", "JWT token is invalid: public key fingerprint mismatch. [5a1f6bb2]", LOGIN
    ),
    "token_invalid": KnownError("390303", "08001", "Invalid OAuth access token. [5a1f6bb2]", LOGIN),
    "token_expired": KnownError("390318", "08001", "OAuth access token expired. [5a1f6bb2]", LOGIN),
    "role_missing": KnownError(
        "390189",
        "08001",
        "Role '{name}' specified in the connect string does not exist or not authorized. Contact your local system "
        "administrator, or attempt to login with another role, e.g. PUBLIC.",
        LOGIN,
    ),
    "network_policy": KnownError(
        "390422",
        "08001",
        "Incoming request with IP/Token 1.2.3.4 is not allowed to access Snowflake. Contact your account "
        "administrator.",
        LOGIN,
    ),
    "user_locked": KnownError(
        "390102",
        "08001",
        "User temporarily locked. Try again later, or contact your local system administrator.",
        LOGIN,
    ),
    "user_disabled": KnownError(
        "390101", "08001", "User access disabled. Contact your local system administrator.", LOGIN
    ),
    # Sessions.
    "session_expired": KnownError("390112", "08001", "Your session has expired. Please login again."),
    "master_token_expired": KnownError(
        "390114", "08001", "Authentication token has expired.  The user must authenticate again."
    ),
    # Statements.
    "no_warehouse": KnownError(
        "000606",
        "57P03",
        "No active warehouse selected in the current session.  Select an active warehouse with the 'use warehouse' "
        "command.\n",
    ),
    "warehouse_suspended": KnownError(
        "000608",
        "57P03",
        "Warehouse '{name}' is suspended.  Use 'alter warehouse {name} resume;' command if you need to use it again.",
    ),
    "insufficient_privileges": KnownError(
        "003001", "42501", "SQL access control error:\nInsufficient privileges to operate on schema '{name}'"
    ),
    "object_missing": KnownError(
        "002003", "42S02", "SQL compilation error:\nObject '{name}' does not exist or not authorized."
    ),
    "schema_missing": KnownError(
        "002043", "02000", "SQL compilation error:\nObject does not exist, or operation cannot be performed."
    ),
    "locked": KnownError(
        "000625",
        "57014",
        "Statement '01b0' has locked table '{name}' in transaction 1 and this lock has not yet been released.",
    ),
    "timeout": KnownError(
        "000630", "57014", "Statement reached its statement or warehouse timeout of 300 second(s) and was canceled."
    ),
    "duplicate_row": KnownError("100090", "42P18", "Duplicate row detected during DML action\nRow Values: ['{name}']"),
    "internal": KnownError("000603", "XX000", "SQL execution internal error:\nProcessing aborted by error 300010:1"),
}
