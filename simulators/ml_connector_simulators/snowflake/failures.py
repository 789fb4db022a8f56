"""DuckDB's and fakesnow's errors told with Snowflake's codes and words."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb
import snowflake.connector.errors
from sqlglot.errors import SqlglotError

from ml_connector_simulators.snowflake.errors import StatementError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlglot import exp

_COMPILATION = "SQL compilation error:\n"
_MISSING = "does not exist or not authorized."
_LOCKED = "Statement has locked table in another transaction and this lock has not yet been released."
# What DuckDB says, then Snowflake's code, SQLSTATE and words; {0} is the name that DuckDB tells.
_RULES: tuple[tuple[str, str, str, str], ...] = (
    (r'Referenced (?:column|table) "([^"]+)" not found', "000904", "42000", "invalid identifier '{0}'"),
    (r'does not have a column (?:named|with name) "([^"]+)"', "000904", "42000", "invalid identifier '{0}'"),
    (r"Column with name (\S+) already exists", "001430", "42601", "column '{0}' already exists"),
    (r"with name \"?([^\s\"!]+)\"? already exists", "002002", "42710", "Object '{0}' already exists."),
    (r"No catalog \+ schema named", "002043", "02000", "Object does not exist, or operation cannot be performed."),
    (r"because schema \"([^\"]+)\" does not exist", "002003", "02000", f"Schema '{{0}}' {_MISSING}"),
    (r"Scalar Function with name (\S+) does not exist", "002140", "42601", "Unknown function {0}"),
    (r"(?:Table|View) with name (\S+) does not exist", "002003", "42S02", f"Object '{{0}}' {_MISSING}"),
    (r"(?:Schema|Catalog) [^!]* does not exist", "002003", "02000", f"Object {_MISSING}"),
    (r"NOT NULL constraint failed: (\S+)", "100072", "22000", "NULL result in a non-nullable column"),
    (r"(?i)conflict", "000625", "57014", _LOCKED),
    (r"out of range|Could not cast value|too large to fit", "100039", "22003", "Numeric value is out of range"),
    (r"Malformed JSON", "100069", "22P02", "Error parsing JSON"),
    (
        r"Could not convert string ['\"]([^'\"]*)['\"] to (?:DECIMAL|INT|DOUBLE|HUGEINT)",
        "100038",
        "22018",
        "Numeric value '{0}' is not recognized",
    ),
)


@contextmanager
def refused(expression: exp.Expr | None) -> Iterator[None]:
    """Turn what DuckDB and fakesnow raise into `StatementError`."""
    try:
        yield
    except StatementError:
        raise
    except snowflake.connector.errors.Error as error:
        raise _told(error.__cause__ or error, error) from error
    except duckdb.Error as error:
        raise _told(error, None) from error
    except SqlglotError as error:
        raise StatementError("001003", "42000", _COMPILATION + str(error)) from error
    except (NotImplementedError, AssertionError, AttributeError, LookupError, TypeError, ValueError, OSError) as error:
        # fakesnow's own gaps, told as Snowflake's internal error, because a client retries an HTTP 500 for ever.
        what = "" if expression is None else f" for {expression.sql(dialect='snowflake')[:200]}"
        words = f"the fake Snowflake does not cover this: {type(error).__name__}: {error}{what}"
        raise StatementError("000603", "XX000", f"SQL execution internal error:\n{words}") from error


def _told(cause: BaseException, told: snowflake.connector.errors.Error | None) -> StatementError:
    words = str(cause)
    for pattern, code, sqlstate, message in _RULES:
        if found := re.search(pattern, words):
            name = next((group for group in found.groups() if group), "") if found.groups() else ""
            prefix = _COMPILATION if code.startswith("00") and code != "000625" else ""
            return StatementError(code, sqlstate, f"{prefix}{message.replace('{0}', name)} [{words.splitlines()[0]}]")
    if told is not None:
        code = f"{told.errno:06d}" if told.errno and told.errno > 0 else "000603"
        return StatementError(code, told.sqlstate or "XX000", told.raw_msg or str(told))
    if isinstance(cause, duckdb.ParserException | duckdb.BinderException):
        return StatementError("001003", "42000", _COMPILATION + words)
    return StatementError("000603", "XX000", f"SQL execution internal error:\n{words}")
