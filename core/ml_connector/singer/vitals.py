"""The part of `--ping` that is the same for every connector: the connection's state, and the vault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.delivery.sink import Check

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ml_connector.http import Client

WIDEST = 60.0
"""Seconds between two clocks beyond which `ping` warns."""

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0
_FEW = 0.1  # of a rate limit


def vitals(client: Client) -> Iterator[Check]:
    """Yield what the answers so far told: ask once the other checks are made."""
    gauge = client.gauge
    if gauge.latency is not None:
        milliseconds = round(gauge.latency * 1000)
        told = {"milliseconds": milliseconds, "calls": gauge.calls}
        yield Check("latency", ok=True, detail=f"{milliseconds} ms, the median of {_calls(gauge.calls)}", data=told)
    yield _token(client.token_seconds)
    yield _rate_limit(client)
    yield _clock(gauge.skew)


def _calls(count: int) -> str:
    return f"{count} call{'' if count == 1 else 's'}"


def _token(seconds: float | None) -> Check:
    if seconds is None:
        return Check("token", ok=True, detail="the credentials do not expire by the hour", data={"seconds_left": None})
    return Check("token", ok=True, detail=f"token good for {duration(seconds)}", data={"seconds_left": round(seconds)})


def _rate_limit(client: Client) -> Check:
    found, own = client.gauge.rate_limit, client.budget.max_per_hour
    data: dict[str, Any] = {"limit": None, "remaining": None, "resets_in": None, "own_limit": own}
    ours = f"; we ask for at most {own:,} an hour ourselves" if own else ""
    if found is None:
        return Check("rate limit", ok=True, detail=f"the server tells of none{ours}", data=data)
    resets = None if found.resets_in is None else round(found.resets_in)
    data |= {"limit": found.limit, "remaining": found.remaining, "resets_in": resets}
    left = "the server does not say how many are left" if found.remaining is None else f"{found.remaining:,} left"
    until = "" if resets is None else f", counted anew in {duration(resets)}"
    few = found.remaining is not None and found.remaining < found.limit * _FEW
    data["warning"] = few
    advice = "Wait for the reset, or ask the vendor for more." if few else ""
    return Check(
        "rate limit", ok=True, detail=f"{found.limit:,} calls, {left}{until}{ours}", suggestion=advice, data=data
    )


def _clock(skew: float | None) -> Check:
    if skew is None:
        return Check("clock", ok=True, detail="the server tells no time", data={"skew_seconds": None})
    off = abs(skew) > WIDEST
    data = {"skew_seconds": round(skew, 1), "warning": off}
    if not off:
        return Check("clock", ok=True, detail=f"agrees with the server's within {WIDEST:.0f} seconds", data=data)
    words = f"this machine's clock is {duration(abs(skew))} {'behind' if skew > 0 else 'ahead of'} the server's"
    return Check("clock", ok=True, detail=words, suggestion="Set it by a time server (NTP).", data=data)


def duration(seconds: float) -> str:
    """Return a time span in its largest whole unit: `59 minutes`."""
    for name, size in (("day", _DAY), ("hour", _HOUR), ("minute", _MINUTE), ("second", 1.0)):
        count = int(seconds // size)
        if count >= (2 if name in ("day", "hour") else 1):
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "less than a second"


def vault_check(settings: Sequence[str]) -> Iterator[Check]:
    """Tell which settings come from the vault: they did, or the process would not have got here."""
    if settings:
        names = ", ".join(settings)
        words = f"{len(settings)} setting{'' if len(settings) == 1 else 's'} from the vault: {names}"
        yield Check("vault", ok=True, detail=words, data={"settings": list(settings)})
