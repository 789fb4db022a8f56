"""Every benchmark, one after the other: `make bench`. Ratios within one run; seconds differ from machine to machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import (
    reading,
    tap_acumatica,
    tap_servicenow,
    tap_visma,
    target_acumatica,
    target_servicenow,
    target_snowflake,
)
from bench.calls import tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.calls import Calls

TAPS = (tap_visma, tap_acumatica, tap_servicenow)
TARGETS = (target_servicenow, target_acumatica)


def measured() -> Iterator[Calls]:
    """Measure everything, and yield what it took in requests."""
    for tap in TAPS:
        print(f"\n== {tap.SUBJECT.tap} beside a raw requests+msgspec loop and a stock SDK stream", flush=True)
        yield from reading.main(tap.SUBJECT, ())
    for target in TARGETS:
        print(f"\n== {target.NAME}, way by way", flush=True)
        yield from target.main()
    print("\n== target-snowflake beside MeltanoLabs/target-snowflake and a raw loop, on one fake Snowflake", flush=True)
    yield from target_snowflake.main(())


found = list(measured())
print("\n== Requests per 1,000 records, counted by the servers")
tell(found)
