"""Bank and personal identifiers in the store: sealed where a record enters it, shown masked to people (L10).

A sealed value is text, `sealed:v1:<data key id>:<base64>`, in the place of the value, bound to the name of its field.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from ml_connector.errors import ConfigError
from ml_connector.secrets.cell import NotOpened
from ml_connector.secrets.document import seal_text, unseal_text
from ml_connector.secrets.guard import process_redactor
from ml_connector.secrets.personal import NESTED, holds_iban, is_personal, personal_among, texts_of
from ml_connector.secrets.redaction import MASK, Redactor
from ml_connector.secrets.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Callable

_SEALED = "sealed:v1:"
_SHORTEST = len(_SEALED)
_STORE = "store"

_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class Sealer:
    """Seals with the vault's data key; the vault is opened, and made, when something is to be sealed or opened."""

    def __init__(self, vault: Vault | None = None) -> None:
        self._vault = vault
        self._current: tuple[str, bytes] | None = None
        self._keys: dict[str, bytes] = {}

    def hide(self, structure: Any) -> Any:
        """Return a JSON structure with its bank and personal identifiers sealed; the structure itself if it has none.

        Raises:
            ConfigError: The vault does not open.
        """
        return _changed(structure, "", self._hidden) if _holds_any(structure) else structure

    def reveal(self, structure: Any) -> Any:
        """Return the structure that `hide` was given; from now on this process says nothing of what was sealed in it.

        Raises:
            ConfigError: A value does not open: another vault, or it has been changed or moved; its field is named.
        """
        return _changed(structure, "", self._revealed)

    def _hidden(self, name: str, value: Any) -> Any:
        if not _is_hidden(name, value):
            return value
        key_id, key = self._current = self._current or self._find().made().current
        self._keys[key_id] = key
        return f"{_SEALED}{key_id}:{seal_text(key, _encode(value), _STORE, name, key_id)}"

    def _revealed(self, name: str, value: Any) -> Any:
        if not is_sealed(value):
            return value
        key_id, _, sealed = value.removeprefix(_SEALED).partition(":")
        try:
            opened = _decode(unseal_text(self._key(key_id), sealed, _STORE, name, key_id))
        except (NotOpened, KeyError):
            raise ConfigError(
                f"the sealed value of {name!r} in the store does not open with the vault {self._find().path} (data key "
                f"{key_id}): another vault, or changed by hand. Type: ml-connector secrets check"
            ) from None
        process_redactor().note(texts_of(opened))
        return opened

    def _key(self, key_id: str) -> bytes:
        if key_id not in self._keys:
            opened = self._find().open()
            self._keys |= opened.keys if opened else {}
        return self._keys[key_id]

    def _find(self) -> Vault:
        self._vault = self._vault or Vault.find()
        return self._vault


def is_sealed(value: Any) -> bool:
    """Return whether this is the text of a sealed value."""
    return isinstance(value, str) and value.startswith(_SEALED)


def masked(structure: Any) -> Any:
    """Return a structure as people may see it: what is sealed, or would be, is `***`."""
    redactor = Redactor()

    def shown(name: str, value: Any) -> Any:
        if is_sealed(value) or _is_hidden(name, value):
            return MASK
        return redactor.clean(value) if isinstance(value, str) else value

    return _changed(structure, "", shown)


def _is_hidden(name: str, value: Any) -> bool:
    """Return whether a value is sealed; empty ones and switches tell nothing of anybody."""
    if isinstance(value, str):
        return (is_personal(name) and value != "") or _looks_hidden(value)
    return is_personal(name) and not isinstance(value, bool) and value not in (None, [], {})


def _looks_hidden(text: str) -> bool:
    """Return whether a text is sealed whatever its field is called; what only looks sealed is sealed, too."""
    return len(text) >= _SHORTEST and (text.startswith(_SEALED) or holds_iban(text))


def _holds_any(structure: Any) -> bool:
    """Return whether anything in it is to be sealed: the one question that every record is asked, so it is quick."""
    is_object = structure.__class__ is dict
    if is_object and any(_is_hidden(name, structure[name]) for name in personal_among(tuple(structure))):
        return True
    for value in structure.values() if is_object else structure if structure.__class__ is list else (structure,):
        if value.__class__ is str:
            if len(value) >= _SHORTEST and _looks_hidden(value):
                return True
        elif value.__class__ in NESTED and _holds_any(value):
            return True
    return False


def _changed(value: Any, name: str, change: Callable[[str, Any], Any]) -> Any:
    """Return a copy with `change(name of the field, value)` done from the outside in; where it acts, it ends there."""
    fresh = change(name, value)
    if fresh is not value:
        return fresh
    if isinstance(value, dict):
        return {each: _changed(inner, each, change) for each, inner in value.items()}
    return [_changed(inner, name, change) for inner in value] if isinstance(value, list) else value
