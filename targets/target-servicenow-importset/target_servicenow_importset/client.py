"""The instance's address and credentials → our HTTP client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ml_connector.errors import ConfigError
from ml_connector.http import ApiKey, Basic, Budget, Client, ClientCredentials, Clock, PasswordGrant

from target_servicenow_importset.errors import SIGN_IN_HINT, classify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.http import Auth

TOKEN_PATH = "/oauth_token.do"  # noqa: S105  a path
API_KEY_HEADER = "x-sn-apikey"
CONNECT_TIMEOUT = 10.0  # seconds
NEEDED = {
    "client_credentials": ("client_id", "client_secret"),
    "password": ("client_id", "client_secret", "username", "password"),
    "basic": ("username", "password"),
    "api_key": ("api_key",),
}


def open_client(config: Mapping[str, Any], clock: Clock | None = None) -> Client:
    """Return the client for one instance. Raises ConfigError for credentials that are not set."""
    return Client(
        _address(config["instance_url"]),
        auth=_auth(config),
        classify=classify,
        budget=Budget(config.get("max_requests_per_hour"), config["max_concurrency"], clock=clock),
        timeout=(CONNECT_TIMEOUT, float(config["request_timeout"])),
        patience=float(config["patience"]),
    )


def _auth(config: Mapping[str, Any]) -> Auth:
    method = config["auth_method"]
    missing = [name for name in NEEDED[method] if not config.get(name)]
    if missing:
        raise ConfigError(f"auth_method {method} needs {' and '.join(missing)} in the target's settings")
    given = {name: config[name] for name in NEEDED[method]}
    match method:
        case "basic":
            return Basic(**given)
        case "api_key":
            return ApiKey(API_KEY_HEADER, given["api_key"])
    grant = PasswordGrant if method == "password" else ClientCredentials
    return grant(_address(config["instance_url"]) + TOKEN_PATH, **given, hint=SIGN_IN_HINT)


def _address(url: str) -> str:
    parts = urlsplit(url)
    pasted = parts.query or parts.fragment or parts.path.endswith(".do")  # the address of a page
    if parts.scheme not in ("http", "https") or not parts.hostname or pasted:
        raise ConfigError("instance_url is not the address of an instance, such as https://acme.service-now.com")
    return url.rstrip("/")
