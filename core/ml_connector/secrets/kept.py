"""A secret of the vault that its user replaces: a refresh token that is good for one use."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ml_connector.secrets.secret import Secret
    from ml_connector.secrets.vault import Vault


class Kept:
    """One name in the vault, which is opened only when it is asked for."""

    def __init__(self, name: str, vault: Callable[[], Vault]) -> None:
        self.name = name
        self._vault = vault

    @contextmanager
    def turn(self) -> Iterator[Secret]:
        """Hold the secret alone among all processes, and give it as it is now: another run may have replaced it.

        Raises:
            ConfigError: It is not in the vault any more, or the vault does not open.
            EnvironmentFault: Another process has held it for a minute.
        """
        from ml_connector.secrets.files import locked  # noqa: PLC0415  # few taps need it, and it loads a lock library

        vault = self._vault()
        with locked(vault.path.with_name(self.name)):
            yield vault.get(self.name)

    def keep(self, value: Secret) -> None:
        """Replace the secret; when this returns, it is on the disk.

        Raises:
            ConfigError: The vault cannot be written.
        """
        self._vault().put(self.name, value)
