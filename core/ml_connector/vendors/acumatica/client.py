"""A tenant's address and credentials → our HTTP client, signed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ml_connector.errors import ConfigError
from ml_connector.http import Budget, Client
from ml_connector.secrets import Secret
from ml_connector.vendors.acumatica.errors import classify
from ml_connector.vendors.acumatica.session import CookieSession, PasswordSession, RefreshSession, Session
from ml_connector.vendors.acumatica.settings import NEEDED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.secrets import Redactor
    from ml_connector.secrets.kept import Kept

CONNECT_TIMEOUT = 10.0  # seconds
BRANCH_HEADER = "PX-CbApiBranch"
ARCHIVE_HEADER = "PX-ApiArchive"


@dataclass(frozen=True, slots=True)
class Connection:
    """A client and the session it works in; who opens one signs out, however the run ends."""

    client: Client
    session: Session

    def sign_out(self) -> None:
        """Give the seat back, if one is held, and close the pooled connections; the client may be used again."""
        self.session.sign_out()
        self.client.close()


def open_client(
    config: Mapping[str, Any],
    *,
    agent: str,
    budget: Budget,
    redactor: Redactor | None = None,
    kept: Kept | None = None,
    headers: Mapping[str, str] | None = None,
) -> Connection:
    """Return the connection of these settings; nothing is sent yet.

    `agent` names the connector to the server; `kept` is where the vault has the refresh token
    (`Plugin.kept("refresh_token")`); `headers` go with every request.

    Raises:
        ConfigError: The address is none, or what `auth_method` needs is not set.
    """
    session = _session(config, kept)
    branch = {BRANCH_HEADER: config["branch"]} if config.get("branch") else {}
    client = Client(
        _address(config),
        auth=session,
        classify=classify,
        budget=budget,
        timeout=(CONNECT_TIMEOUT, float(config["request_timeout"])),
        patience=float(config["patience"]),
        headers={"User-Agent": agent, **branch, **(headers or {})},
        redactor=redactor,
        cookies=session.jar if isinstance(session, CookieSession) else None,
    )
    return Connection(client, session)


def _session(config: Mapping[str, Any], kept: Kept | None) -> Session:
    method, address = config["auth_method"], _address(config)
    if missing := [name for name in NEEDED[method] if not config.get(name)]:
        raise ConfigError(f"auth_method {method} needs {' and '.join(missing)} in the settings")
    if method == "cookie":
        fields = {"name": config["username"], "tenant": config["tenant"], "branch": config.get("branch")}
        return CookieSession(
            address, {name: value for name, value in fields.items() if value}, Secret.of(config["password"])
        )
    application = _application(config)
    if method == "oauth_password":
        return PasswordSession(address, *application, username=config["username"], password=config["password"])
    if kept is None:
        raise ConfigError(
            "`refresh_token` is replaced at every use, so it must be kept in the vault. Type: "
            "ml-connector secrets set acumatica.refresh_token, then set `refresh_token` to "
            "`secret:acumatica.refresh_token`."
        )
    return RefreshSession(address, *application, kept=kept)


def _application(config: Mapping[str, Any]) -> tuple[str, str]:
    """Return client id and secret; the id names the tenant, and nobody would notice another one's records."""
    client_id, tenant = str(config["client_id"]), str(config["tenant"])
    named = client_id.partition("@")[2]
    if named.casefold() != tenant.casefold():
        raise ConfigError(
            f"`client_id` must end in @{tenant}, the tenant of the settings; it ends in @{named}."
            if named
            else f"`client_id` must name the tenant: {client_id[:8]}…@{tenant}."
        )
    return client_id, str(config["client_secret"])


def _address(config: Mapping[str, Any]) -> str:
    url = str(config["instance_url"])
    parts = urlsplit(url)
    pasted = parts.query or parts.fragment or parts.path.endswith(".aspx") or "/entity" in parts.path
    if parts.scheme not in ("http", "https") or not parts.hostname or pasted:
        raise ConfigError("instance_url is not the address of a site, such as https://acme.acumatica.com")
    return url.rstrip("/")
