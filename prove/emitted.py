"""What a tap has written: its records, and whether what it tells of them is true."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ml_connector.singer.totals import STATE_KEY

if TYPE_CHECKING:
    from prove.flow import Ended


def records(lines: str) -> frozenset[str]:
    """Return the records of a stream, without when they were extracted."""
    found = (line for line in lines.splitlines() if '"type":"RECORD"' in line[:20])
    return frozenset(line.split(',"time_extracted"')[0] for line in found)


def newest_state(lines: str) -> str:
    """Return the last STATE of a stream, as a tap takes it; empty without one."""
    states = [line for line in lines.splitlines() if line.startswith('{"type":"STATE"')]
    return json.dumps(json.loads(states[-1])["value"]) if states else ""


def conserved(ended: Ended) -> list[str]:
    """Compare what the tap's last STATE tells with the records it wrote (L8)."""
    states = [line for line in ended.out.splitlines() if line.startswith('{"type":"STATE"')]
    if not states:
        return [] if ended.code else ["it told no totals"]
    told = []
    for name, totals in json.loads(states[-1])["value"].get(STATE_KEY, {}).get("streams", {}).items():
        emitted = sum(f'"type":"RECORD","stream":"{name}"' in line[:60] for line in ended.out.splitlines())
        dropped = sum(map(int, totals["dropped"].values()))
        if int(totals["emitted"]) != emitted:
            told.append(f"{name}: it tells {totals['emitted']} records and wrote {emitted}")
        if totals["complete"] and int(totals["fetched"]) != emitted + dropped:
            told.append(f"{name}: it read {totals['fetched']}, wrote {emitted} and dropped {dropped}")
    return told
