"""Numbers as Snowflake has them: 38 exact digits, where fakesnow would keep 19, and sums that stay exact."""

from __future__ import annotations

import logging
import warnings

from fakesnow import transforms
from sqlglot import exp

_INTEGERS = {
    exp.DataType.Type.BIGINT,
    exp.DataType.Type.INT,
    exp.DataType.Type.SMALLINT,
    exp.DataType.Type.TINYINT,
}


def exact_integer(expression: exp.Expr) -> exp.Expr:
    """Every integer type, and NUMBER without precision, is NUMBER(38,0)."""
    if not isinstance(expression, exp.DataType):
        return expression
    bare = expression.this == exp.DataType.Type.DECIMAL and not expression.expressions
    if bare or expression.this in _INTEGERS:
        return exp.DataType.build("DECIMAL(38, 0)", dialect="duckdb")
    if expression.this == exp.DataType.Type.DECIMAL and len(expression.expressions) == 1:
        precision = expression.expressions[0].name
        return exp.DataType.build(f"DECIMAL({precision}, 0)", dialect="duckdb")
    return expression


def as_it_is(expression: exp.Expr) -> exp.Expr:
    """Leave a sum alone: fakesnow would add floats."""
    return expression


def install() -> None:
    """Have fakesnow, in this process, use these instead of its own rules."""
    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of every statement it takes for a command
    warnings.filterwarnings("ignore", "Arrow output on a DB-API result", UserWarning)
    transforms.integer_precision = exact_integer
    transforms.numeric_agg_implicit_cast = as_it_is
