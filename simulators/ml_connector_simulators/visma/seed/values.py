"""Amounts and times the way Visma writes them."""

from __future__ import annotations

import base64
import hashlib
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

_FOUR_PLACES = Decimal("0.0001")
_CENT = Decimal("0.01")


def amount(value: Decimal | int | str) -> Decimal:
    """A number with four decimal places, as Visma sends them (`1234.7700`)."""
    return Decimal(value).quantize(_FOUR_PLACES)


def cents(value: Decimal) -> Decimal:
    """Rounded to the currency's precision, half up as the books do."""
    return value.quantize(_CENT, ROUND_HALF_UP)


def day(value: date) -> str:
    """A date as Visma writes it: midnight, without a zone."""
    return f"{value.isoformat()}T00:00:00"


def instant(value: datetime) -> str:
    """A time as Visma writes it: no zone, up to three decimals, trailing zeros dropped (apis/visma.md §3.2)."""
    text = value.replace(tzinfo=None).isoformat(timespec="milliseconds")
    return text.rstrip("0").rstrip(".") if "." in text else text


def office_hours(on: date, chance: random.Random) -> datetime:
    """Some working moment of a day."""
    return datetime.combine(
        on,
        time(chance.randrange(8, 17), chance.randrange(60), chance.randrange(60), chance.randrange(1000) * 1000),
    )


def row_version(content: bytes) -> str:
    """The base64 of an eight-byte version, the shape of `timeStamp` and `ETag`."""
    return base64.b64encode(hashlib.blake2b(content, digest_size=8).digest()).decode()


def periods(on: date) -> dict[str, str]:
    """The two spellings of a date's period: `postPeriod` MMYYYY and `financialPeriod` YYYYPP."""
    return {"postPeriod": f"{on:%m%Y}", "financialPeriod": f"{on:%Y%m}"}
