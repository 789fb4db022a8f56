"""The instance's address and credentials → our HTTP client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ml_connector.errors import ConfigError
from ml_connector.http import ApiKey, Basic, Client, ClientCredentials, JwtBearer, PasswordGrant, RefreshToken
from ml_connector.vendors.servicenow.errors import SIGN_IN_HINT, classify

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ml_connector.http import Auth, Budget
    from ml_connector.secrets import Redactor

TOKEN_PATH = "/oauth_token.do"  # noqa: S105  a path
API_KEY_HEADER = "x-sn-apikey"
CONNECT_TIMEOUT = 10.0  # seconds
NEEDED = {
    "client_credentials": ("client_id", "client_secret"),
    "password": ("client_id", "client_secret", "username", "password"),
    "refresh": ("client_id", "client_secret", "refresh_token"),
    "jwt_bearer": ("client_id", "jwt_key", "jwt_kid", "jwt_sub"),
    "basic": ("username", "password"),
    "api_key": ("api_key",),
}


def open_client(config: Mapping[str, Any], *, agent: str, budget: Budget, redactor: Redactor | None = None) -> Client:
    """Return the client for one instance; `agent` is what it calls itself.

    Raises:
        ConfigError: Credentials are not set, or the address is no instance's.
    """
    return Client(
        _address(config["instance_url"]),
        auth=_auth(config),
        classify=classify,
        budget=budget,
        timeout=(CONNECT_TIMEOUT, float(config["request_timeout"])),
        patience=float(config["patience"]),
        headers={"User-Agent": agent},
        redactor=redactor,
    )


def _auth(config: Mapping[str, Any]) -> Auth:
    method = config["auth_method"]
    missing = [name for name in NEEDED[method] if not config.get(name)]
    if missing:
        raise ConfigError(f"auth_method {method} needs {' and '.join(missing)} in the settings")
    given: dict[str, Any] = {name: config[name] for name in NEEDED[method]}
    match method:
        case "basic":
            return Basic(**given)
        case "api_key":
            return ApiKey(API_KEY_HEADER, given["api_key"])
    url = _address(config["instance_url"]) + TOKEN_PATH
    if method == "jwt_bearer":
        key = {"key": given["jwt_key"], "kid": given["jwt_kid"], "subject": given["jwt_sub"]}
        return JwtBearer(url, given["client_id"], config.get("client_secret") or "", **key, hint=SIGN_IN_HINT)
    grants: dict[str, Callable[..., Auth]] = {"password": PasswordGrant, "refresh": RefreshToken}
    return grants.get(method, ClientCredentials)(url, **given, hint=SIGN_IN_HINT)


def _address(url: str) -> str:
    parts = urlsplit(url)
    pasted = parts.query or parts.fragment or parts.path.endswith(".do")  # the address of a page
    if parts.scheme not in ("http", "https") or not parts.hostname or pasted:
        raise ConfigError("instance_url is not the address of an instance, such as https://acme.service-now.com")
    return url.rstrip("/")
