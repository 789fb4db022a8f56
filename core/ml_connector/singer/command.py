"""What a connector tells at the command line: errors by exit code, checks as JSON lines, logs without secrets."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from singer_sdk.exceptions import ConfigValidationError

from ml_connector.errors import ConfigError, ConnectorError
from ml_connector.secrets import Redactor
from ml_connector.secrets.guard import guard_process

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Iterator

    from ml_connector.delivery.sink import Check


@contextmanager
def told(logger: logging.Logger) -> Iterator[None]:
    """End the process with an error's message and exit code; only what nobody foresaw shows a traceback.

    From here on nothing secret is in what the process logs or writes to stderr, its last traceback included (L10).
    """
    guard_process(Redactor())
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


def tell_checks(checks: Iterable[Check]) -> bool:
    """Print one JSON line per check as it is made; return whether all passed."""
    passed = True
    for check in checks:
        passed &= check.ok
        line = {"name": check.name, "ok": check.ok, "detail": check.detail, "suggestion": check.suggestion}
        click.echo(json.dumps({**line, **check.data}))
    return passed
