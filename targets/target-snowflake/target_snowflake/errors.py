"""Snowflake's error table: number and words → our error tree, with what to do.

Words count as much as numbers: connectors before 4.x, and 5.x for some faults, say 250001 for every failed sign-in, and
the server's text is the only thing that tells causes apart. Where a text repeats names and values, only numbers count.
Sources:

- 390144, 3943xx: docs.snowflake.com/user-guide/key-pair-auth-troubleshooting; connector 4.8.1 network.py.
- 390189 (role): Snowflake-Labs quickstarts; the wording in dbt, Terraform provider and pipelinewise tests.
- 390422, 390432 (network policy): wording in posit and Terraform reports; okou-ai/vm0-skills#178 for 390432.
- 394400 (access token): gosnowflake's own test. 390303, 390318: connector 4.8.1 network.py, Snowflake BCR-2421.
- 390202 (authentication policy): cagov/data-infrastructure#576. 390201: snowflake-connector-net#537.
- 390111 to 390115: snowflake-connector-python#218, gosnowflake#160. 403, 404, 513 for a wrong account: BCR-1669.
- 000606: dbt-snowflake#300. 000608: PostHog/posthog#37608. 090073: rudder-server's tests.
- 002043 without usage on a warehouse, 002003 without usage on a schema: seen in public reports.
- 1000xx: transferwise/pipelinewise#791, datamill-co/target-snowflake#21. 000625: lock limits, reported in forums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.errors import AuthError, BadAnswer, ConnectorError, EnvironmentFault, Unreachable
from ml_connector.secrets.guard import process_redactor

from target_snowflake.faults import (
    HTTP,
    BatchRefused,
    CommitInDoubt,
    ConnectionLost,
    Missing,
    NotAllowed,
    Place,
    Refusal,
    Rule,
    Told,
)
from target_snowflake.grants import missing_object, missing_privilege

if TYPE_CHECKING:
    from snowflake.connector.errors import Error

__all__ = ["BatchRefused", "CommitInDoubt", "ConnectionLost", "Missing", "NotAllowed", "Place", "Refusal", "translate"]

_LONGEST = 600
_CLASS_OF_DATA = "22"  # SQLSTATE class: data exception
_STATUSES = range(HTTP + 400, HTTP + 600)
_DATA_CODES = range(100_000, 100_200)

EGRESS = (
    "Snowflake has a network policy that does not let this address in. Ask an administrator to add the address this "
    "machine goes out with (its egress address: that of the NAT gateway, proxy or VPN) to the policy of the user or "
    "the account: CREATE NETWORK RULE … TYPE = IPV4 VALUE_LIST = ('<address>'), then ALTER NETWORK POLICY … ADD "
    "ALLOWED_NETWORK_RULE_LIST = (…)."
)
_LOGIN_DETAILS = (
    "An administrator sees the cause of the id in brackets with SELECT SYSTEM$GET_LOGIN_FAILURE_DETAILS('<id>')."
)
_ACCOUNT = (
    "Check account: it is organization-account, as in https://organization-account.snowflakecomputing.com; and host, "
    "when set."
)

# First match wins.
RULES = (
    Rule(AuthError, (390422,), ("is not allowed to access snowflake",), EGRESS),
    Rule(
        AuthError,
        (390432,),
        ("network policy is required",),
        "A programmatic access token works only for a user under a network policy: an administrator types CREATE "
        "NETWORK POLICY … and ALTER USER {user} SET NETWORK_POLICY = …. Or use a key pair.",
    ),
    Rule(
        AuthError,
        (390189, 390186),
        ("specified in the connect string", "configured default role"),
        "Check role, or let an administrator type: GRANT ROLE {role} TO USER {user};",
    ),
    Rule(
        EnvironmentFault,
        (390201,),
        ("the requested warehouse does not exist", "the requested database does not", "the requested schema does not"),
        "Check warehouse, database and schema, or let an administrator type: GRANT USAGE ON WAREHOUSE {warehouse} TO "
        "ROLE {role}; GRANT USAGE ON DATABASE {database} TO ROLE {role}; "
        "GRANT USAGE ON SCHEMA {schema} TO ROLE {role};",
    ),
    Rule(
        AuthError,
        (390144, *range(394300, 394310)),
        ("jwt token is invalid",),
        "Snowflake does not know this key for user {user} of account {account}. Check user and account; give the "
        "public half of the key to the user with ALTER USER {user} SET RSA_PUBLIC_KEY = '…' (compare DESC USER {user}, "
        f"RSA_PUBLIC_KEY_FP); check this machine's clock. {_LOGIN_DETAILS}",
    ),
    Rule(
        AuthError,
        (394400, 394401, 394402, 394403),
        ("programmatic access token is",),
        "The token is wrong, expired, or of another user or account. Make a new one with ALTER USER {user} ADD "
        "PROGRAMMATIC ACCESS TOKEN …; the user needs a network policy, too. An OAuth token needs auth_method "
        "oauth_token.",
    ),
    Rule(
        AuthError,
        (390303, 390318, 390302, 390309),
        ("oauth access token",),
        "The OAuth token is expired or not for this account. Get a new one; token_path lets whatever renews it write a "
        f"file, and oauth_client_credentials renews it itself. {_LOGIN_DETAILS}",
    ),
    Rule(
        AuthError,
        (390202,),
        ("authentication policy", "authentication attempt rejected"),
        "The user's authentication policy does not allow this way to sign in ({method}). Use another, or let an "
        "administrator change the policy's AUTHENTICATION_METHODS.",
    ),
    Rule(
        AuthError,
        (390197, 390127, 390120),
        ("multi-factor authentication",),
        "A program has no second factor: make the user one of TYPE = SERVICE and sign in with a key pair.",
    ),
    Rule(
        AuthError,
        (390102,),
        ("temporarily locked",),
        "Wait 15 minutes or let an administrator type: ALTER USER {user} SET MINS_TO_UNLOCK = 0;",
    ),
    Rule(
        AuthError,
        (390101,),
        ("user access disabled",),
        "An administrator types: ALTER USER {user} SET DISABLED = FALSE;",
    ),
    Rule(AuthError, (390100,), ("incorrect username or password",), "Check user, password, and account."),
    Rule(
        EnvironmentFault,
        (666, 390913),
        ("account is suspended", "account has been suspended", "free trial has ended", "lack of payment"),
        "The account itself is suspended: an administrator settles it with Snowflake.",
    ),
    Rule(
        EnvironmentFault,
        (90073,),
        ("exceeded its quota",),
        "The credits of the warehouse are used up: an administrator raises the quota of its resource monitor, or set "
        "another warehouse.",
    ),
    Rule(
        EnvironmentFault,
        (606,),
        ("no active warehouse selected",),
        "There is no warehouse to work with. Set warehouse; if it is set ({warehouse}), it does not exist or the role "
        "may not use it: GRANT USAGE ON WAREHOUSE {warehouse} TO ROLE {role};",
    ),
    Rule(
        EnvironmentFault,
        (608,),
        ("' is suspended", "warehouse is suspended"),
        "The warehouse is suspended and does not start by itself. Let an administrator type: ALTER WAREHOUSE "
        "{warehouse} SET AUTO_RESUME = TRUE; (or ALTER WAREHOUSE {warehouse} RESUME; each time).",
    ),
    Rule(
        EnvironmentFault,
        (),
        ("no space left", "disk is full", "out of disk", "disk full"),
        "The server has no room left. Make room there, then run again.",
    ),
    Rule(
        AuthError,
        (251021, 251017, 251018),
        ("workload identity", "workload_identity"),
        "Check workload_identity_provider, and that this process runs with that cloud's identity.",
    ),
    Rule(
        Unreachable,
        (HTTP + 403, HTTP + 404, HTTP + 513),
        ("verify the account name is correct", "error status: 403", "error status: 404", "error status: 513"),
        _ACCOUNT,
        signing_in=True,
    ),
    Rule(
        Unreachable,
        (),
        ("ssl error", "certificate", "tls handshake"),
        "The server's certificate is not trusted here. A proxy that opens TLS needs its authority's certificate in "
        "REQUESTS_CA_BUNDLE.",
    ),
    Rule(
        ConnectionLost,
        (390110, 390111, 390112, 390113, 390114, 390115, 390195, 390103, 390104),
        ("session no longer exists", "authentication token has expired", "must login again"),
        "The session ended; it is opened again.",
    ),
    Rule(
        AuthError,
        (*range(390_100, 390_500), *range(394_300, 394_500)),
        (),
        "Snowflake does not let user {user} of account {account} in: look the number up, or ask an administrator to "
        "look at the LOGIN_HISTORY.",
        signing_in=True,
    ),
    Rule(
        ConnectionLost,
        (251011, 251012),
        ("could not connect to snowflake backend", "failed to login"),
        "The server is there but does not sign anybody in: it is busy or down (status.snowflake.com).",
        signing_in=True,
    ),
    Rule(
        ConnectionLost,
        (604, 625, 630, 603, 250001, 250002, 250003, 250005, 251010, 252007, 253002, 253003),
        (
            "could not connect to snowflake backend",
            "responded with error status",
            "invalid snowflake response",
            "connection is closed",
            "connection reset",
            "connection refused",
            "timed out",
            "timeout",
            "internal error",
            "failed to execute request",
        ),
        "",
    ),
)


def translate(error: Error, place: Place, *, sql: str = "", connecting: bool = False) -> ConnectorError:
    """Return the error of our tree for an error of the connector; an unknown one is BadAnswer with its number."""
    told = Told.of(error, _clean)
    for rule in RULES:
        if rule.covers(told, connecting=connecting):
            return _raised(rule, told, place)
    if found := missing_privilege(told, sql, place) or missing_object(told, place):
        return found
    if told.code in _DATA_CODES or told.sqlstate.startswith(_CLASS_OF_DATA):
        return BatchRefused.of(told)
    if told.code in _STATUSES or (connecting and told.code < 0):
        return ConnectionLost(f"{told}.")
    return BadAnswer(f"{told}. This is not in the connector's error table; the code is Snowflake's.")


def _raised(rule: Rule, told: Told, place: Place) -> ConnectorError:
    advice = rule.advice.format_map(place.words())
    return rule.raises(f"{told}. {advice}".strip())


def _clean(text: str) -> str:
    words = " ".join(process_redactor().clean(text).split())
    return words if len(words) <= _LONGEST else words[:_LONGEST] + "…"
