"""What our taps and targets share: before anything is done with settings, references are resolved and texts guarded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.plugin_base import PluginBase

from ml_connector.secrets.guard import process_redactor
from ml_connector.secrets.kept import Kept
from ml_connector.secrets.references import name_of, references, resolved, secret_texts

if TYPE_CHECKING:
    from ml_connector.secrets import Redactor
    from ml_connector.secrets.vault import Vault


class Plugin(PluginBase):
    """A tap or a target whose settings may be references, and whose secrets are known before the first is looked at."""

    redactor: Redactor
    """Knows every secret of this process."""

    from_vault: list[str]
    """The settings that came from the vault."""

    _as_set: dict[str, Any]
    """The settings as they were before references were resolved."""

    def kept(self, setting: str) -> Kept | None:
        """Return where the vault keeps a setting, so that a new value can replace it; None when it is no reference."""
        name = name_of(self._as_set.get(setting))
        return Kept(name, _vault) if name else None

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Resolve references, then check the settings; without `raise_errors` nothing is done with their values.

        Raises:
            ConfigError: A reference is to nothing, or the vault does not open.
            ConfigValidationError: A setting is wrong; no secret value is quoted.
        """
        self.append_builtin_config(self.config_jsonschema)
        properties: dict[str, Any] = self.config_jsonschema["properties"]
        self.redactor = process_redactor()
        self.redactor.add(*secret_texts(self._config, properties))
        self.from_vault = references(self._config)
        self._as_set = dict(self._config)
        if raise_errors:
            self._config = resolved(self._config, properties, self.redactor, _vault)
        try:
            return super()._validate_config(raise_errors=raise_errors)
        except ConfigValidationError as error:
            words = [self.redactor.clean(each) for each in error.errors]
            raise ConfigValidationError(str(error), errors=words, schema=error.schema) from None


def _vault() -> Vault:
    from ml_connector.secrets.vault import Vault  # noqa: PLC0415  # most taps need none, and it loads the cipher

    return Vault.find()
