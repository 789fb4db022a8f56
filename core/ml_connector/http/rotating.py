"""OAuth 2 refresh tokens that are good for one use: every answer brings the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.errors import AuthError
from ml_connector.http.auth import ClientCredentials
from ml_connector.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.secrets.kept import Kept

_SPENT = "invalid_grant"
"""What a server says of a refresh token that it does not take, and not of a wrong client (RFC 6749 §5.2)."""


class RotatingRefresh(ClientCredentials):
    """Exchanges the vault's refresh token; the next one is on the disk before the new access token is used.

    One process at a time: of two that spend the same token, one would lose its authorisation. Before a token is spent
    it is written back as it is, which proves that its successor can be kept.
    """

    grant_type = "refresh_token"

    def __init__(
        self, token_url: str, client_id: str, client_secret: str | Secret, *, kept: Kept, **options: Any
    ) -> None:
        super().__init__(token_url, client_id, client_secret, **options)
        self._kept = kept
        self._current = Secret("")

    def _fields(self) -> dict[str, str]:
        """Add the refresh token to the form."""
        return {**self._extra, "refresh_token": self._current.reveal()}

    def _ask(self) -> Mapping[str, Any]:
        with self._kept.turn() as self._current:
            self._redactor.add(self._current.reveal())
            self._kept.keep(self._current)
            try:
                token = super()._ask()
            except AuthError as error:
                if _SPENT not in str(error):
                    raise
                raise AuthError(f"{error} {self._again}") from None
            if fresh := token.get("refresh_token"):
                self._redactor.add(fresh)
                self._kept.keep(Secret(fresh))
            return token

    @property
    def _again(self) -> str:
        return (
            f"The refresh token {self._kept.name} is used up, expired or revoked: authorise again, then type: "
            f"ml-connector secrets set {self._kept.name}. Nothing else is lost: the next run goes on from its state."
        )
