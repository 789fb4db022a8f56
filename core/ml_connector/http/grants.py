"""OAuth 2 grants in which no client secret alone stands for the account: a refresh token, or a signed assertion."""

from __future__ import annotations

import time
import uuid
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ml_connector.errors import ConfigError
from ml_connector.http.auth import ClientCredentials
from ml_connector.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.secrets import Redactor

ASSERTION_LIFE = 120  # seconds; servers allow some minutes of skew, and a short life makes a stolen one worthless
_ALGORITHMS = {"RSA": "RS256", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}


class RefreshToken(ClientCredentials):
    """OAuth 2 refresh token that stays as it is: the answer to it is an access token only."""

    grant_type = "refresh_token"

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: str | Secret,
        *,
        refresh_token: str | Secret,
        **options: Any,
    ) -> None:
        super().__init__(token_url, client_id, client_secret, **options)
        self._refresh_token = Secret.of(refresh_token)

    def watch(self, redactor: Redactor) -> None:
        """Mask the refresh token as well."""
        super().watch(redactor)
        redactor.add(self._refresh_token.reveal())

    def _fields(self) -> dict[str, str]:
        """Add the refresh token to the form."""
        return {**self._extra, "refresh_token": self._refresh_token.reveal()}


class JwtBearer(ClientCredentials):
    """OAuth 2 JWT bearer grant (RFC 7523): an assertion signed with our private key, a new one for every request.

    The kind of the key, a PEM, decides the algorithm. A public client has no secret: leave `client_secret` empty.
    """

    grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer"

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: str | Secret = "",
        *,
        key: str | Secret,
        kid: str,
        subject: str,
        audience: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(token_url, client_id, client_secret, **options)
        self._key = Secret.of(key)
        self._header = {"typ": "JWT", "kid": kid}
        self._claims = {"iss": client_id, "aud": audience or client_id, "sub": subject}

    def watch(self, redactor: Redactor) -> None:
        """Mask the private key as well."""
        super().watch(redactor)
        redactor.add(self._key.reveal())

    def _fields(self) -> dict[str, str]:
        """Add a fresh assertion to the form; its `exp` must be the time of day, the one use of this machine's clock."""
        assertion = self._signed({**self._claims, "exp": int(time.time()) + ASSERTION_LIFE, "jti": uuid.uuid4().hex})
        self._redactor.add(assertion)
        return {**self._extra, "assertion": assertion}

    def _signed(self, claims: Mapping[str, Any]) -> str:
        key = _private_key(self._key.reveal().replace("\\n", "\n"))  # how environment variables write a line's end
        algorithm = _ALGORITHMS[key.curve_name if key.key_type == "EC" else key.key_type]
        header = {**self._header, "alg": algorithm}
        return str(import_module("joserfc.jwt").encode(header, dict(claims), key, algorithms=[algorithm]))


def _private_key(pem: str) -> Any:
    """Return a PEM's key. Raises ConfigError."""
    import_key, not_this = import_module("joserfc.jwk").import_key, import_module("joserfc.errors").JoseError
    for kind in ("RSA", "EC"):
        with suppress(ValueError, not_this):
            key = import_key(pem, kind)
            if key.is_private:
                return key
    raise ConfigError("the key that signs assertions is no PEM of a private RSA or EC key without a passphrase")
