"""What a connector tells at the command line: errors by exit code, checks as JSON lines, logs without secrets."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from singer_sdk.exceptions import ConfigValidationError

from ml_connector.errors import ConfigError, ConnectorError
from ml_connector.secrets import RedactingFilter, Redactor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ml_connector.delivery.sink import Check


@contextmanager
def told(logger: logging.Logger) -> Iterator[None]:
    """End the process with an error's message and exit code; only what nobody foresaw shows a traceback."""
    try:
        yield
    except ConfigValidationError as error:
        for line in error.errors:
            logger.error("config: %s", line)  # noqa: TRY400
        sys.exit(ConfigError.exit_code)
    except ConnectorError as error:
        logger.error("%s: %s", error.code, error)  # noqa: TRY400
        sys.exit(error.exit_code)
    except BrokenPipeError:
        logger.error("The target has stopped reading; its own log says why.")  # noqa: TRY400
        sys.exit(ConnectorError.exit_code)


def redactor_of(config_jsonschema: Mapping[str, Any], config: Mapping[str, Any]) -> Redactor:
    """Return a redactor that knows every secret setting."""
    properties: Mapping[str, Mapping[str, Any]] = config_jsonschema["properties"]
    secrets = [config.get(name) for name, schema in properties.items() if schema.get("secret")]
    return Redactor(str(value) for value in secrets if value)


def redact_logs(redactor: Redactor) -> None:
    """Keep the redactor's secrets out of everything this process logs, a last traceback included."""
    cleaner = RedactingFilter(redactor)
    for handler in logging.getLogger().handlers:
        handler.addFilter(cleaner)


def tell_checks(checks: Iterable[Check]) -> bool:
    """Print one JSON line per check as it is made; return whether all passed."""
    passed = True
    for check in checks:
        passed &= check.ok
        line = {"name": check.name, "ok": check.ok, "detail": check.detail, "suggestion": check.suggestion}
        click.echo(json.dumps({**line, **check.data}))
    return passed
