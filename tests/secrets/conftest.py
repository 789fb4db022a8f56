"""A vault in a folder of its own, and ways to look at it as a thief or a careless person would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from ml_connector.secrets import Secret
from ml_connector.secrets.keys import KEY_FILE_VARIABLE
from ml_connector.secrets.place import VAULT_VARIABLE
from ml_connector.secrets.vault import Vault

if TYPE_CHECKING:
    from pathlib import Path

    from ml_connector.secrets.document import Document

VALUES = {"visma.client_secret": "first-hush", "servicenow.password": "second-hush", "store.url": "third-hush"}


@dataclass
class Safe:
    """A vault with three secrets, its key file beside it."""

    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        return {VAULT_VARIABLE: str(self.path), KEY_FILE_VARIABLE: str(self.key_path)}

    @property
    def path(self) -> Path:
        return self.folder / "vault" / "vault.json"

    @property
    def key_path(self) -> Path:
        return self.folder / "keys" / "key"

    @property
    def vault(self) -> Vault:
        """The vault as a process that starts now sees it."""
        return Vault.find(self.environ)

    def values(self) -> dict[str, str]:
        return {name: self.vault.get(name).reveal() for name in self.vault.entries()}

    def rewrite(self, document: Document) -> None:
        """Write a document as somebody would who has the data key."""
        opened = self.vault.open()
        assert opened is not None
        self.path.write_bytes(document.proven(opened.current[1]).text())


@pytest.fixture
def safe(tmp_path: Path) -> Safe:
    made = Safe(tmp_path)
    for name, value in VALUES.items():
        made.vault.put(name, Secret(value))
    return made
