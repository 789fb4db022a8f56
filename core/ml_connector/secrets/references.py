"""References: a setting that says `secret:visma.client_secret` gets its value from the vault, in the process itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ml_connector.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ml_connector.secrets.redaction import Redactor
    from ml_connector.secrets.vault import Vault

REFERENCE = "secret:"


def resolved(
    settings: Mapping[str, Any], properties: Mapping[str, Any], redactor: Redactor, vault: Callable[[], Vault]
) -> dict[str, Any]:
    """Return settings with the vault's values in place of references, in lists and objects too; all are masked now.

    `properties` are the settings' JSON schemas: a value that is not text there (a number, a list) is JSON in the vault.

    Raises:
        ConfigError: A reference is to nothing, or the vault does not open.
    """
    if not _refers(settings):
        return dict(settings)
    opened = vault()

    def value_of(path: str, text: str) -> str:
        try:
            value = opened.get(text.removeprefix(REFERENCE)).reveal()
        except ConfigError as error:
            name = text.removeprefix(REFERENCE)
            raise ConfigError(f"the setting `{path}` takes {name} from the vault: {error}") from None
        redactor.add(value)
        return value

    found = {name: _replaced(value, name, value_of) for name, value in settings.items()}
    return {
        name: _typed(name, value, properties.get(name, {})) if _is_reference(settings[name]) else value
        for name, value in found.items()
    }


def name_of(value: Any) -> str | None:
    """Return the name in the vault that a setting refers to; None when it is no reference."""
    return value.removeprefix(REFERENCE) if _is_reference(value) else None


def references(settings: Mapping[str, Any]) -> list[str]:
    """Return the settings whose values, or parts of them, are references."""
    return [name for name, value in settings.items() if _refers(value)]


def secret_texts(settings: Mapping[str, Any], properties: Mapping[str, Any]) -> list[str]:
    """Return every text in the settings that are secret, and in those nobody knows: a misspelt one may be."""
    secret = {
        name: value for name, value in settings.items() if name not in properties or properties[name].get("secret")
    }
    return [text for text in _texts(secret) if not text.startswith(REFERENCE)]


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return [text for each in inner for text in _texts(each)]
    return [] if value is None or isinstance(value, bool) else [str(value)]


def _is_reference(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(REFERENCE)


def _refers(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_refers, value.values() if isinstance(value, dict) else value))
    return _is_reference(value)


def _replaced(value: Any, path: str, value_of: Callable[[str, str], str]) -> Any:
    if isinstance(value, dict):
        return {name: _replaced(inner, f"{path}.{name}", value_of) for name, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, f"{path}[{place}]", value_of) for place, inner in enumerate(value)]
    return value_of(path, value) if _is_reference(value) else value


def _typed(name: str, text: Any, schema: Mapping[str, Any]) -> Any:
    """Return a value of the vault as the setting's type wants it."""
    kinds = schema.get("type", "string")
    if "string" in ([kinds] if isinstance(kinds, str) else kinds):
        return text
    try:
        return json.loads(text)
    except ValueError:
        wanted = kinds if isinstance(kinds, str) else kinds[0]
        raise ConfigError(f"the setting `{name}` is a {wanted}; its value in the vault is not one in JSON.") from None
