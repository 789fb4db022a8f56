"""Private keys for key pair sign-in: PEM or DER, text or file, encrypted or not, to the DER that the connector takes.

Nothing here puts a key, a passphrase or a part of one into a message.
"""

from __future__ import annotations

import base64
import binascii
import logging
import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)
from ml_connector.errors import ConfigError
from ml_connector.secrets.guard import process_redactor

_PEM = b"-----BEGIN"
_CURVES = frozenset({"secp256r1", "secp384r1", "secp521r1"})  # those the connector signs with
_FEWEST_BITS = 2048
_OTHERS = 0o077
_HOW_TO = (
    "Make one with: openssl genrsa 2048 | openssl pkcs8 -topk8 -v2 aes256 -inform PEM -out rsa_key.p8, and give its "
    "public half to the user with ALTER USER ... SET RSA_PUBLIC_KEY."
)

Key = RSAPrivateKey | EllipticCurvePrivateKey


def key_of_text(text: str, passphrase: str | None) -> bytes:
    """Return the key of the setting `private_key` as unencrypted DER (PKCS #8)."""
    data = text.replace("\\n", "\n").strip().encode()  # environment variables often hold a PEM with written-out \n
    if not data.startswith(_PEM):
        try:
            data = base64.b64decode(b"".join(data.split()), validate=True)
        except (binascii.Error, ValueError):
            raise ConfigError(f"private_key is neither a PEM text nor DER in base64. {_HOW_TO}") from None
    return _der(data, passphrase, "private_key")


def key_of_file(path: str, passphrase: str | None) -> bytes:
    """Return the key of the file that `private_key_path` names as unencrypted DER (PKCS #8)."""
    data = read_secret_file(path, "private_key_path")
    text = data.strip()
    if not text.startswith(_PEM):
        return _der(data, passphrase, f"the file {path} (private_key_path)")
    process_redactor().add(*text.decode(errors="replace").splitlines()[1:-1])
    return _der(text, passphrase, f"the file {path} (private_key_path)")


def read_secret_file(path: str, setting: str) -> bytes:
    """Return a secret's file. Raises ConfigError when it cannot be read; warns when others may read it."""
    file = Path(path).expanduser()
    try:
        data = file.read_bytes()
        mode = file.stat().st_mode
    except OSError as error:
        raise ConfigError(f"the file {file} of {setting} cannot be read: {error.strerror}.") from None
    except ValueError:  # a zero byte: somebody gave the secret itself
        raise ConfigError(f"{setting} is not the name of a file.") from None
    if os.name == "posix" and mode & _OTHERS:
        logging.getLogger(__name__).warning("others may read %s (%s). Type: chmod 600 %s", file, setting, file)
    if not data.strip():
        raise ConfigError(f"the file {file} of {setting} is empty.")
    return data


def _der(data: bytes, passphrase: str | None, what: str) -> bytes:
    load = load_pem_private_key if data.startswith(_PEM) else load_der_private_key
    try:
        key = load(data, passphrase.encode() if passphrase else None)
    except TypeError:  # encrypted and no passphrase, or the other way round
        if passphrase:
            raise ConfigError(f"{what} is not encrypted: leave private_key_passphrase out.") from None
        raise ConfigError(f"{what} is encrypted: set private_key_passphrase.") from None
    except UnsupportedAlgorithm:
        raise ConfigError(f"{what} is of a kind that cannot be read here: use RSA or EC, in PKCS #8.") from None
    except ValueError:
        why = "private_key_passphrase is wrong, or it" if passphrase else "it"
        raise ConfigError(f"{what} cannot be used: {why} is not a private key in PEM or DER. {_HOW_TO}") from None
    if not isinstance(key, Key):
        raise ConfigError(f"{what} is a key of a kind that Snowflake does not take: use RSA or EC. {_HOW_TO}")
    _check_strength(key, what)
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _check_strength(key: Key, what: str) -> None:
    if isinstance(key, EllipticCurvePrivateKey):
        if key.curve.name not in _CURVES:
            raise ConfigError(f"{what} is on the curve {key.curve.name}: use P-256, P-384 or P-521. {_HOW_TO}")
    elif key.key_size < _FEWEST_BITS:
        raise ConfigError(f"{what} has {key.key_size} bits: Snowflake takes {_FEWEST_BITS} or more. {_HOW_TO}")
