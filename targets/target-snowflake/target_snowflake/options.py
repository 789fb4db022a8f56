"""The connection's settings, checked, and what the connector is given for them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from ml_connector.errors import ConfigError

from target_snowflake import auth
from target_snowflake.faults import Place
from target_snowflake.query_tag import DEFAULT_TAG, check_tag, filled_tag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_snowflake.auth import Method

APPLICATION = "ml_connector"
LOOPBACK = ("127.0.0.1", "localhost", "::1")

_LOGIN_SECONDS = 60
_NETWORK_SECONDS = 600
_DOMAIN = re.compile(r"\.(?:privatelink\.)?snowflakecomputing\.(?:com|cn|mil)$", re.IGNORECASE)
_ACCOUNT = re.compile(r"[A-Za-z0-9](?:[\w-]*[A-Za-z0-9])?(?:\.[\w-]+)*")
_PLAIN = re.compile(r"[A-Z_][A-Z0-9_$]*")
_SPLIT_TIMEOUTS = 5  # the connector's version that has one timeout for statements and one for the rest


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """Where to connect to, as whom, and how long to wait. No text form shows a secret."""

    account: str
    method: Method | None
    user: str = ""
    database: str = ""  # the name itself, without quotes
    schema: str = ""
    warehouse: str = ""
    role: str = ""
    host: str = ""
    port: int | None = None
    protocol: str = "https"
    connection_name: str = ""
    query_tag: str = DEFAULT_TAG
    login_timeout: int = _LOGIN_SECONDS
    network_timeout: int = _NETWORK_SECONDS
    _config: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """Return the options of a target's settings.

        Raises:
            ConfigError: Something is missing, contradicts itself, or is not what it should be.
        """
        named = config.get("connection_name") or ""
        options = cls(
            account=_account(config.get("account") or "", config, named),
            method=auth.method_of(config),
            user=config.get("user") or "",
            database=_name("database", config, named),
            schema=_name("schema", config, named),
            warehouse=config.get("warehouse") or "",
            role=config.get("role") or "",
            host=_host(config),
            port=config.get("port"),
            protocol=config.get("protocol") or "https",
            connection_name=named,
            query_tag=check_tag(config.get("query_tag") or DEFAULT_TAG),
            login_timeout=int(config.get("login_timeout") or _LOGIN_SECONDS),
            network_timeout=int(config.get("network_timeout") or _NETWORK_SECONDS),
            _config=config,
        )
        if options.protocol == "http" and options.host not in LOOPBACK:
            raise ConfigError("protocol http is for a fake Snowflake on this machine only. Leave it out.")
        return options

    @property
    def place(self) -> Place:
        """Who signs in where, for errors."""
        return Place(
            account=self.account or self.connection_name,
            user=self.user,
            role=self.role,
            warehouse=self.warehouse,
            database=self.database,
            schema=self.schema,
            method=self.method or "",
        )

    @property
    def address(self) -> tuple[str, int] | None:
        """The host and port that are connected to; None when only connections.toml knows."""
        host = self.host or (f"{self.account}.snowflakecomputing.com" if self.account else "")
        return (host, self.port or 443) if host and "cn-" not in host else None

    def check(self) -> None:
        """Warn of what should be changed, and read every secret's file once. Raises ConfigError."""
        auth.warn(self.method, self._config)
        auth.credentials(self.method, self._config)

    def arguments(self, facts: Mapping[str, str], major: int) -> dict[str, Any]:
        """Return the arguments of `snowflake.connector.connect` for the connector's major version.

        Session parameters go along with the sign-in: a fake Snowflake has no ALTER SESSION, and one round trip is
        saved. Telemetry to Snowflake is off.
        """
        known = {"database": self.database, "schema": self.schema, **facts}
        given = {
            "connection_name": self.connection_name,
            "account": self.account,
            "user": self.user,
            "database": _identifier(self.database),
            "schema": _identifier(self.schema),
            "warehouse": self.warehouse,
            "role": self.role,
            "host": self.host,
            "port": self.port,
        }
        protocol = {"protocol": self.protocol} if self.host or not self.connection_name else {}
        return {
            **{name: value for name, value in given.items() if value},
            **protocol,
            **auth.credentials(self.method, self._config),
            **self._waits(major),
            "application": APPLICATION,
            "autocommit": True,
            "client_session_keep_alive": True,
            "paramstyle": "qmark",
            "session_parameters": {
                "QUERY_TAG": filled_tag(self.query_tag, known),
                "TIMEZONE": "UTC",
                "CLIENT_TELEMETRY_ENABLED": False,
            },
        }

    def _waits(self, major: int) -> dict[str, Any]:
        if major < _SPLIT_TIMEOUTS:
            return {"login_timeout": self.login_timeout, "network_timeout": self.network_timeout}
        return {
            "login_timeout": self.login_timeout,
            "query_timeout": self.network_timeout,
            "request_timeout": self.network_timeout,
            "enable_server_session_keep_alive_auto_detection": True,  # else it warns that its default will change
        }


def _account(given: str, config: Mapping[str, Any], named: str) -> str:
    """Return the account's identifier, also out of its address."""
    if not given:
        if named:
            return ""
        raise ConfigError(
            "set `account`: organization-account, as in https://organization-account.snowflakecomputing.com."
        )
    text = given.strip()
    if "//" in text:
        text = urlsplit(text).hostname or ""
    account = _DOMAIN.sub("", text.rstrip("/"))
    if not _ACCOUNT.fullmatch(account):
        raise ConfigError(f"account {given!r} is not the identifier of an account, such as acme-finance.")
    if account != text and ".privatelink." in text and not config.get("host"):
        raise ConfigError(f"account is the address of a private link: set account to {account} and host to {text}.")
    return account


def _host(config: Mapping[str, Any]) -> str:
    host = (config.get("host") or "").strip()
    if "/" in host or ":" in host.strip("[]").replace("::", ""):
        raise ConfigError("host is a name alone, such as acme.privatelink.snowflakecomputing.com; the port is `port`.")
    return str(host)


def _name(setting: str, config: Mapping[str, Any], named: str) -> str:
    """Return a database's or schema's own name: upper case unless it stands in double quotes."""
    text = (config.get(setting) or "").strip()
    if not text:
        if named:
            return ""
        raise ConfigError(f"set `{setting}`: the {setting} to load into.")
    if text.startswith('"') and text.endswith('"') and len(text) > 2:  # noqa: PLR2004  the quotes
        return str(text[1:-1].replace('""', '"'))
    if '"' in text or "." in text:
        raise ConfigError(f"{setting} is one name, such as FINANCE; it may stand in double quotes as a whole.")
    return str(text.upper())


def _identifier(name: str) -> str:
    """Return a name as the server wants it at sign-in: quoted where it must be."""
    escaped = name.replace('"', '""')
    return name if not name or _PLAIN.fullmatch(name) else f'"{escaped}"'
