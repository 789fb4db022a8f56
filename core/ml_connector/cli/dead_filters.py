"""The options that choose dead letters."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from ml_connector.delivery.work import OPEN_STATES
from ml_connector.store.text import stamp, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class _Ago(click.ParamType[str]):
    """A length of time, told as the moment that long ago."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        parts = re.fullmatch(r"(\d{1,5})([mhdw])", str(value))
        if parts is None:
            self.fail(f"{value!r} is no age; write 30m, 12h, 7d or 2w", param, ctx)
        return stamp(utc_now() - timedelta(**{_UNITS[parts[2]]: int(parts[1])}))


class _Moment(click.ParamType[str]):
    """A day, or a moment of one, in UTC."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no date; write 2026-10-31", param, ctx)
        return stamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def filters(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose dead letters."""
    states = click.Choice([str(state) for state in OPEN_STATES])
    options = (
        click.option("--cause", metavar="NAME", help="Only those with this cause, e.g. does_not_foot."),
        click.option("--pipeline", metavar="NAME", help="Only this pipeline's."),
        click.option("--company", metavar="NAME", help="Only this company's."),
        click.option("--state", type=states, help="Only those in this state."),
        click.option("--record-type", metavar="NAME", help="Only these records, e.g. supplier_invoices."),
        click.option("--older-than", type=_Ago(), metavar="AGE", help="Only those that wait longer: 12h, 7d, 2w."),
        click.option("--since", type=_Moment(), metavar="DATE", help="Only those that wait since then or later."),
    )
    for option in reversed(options):
        function = option(function)
    return function
