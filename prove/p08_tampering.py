"""Whoever edits the books behind the program's back is found, and it is said where."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

from ml_connector.audit.check import check_export, check_store
from ml_connector.audit.export import export
from ml_connector.store import open_store

from prove.proof import Proof, Size, histogram
from prove.tampering import KINDS, Books, rewrite, truncate
from prove.victim import build

if TYPE_CHECKING:
    from pathlib import Path

    from ml_connector.audit.findings import Report

    from prove.tampering import Place

NUMBER = 8
TITLE = "Tampering with the trail"
_TIMES = {Size.SHORT: 60, Size.FULL: 1000}
_AGAINST_HEAD = {Size.SHORT: 10, Size.FULL: 200}
_ON_EXPORT = {Size.SHORT: 10, Size.FULL: 200}


def run(size: Size, seed: int, folder: Path) -> Proof:
    """Tamper with copies of a store that real runs have written, and verify each."""
    proof, chance = Proof(NUMBER, TITLE), random.Random(seed)
    store = build(folder)
    _untouched(proof, store)
    found: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for number in range(_TIMES[size]):
        kind = list(KINDS)[number % len(KINDS)]
        place, report = _tamper(store, kind, chance)
        right = any(place.holds(finding) for finding in report.findings)
        (found if right else missed)[kind] += 1
        proof.require(right, f"{kind} at {place}: {[f.words for f in report.findings][:3] or 'not found'}")
    proof.numbers |= {"tamperings": _TIMES[size], "found, with the right place": sum(found.values())}
    _against_head(proof, store, _AGAINST_HEAD[size], chance)
    _on_export(proof, store, _ON_EXPORT[size], chance)
    proof.require_work("events", "found, with the right place", "rewrites found", "edits of the export found")
    proof.details = histogram(found)
    return proof


def _untouched(proof: Proof, path: Path) -> None:
    report = _verify(path)
    proof.numbers |= {"runs": report.runs, "events": report.events, "deliveries": report.deliveries}
    proof.numbers["purged events"] = report.purged
    proof.require(report.valid, f"what nobody touched is called broken: {report.findings[:3]}")
    proof.require_work("purged events")


def _verify(path: Path, head: Any = None) -> Report:
    store = open_store(f"sqlite:///{path}")
    try:
        with store.reading() as connection:
            return check_store(connection, head=head)
    finally:
        store.close()


def _copy(path: Path) -> Path:
    copy = path.with_name("copy.db")
    for beside in (copy.with_name("copy.db-wal"), copy.with_name("copy.db-shm")):
        beside.unlink(missing_ok=True)
    shutil.copy(path, copy)
    return copy


def _tamper(path: Path, kind: str, chance: random.Random) -> tuple[Place, Report]:
    copy = _copy(path)
    with closing(sqlite3.connect(copy)) as connection:
        place = KINDS[kind](Books(connection, chance))
        connection.commit()
    return place, _verify(copy)


def _against_head(proof: Proof, path: Path, times: int, chance: random.Random) -> None:
    """Cut off the end, and write everything anew with right hashes: only a head that was kept elsewhere tells."""
    headed = path.with_name("headed.db")
    shutil.copy(path, headed)
    store = open_store(f"sqlite:///{headed}")
    head = export(store, f"sqlite:///{headed}", path.with_name("kept.jsonl"))
    store.close()
    proof.require(_verify(headed, head).valid, "the head is not found in the store it was exported from")
    for name, attack in (("rewrites", rewrite), ("truncations", truncate)):
        unseen = found = 0
        for _ in range(times):
            copy = _copy(headed)
            with closing(sqlite3.connect(copy)) as connection:
                attack(Books(connection, chance))
                connection.commit()
            unseen += _verify(copy).valid
            found += not _verify(copy, head).valid and not _verify(copy, head.head).valid
        proof.numbers |= {name: times, f"{name} that the chain alone lets pass": unseen, f"{name} found": found}
        proof.require(found == times, f"{times - found} {name} not found against the head")
        proof.require(unseen > 0, f"no {name} were good enough to need the head")


def _on_export(proof: Proof, path: Path, times: int, chance: random.Random) -> None:
    """Change, take away or swap lines of an exported file."""
    url, original = f"sqlite:///{_copy(path)}", path.with_name("export.jsonl")
    store = open_store(url)
    head = export(store, url, original)
    store.close()
    proof.require(check_export(original, head).valid, "the export that nobody touched is called broken")
    edited, found = path.with_name("edited.jsonl"), 0
    for _ in range(times):
        edited.write_bytes(b"".join(_spoilt(original.read_bytes().splitlines(keepends=True), chance)))
        found += not check_export(edited, head.head).valid
    proof.numbers |= {"edits of the export": times, "edits of the export found": found}
    proof.require(found == times, f"{times - found} edits of the export not found")


def _spoilt(lines: list[bytes], chance: random.Random) -> list[bytes]:
    at = chance.randrange(1, len(lines))
    match chance.randrange(3):
        case 0:
            del lines[at]
        case 1:
            line = json.loads(lines[at])
            name = chance.choice([each for each in line if each != "type" and line[each] is not None])
            line[name] = line[name] + 1 if isinstance(line[name], int) else f"{line[name]}0"
            lines[at] = json.dumps(line).encode() + b"\n"
        case _:
            lines.insert(at, lines[chance.randrange(1, len(lines))])
    return lines
