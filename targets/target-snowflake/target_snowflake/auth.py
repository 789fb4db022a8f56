"""Credentials: which of the ways to sign in is meant, and what the connector is given for it.

Kinds and names of the connector's arguments: apis/snowflake.md §2 (seen to work against the fake server with connectors
4.8.1 and 5.2.0) and §6. Files are read here, not by the connector, so that what is in them is masked everywhere.
"""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ml_connector.errors import ConfigError
from ml_connector.secrets.guard import process_redactor

from target_snowflake.private_key import key_of_file, key_of_text, read_secret_file

if TYPE_CHECKING:
    from collections.abc import Mapping


class Method(StrEnum):
    """The ways to sign in."""

    KEY_PAIR = "key_pair"
    ACCESS_TOKEN = "programmatic_access_token"  # noqa: S105  a name
    OAUTH_TOKEN = "oauth_token"  # noqa: S105  a name
    OAUTH_CLIENT = "oauth_client_credentials"
    PASSWORD = "password"  # noqa: S105  a name
    WORKLOAD_IDENTITY = "workload_identity"


PASSWORDS_END = (
    "signing in to Snowflake with a password: Snowflake ends single-factor passwords for service users (from October "
    "2026 they are refused). Use a key pair (private_key) or a programmatic access token (token) instead."
)

_KEY = ("private_key", "private_key_path")
_TOKEN = ("token", "token_path")
_OAUTH = ("oauth_client_id", "oauth_client_secret")
_PHRASE = "private_key_passphrase"

_SIGNS = (  # what is set tells the method; a token is looked at last, since others use one, too
    (Method.KEY_PAIR, _KEY),
    (Method.OAUTH_CLIENT, _OAUTH),
    (Method.WORKLOAD_IDENTITY, ("workload_identity_provider",)),
    (Method.PASSWORD, ("password",)),
    (Method.ACCESS_TOKEN, _TOKEN),
)
_USES = {
    Method.KEY_PAIR: (*_KEY, _PHRASE),
    Method.ACCESS_TOKEN: _TOKEN,
    Method.OAUTH_TOKEN: _TOKEN,
    Method.OAUTH_CLIENT: (*_OAUTH, "oauth_token_request_url", "oauth_scope"),
    Method.PASSWORD: ("password",),
    Method.WORKLOAD_IDENTITY: ("workload_identity_provider", *_TOKEN),
}
_AUTHENTICATORS = {
    Method.KEY_PAIR: "SNOWFLAKE_JWT",
    Method.ACCESS_TOKEN: "PROGRAMMATIC_ACCESS_TOKEN",
    Method.OAUTH_TOKEN: "oauth",
    Method.OAUTH_CLIENT: "OAUTH_CLIENT_CREDENTIALS",
    Method.PASSWORD: "snowflake",
    Method.WORKLOAD_IDENTITY: "WORKLOAD_IDENTITY",
}
_NEEDS_USER = (Method.KEY_PAIR, Method.PASSWORD)
_EVERY = sorted({name for names in _USES.values() for name in names})


def method_of(config: Mapping[str, Any]) -> Method | None:
    """Return how to sign in; None when nothing is set and a connection of connections.toml says it.

    Raises:
        ConfigError: Nothing is set, or settings of two ways are.
    """
    if given := config.get("auth_method"):
        return _checked(Method(given), config)
    found = {method: names for method, signs in _SIGNS if (names := _set(config, signs))}
    if Method.WORKLOAD_IDENTITY in found:  # its token is no way of its own
        found.pop(Method.ACCESS_TOKEN, None)
    if len(found) > 1:
        named = " and ".join(names[0] for names in found.values())
        raise ConfigError(f"{named} are set, which are different ways to sign in. Leave one, or set auth_method.")
    if found:
        return _checked(next(iter(found)), config)
    if config.get("connection_name"):
        return None
    raise ConfigError(
        "nothing is set to sign in to Snowflake with. Set private_key or private_key_path (key pair), or token or "
        "token_path (programmatic access token)."
    )


def _checked(method: Method, config: Mapping[str, Any]) -> Method:
    """Return the method when all it needs is there, once."""
    if method in _NEEDS_USER and not config.get("user") and not config.get("connection_name"):
        raise ConfigError(f"auth_method {method} needs `user`, too.")
    match method:
        case Method.KEY_PAIR:
            _one_of(_KEY, method, config)
        case Method.ACCESS_TOKEN | Method.OAUTH_TOKEN:
            _one_of(_TOKEN, method, config)
        case Method.OAUTH_CLIENT:
            _all_of((*_OAUTH, "oauth_token_request_url"), method, config)
        case Method.WORKLOAD_IDENTITY:
            _all_of(("workload_identity_provider",), method, config)
            if config["workload_identity_provider"] == "OIDC":
                _one_of(_TOKEN, method, config)
        case _:
            _all_of(("password",), method, config)
    return method


def _one_of(names: tuple[str, str], method: Method, config: Mapping[str, Any]) -> None:
    found = _set(config, names)
    if not found:
        raise ConfigError(f"auth_method {method} needs {names[0]} or {names[1]}.")
    if len(found) > 1:
        raise ConfigError(f"{names[0]} and {names[1]} are both set. Leave one of them.")


def _all_of(names: tuple[str, ...], method: Method, config: Mapping[str, Any]) -> None:
    missing = [name for name in names if not config.get(name)]
    if missing:
        raise ConfigError(f"auth_method {method} needs {' and '.join(missing)}, too.")


def _set(config: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    return [name for name in names if config.get(name)]


def warn(method: Method | None, config: Mapping[str, Any]) -> None:
    """Log what is not wrong but should be changed: a password, settings that nobody uses."""
    log = logging.getLogger(__name__)
    if method is Method.PASSWORD:
        log.warning(PASSWORDS_END)
    if method is not None and (idle := [name for name in _set(config, tuple(_EVERY)) if name not in _USES[method]]):
        log.warning("signing in with %s: %s is set and not used; remove it", method, ", ".join(idle))


def credentials(method: Method | None, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the connector's arguments for signing in; files are read now."""
    if method is None:
        return {}
    given: dict[str, Any] = {"authenticator": _AUTHENTICATORS[method]}
    if method is Method.KEY_PAIR:
        given["private_key"] = _private_key(config)
    elif _set(config, _TOKEN) and _TOKEN[0] in _USES[method]:
        given["token"] = _token(config)
    return given | {name: config[name] for name in _set(config, _USES[method]) if name not in (*_KEY, *_TOKEN, _PHRASE)}


def _private_key(config: Mapping[str, Any]) -> bytes:
    passphrase = config.get(_PHRASE)
    if text := config.get("private_key"):
        return key_of_text(text, passphrase)
    return key_of_file(config["private_key_path"], passphrase)


def _token(config: Mapping[str, Any]) -> str:
    text = config.get("token") or read_secret_file(config["token_path"], "token_path").decode(errors="replace")
    token: str = text.strip()
    process_redactor().add(token)
    return token
