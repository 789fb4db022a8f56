"""One HTTP client for taps and targets.

`Client.request` returns an accepted answer or raises from `ml_connector.errors`; a connector supplies its error table
(`Classify`), its credentials (`Auth`) and its `Budget`.
"""

import stamina.instrumentation

from ml_connector.http.auth import ApiKey, Auth, Basic, ClientCredentials, PasswordGrant
from ml_connector.http.budget import Budget
from ml_connector.http.client import Client, Retry
from ml_connector.http.clock import Clock
from ml_connector.http.grants import JwtBearer, RefreshToken
from ml_connector.http.reply import NotJson, Reply
from ml_connector.http.retry_after import retry_after
from ml_connector.http.verdict import Classify, Consequence, Verdict, by_status

__all__ = [
    "ApiKey",
    "Auth",
    "Basic",
    "Budget",
    "Classify",
    "Client",
    "ClientCredentials",
    "Clock",
    "Consequence",
    "JwtBearer",
    "NotJson",
    "PasswordGrant",
    "RefreshToken",
    "Reply",
    "Retry",
    "Verdict",
    "by_status",
    "retry_after",
]

# Where structlog is installed (Meltano brings it), stamina's default hook prints retries to stdout: into the Singer
# stream. The client logs its retries itself.
stamina.instrumentation.set_on_retry_hooks([])
