"""What a map expression may do: its operators and functions, all null-safe, exact, and bounded.

Null rules, the same everywhere: arithmetic and functions of one value give null for null; `==` and `!=` treat null
as a value; `<`, `<=`, `>`, `>=` with null are false; looking something up in null gives null; a list that is null
is empty; `sum`, `min`, `max`, `len`, `first` and `concat` pass over nulls.
"""

from __future__ import annotations

import hashlib
import operator
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ml_connector.finance import kinds, money
from ml_connector.finance.segments import segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

MAX_TEXT = 20_000


def _exact(name: str, operation: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Any, Any], Decimal | None]:
    def apply(left: Any, right: Any) -> Decimal | None:
        if left is None or right is None:
            return None
        return operation(_operand(left), _operand(right))

    apply.__name__ = name
    return apply


def _operand(value: Any) -> Decimal:
    if isinstance(value, str):
        raise TypeError(f"{value[:40]!r} is a text, not a number; number() reads one from a text")
    return money.number(value)


subtract = _exact("subtract", money.EXACT.subtract)
multiply = _exact("multiply", money.EXACT.multiply)
divide = _exact("divide", money.QUOTIENT.divide)
_add_numbers = _exact("add", money.EXACT.add)


def add(left: Any, right: Any) -> Any:
    """Add two numbers, or join two texts."""
    if isinstance(left, str) and isinstance(right, str):
        return _bounded(left + right)
    return _add_numbers(left, right)


def negate(value: Any) -> Decimal | None:
    """Return the number with its sign turned."""
    return None if value is None else money.EXACT.minus(_operand(value))


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def apply(left: Any, right: Any) -> bool:
        return left is not None and right is not None and compare(left, right)

    return apply


less, less_or_equal = _ordered(operator.lt), _ordered(operator.le)
greater, greater_or_equal = _ordered(operator.gt), _ordered(operator.ge)


def contains(value: Any, container: Any) -> bool:
    """Whether `value` is in a list, among the keys of an object, or a part of a text."""
    if container is None or (isinstance(container, str) and value is None):
        return False
    return value in container


def get(value: Any, name: str) -> Any:
    """Return a field of an object, null when the object or the field is missing: never an attribute of Python."""
    if isinstance(value, dict):
        return value.get(name)
    if value is None:
        return None
    raise TypeError(f".{name}: a {type(value).__name__} has no fields")


def item(value: Any, key: Any) -> Any:
    """Return an object's field by a computed name, or a list's item by its position from 0; null when missing."""
    if value is None or key is None:
        return None
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list | tuple):
        position = int(money.number(key))
        return value[position] if 0 <= position < len(value) else None
    raise TypeError(f"[…]: a {type(value).__name__} has no items")


def items(value: Any) -> Iterable[Any]:
    """Return the items of a list; null is an empty one."""
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        return value
    raise TypeError(f"a {type(value).__name__} is not a list")


def _given(values: tuple[Any, ...]) -> Iterable[Any]:
    candidates = items(values[0]) if len(values) == 1 and isinstance(values[0], list | tuple) else values
    return (value for value in candidates if value is not None)


def _bounded(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise ValueError(f"a text grew over {MAX_TEXT} characters")
    return text


def _sum(values: Any) -> Decimal:
    result = Decimal(0)
    for value in items(values):
        if value is not None:
            result = money.EXACT.add(result, _operand(value))
    return result


def _min(*values: Any) -> Any:
    return min(_given(values), default=None)


def _max(*values: Any) -> Any:
    return max(_given(values), default=None)


def _first(*values: Any) -> Any:
    for value in _given(values) if len(values) == 1 else values:
        if value is not None:
            return value
    return None


def _concat(*values: Any) -> str:
    return _bounded("".join(_text(value) or "" for value in _given(values)))


def _len(value: Any) -> Decimal | None:
    if isinstance(value, str):
        return Decimal(len(value))
    return Decimal(sum(each is not None for each in items(value)))


def _abs(value: Any) -> Decimal | None:
    return None if value is None else money.EXACT.abs(_operand(value))


def _round_money(value: Any, currency: Any) -> Decimal | None:
    return None if value is None else money.round_money(_operand(value), kinds.to_text(currency))


def _number(value: Any) -> Decimal | None:
    return None if value is None or value == "" else money.EXACT.plus(money.number(value))


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return kinds.to_text(value)


def _upper(value: Any) -> str | None:
    text = _text(value)
    return None if text is None else text.upper()


def _lower(value: Any) -> str | None:
    text = _text(value)
    return None if text is None else text.lower()


def _fingerprint(value: Any) -> str | None:
    """Return 12 characters that tell a text from others, for a reference that must be short."""
    text = _text(value)
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()[:12]


def _segment(code: Any, number: Any, separator: Any, mask: Any = None) -> str | None:
    text = _text(code)
    if text is None or number in (None, ""):
        return None
    return segment(text, int(money.number(number)), _text(separator) or "", _text(mask))


def _date(value: Any) -> date | None:
    return None if value is None else kinds.to_date(value)


#: Function → (implementation, fewest arguments, most arguments).
FUNCTIONS: Mapping[str, tuple[Callable[..., Any], int, int]] = MappingProxyType(
    {
        "sum": (_sum, 1, 1),
        "min": (_min, 1, 20),
        "max": (_max, 1, 20),
        "first": (_first, 1, 20),
        "concat": (_concat, 1, 20),
        "len": (_len, 1, 1),
        "abs": (_abs, 1, 1),
        "round_money": (_round_money, 2, 2),
        "number": (_number, 1, 1),
        "text": (_text, 1, 1),
        "upper": (_upper, 1, 1),
        "lower": (_lower, 1, 1),
        "date": (_date, 1, 1),
        "fingerprint": (_fingerprint, 1, 1),
        "segment": (_segment, 3, 4),
    }
)

#: The operators a compiled expression calls, under the names the compiler gives them.
OPERATORS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {each.__name__: each for each in (add, subtract, multiply, divide, negate, contains, get, item, items)}
    | {"less": less, "less_or_equal": less_or_equal, "greater": greater, "greater_or_equal": greater_or_equal}
)
