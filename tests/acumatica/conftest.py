"""The connection to a seeded Acumatica on loopback, and a vault with its refresh token."""

from __future__ import annotations

import pytest
import stamina
from ml_connector.http import Budget
from ml_connector.secrets import Redactor, Secret
from ml_connector.secrets.kept import Kept
from ml_connector.secrets.keys import KEY_FILE_VARIABLE
from ml_connector.secrets.place import VAULT_VARIABLE
from ml_connector.secrets.vault import Vault
from ml_connector.vendors.acumatica.client import open_client
from ml_connector_simulators.acumatica import (
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    REFRESH_TOKEN,
    TENANT,
    USER,
    AcumaticaSimulator,
)
from ml_connector_simulators.kit import running

NAME = "acumatica.refresh_token"
METHODS = ("oauth_password", "oauth_refresh", "cookie")


@pytest.fixture
def sim():
    with running(AcumaticaSimulator()) as simulator:
        yield simulator


@pytest.fixture
def vault(tmp_path):
    environ = {
        VAULT_VARIABLE: str(tmp_path / "vault" / "vault.json"),
        KEY_FILE_VARIABLE: str(tmp_path / "keys" / "key"),
    }
    vault = Vault.find(environ)
    vault.put(NAME, Secret(REFRESH_TOKEN))
    return vault


@pytest.fixture
def kept(vault):
    return Kept(NAME, lambda: vault)


@pytest.fixture
def connect(sim, kept):
    """Return a function that opens a connection; all are signed out at the end."""
    opened = []

    def connect(method="oauth_password", **changes):
        config = {
            "instance_url": sim.url,
            "tenant": TENANT,
            "endpoint": "Default",
            "endpoint_version": "24.200.001",
            "auth_method": method,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "username": USER,
            "password": PASSWORD,
            "refresh_token": REFRESH_TOKEN,
            "request_timeout": 10,
            "patience": 3,
            **changes,
        }
        budget = Budget(max_concurrency=2)
        opened.append(
            open_client(
                config,
                agent="test",
                budget=budget,
                redactor=changes.get("redactor") or Redactor(),
                kept=changes.get("kept", kept),
            )
        )
        return opened[-1]

    yield connect
    for connection in opened:
        connection.sign_out()


@pytest.fixture
def at_once():
    """Retries without their pauses."""
    with stamina.set_testing(True, attempts=50):
        yield
