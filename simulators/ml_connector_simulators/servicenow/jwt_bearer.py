"""Assertions of the JWT bearer grant: read, verified, used once (apis/servicenow.md §1).

Verifying a signature needs `cryptography` (extra `jwt`); everything else of the simulator does without.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec import DecodeError

from ml_connector_simulators.kit import decode_json

if TYPE_CHECKING:
    from ml_connector_simulators.kit import Clock
    from ml_connector_simulators.servicenow.store import Row, Store

KEYS = "jwt_verifier_map"
# Bytes of one half of an ECDSA signature (RFC 7518 §3.4).
CURVE_BYTES = {"ES256": 32, "ES384": 48, "ES512": 66}
ALGORITHMS = {"RS256", "RS384", "RS512", *CURVE_BYTES}


class InvalidAssertionError(Exception):
    """Why an assertion is refused; the caller hears one answer for every cause."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """The parts of one JWT, not yet believed."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes

    @classmethod
    def read(cls, text: str) -> Assertion:
        """Take a compact JWT apart."""
        try:
            header, claims, signature = text.split(".")
            parts = decode_json(_decoded(header)), decode_json(_decoded(claims))
            signed = f"{header}.{claims}".encode()
            read = cls(*parts, signed, _decoded(signature))
        except (ValueError, DecodeError) as error:  # base64's errors are ValueErrors, too
            raise InvalidAssertionError("no JWT") from error
        if not all(isinstance(part, dict) for part in parts):
            raise InvalidAssertionError("no JWT")
        return read


@dataclass
class JwtBearer:
    """Checks assertions against the keys an administrator trusts."""

    store: Store
    clock: Clock
    _used: set[tuple[str, str]] = field(default_factory=set)  # issuer, jti

    def subject(self, assertion: Assertion, client: Row) -> str:
        """The `sub` of an assertion that holds in every respect; its jti counts as used."""
        claims, client_id = assertion.claims, client["client_id"]
        if (claims.get("iss"), claims.get("aud")) != (client_id, client_id):
            raise InvalidAssertionError("iss and aud must be the client id")
        self._verify(assertion, client)
        self._fresh(claims, int(client["clock_skew"]))
        if client["jti_verification"] == "true":
            self._once(client_id, claims.get("jti"))
        return str(claims.get("sub", ""))

    def _verify(self, assertion: Assertion, client: Row) -> None:
        kid, algorithm = assertion.header.get("kid"), assertion.header.get("alg")
        if not kid or algorithm not in ALGORITHMS:
            raise InvalidAssertionError("kid is missing, or alg is none of the supported")
        keys = [row for row in self.store.find(KEYS, client=client["sys_id"]) if row["kid"] == kid]
        if not any(_signed(row["public_key"], str(algorithm), assertion) for row in keys):
            raise InvalidAssertionError("no trusted key made the signature")

    def _fresh(self, claims: dict[str, Any], skew: int) -> None:
        expires = claims.get("exp")
        if not isinstance(expires, int) or expires + skew < self.clock.now().timestamp():
            raise InvalidAssertionError("exp is missing or past")

    def _once(self, issuer: str, jti: object) -> None:
        if not jti or (issuer, str(jti)) in self._used:
            raise InvalidAssertionError("jti is missing or was used before")
        self._used.add((issuer, str(jti)))


def _decoded(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


def _signed(public_key: str, algorithm: str, assertion: Assertion) -> bool:
    """Whether the private half of a PEM key made the signature."""
    # Imported here because nothing else of the simulator needs it.
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils  # noqa: PLC0415

    digests = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
    key, digest = serialization.load_pem_public_key(public_key.encode()), digests[algorithm[2:]]
    try:
        if algorithm in CURVE_BYTES and isinstance(key, ec.EllipticCurvePublicKey):
            half = CURVE_BYTES[algorithm]
            if len(assertion.signature) != 2 * half:
                return False
            numbers = (int.from_bytes(part, "big") for part in (assertion.signature[:half], assertion.signature[half:]))
            key.verify(utils.encode_dss_signature(*numbers), assertion.signed, ec.ECDSA(digest))
        elif algorithm not in CURVE_BYTES and isinstance(key, rsa.RSAPublicKey):
            key.verify(assertion.signature, assertion.signed, padding.PKCS1v15(), digest)
        else:
            return False
    except InvalidSignature:
        return False
    return True
