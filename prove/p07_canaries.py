"""Proof 7: canary secrets and bank numbers in every setting and field, and every kind of failure; seen nowhere."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import TYPE_CHECKING

from prove import broken_vault
from prove.canaries import Search
from prove.child import Nursery
from prove.misfortunes import MISFORTUNES, bad_line
from prove.proof import Proof, Size, histogram
from prove.stage import Stage, staged

if TYPE_CHECKING:
    from pathlib import Path

    from prove.child import Case, Told

NUMBER = 7
TITLE = "No secret, bank or personal identifier gets out, and a vault that was touched stays shut"
PROCESSES = {Size.SHORT: 60, Size.FULL: 1060}
OURS = ("in", "tap.json", "target.json", "tap-case.json", "target-case.json")
"""Files of the proof itself, where canaries belong: what goes into a process."""


def run(size: Size, seed: int, folder: Path) -> Proof:
    """Fail in every way, and search everything that is left."""
    proof, search, chance = Proof(NUMBER, TITLE), Search(), random.Random(seed)
    codes: Counter[str] = Counter()
    with staged(folder / "stage", chance) as stage:
        search.learn(stage.canaries)
        kinds = _kinds(size, chance)
        nursery = Nursery()
        for number, kind in enumerate(kinds):
            case = MISFORTUNES[kind][0](stage)
            told = nursery.run(case, stage.flow.folder)
            stage.visma.faults.clear()
            stage.servicenow.faults.clear()
            codes[f"{case.kind}, exit code {told.code}"] += 1
            proof.require(told.code is not None, f"{case.kind} hung")
            _search(search, f"failure {number} ({case.kind})", case, told)
        looks = sum(count for name, count in codes.items() if name == "a look at what waits, exit code 0")
        proof.numbers |= {"failures": len(kinds) - looks, "processes": len(kinds), "kinds of failure": len(set(kinds))}
        _use(proof, search, stage)
        _look_around(search, stage.folder / "project")
        proof.numbers |= _store_counts(stage)
    proof.numbers |= {
        "canaries": len(stage.canaries),
        "shapes looked for": search.shapes,
        "places searched": search.places,
        "bytes searched": search.searched,
        "hits": len(search.hits),
    }
    proof.failures += search.hits[:20]
    broken_vault.attack(proof, folder / "vault", chance)
    proof.require_work("failures", "places searched", "sealed values in the store")
    proof.details = histogram(dict(sorted(codes.items())))
    return proof


def _kinds(size: Size, chance: random.Random) -> list[str]:
    """Return the kinds of failure in turn: input first, so that there is something to look at, then any."""
    shares = [name for name, (_, share) in MISFORTUNES.items() for _ in range(share)]
    rest = [*MISFORTUNES, *chance.choices(shares, k=PROCESSES[size] - len(MISFORTUNES) - 6)]
    chance.shuffle(rest)
    return ["refused_record"] * 6 + rest


def _search(search: Search, where: str, case: Case, told: Told) -> None:
    """Search what a process said. A tap's records are what it is for; its STATE and all else is searched."""
    out = told.out
    if case.entry == "tap":
        out = b"\n".join(line for line in out.splitlines() if not line.startswith(b'{"type":"RECORD"'))
    search.look(f"{where} stdout", out)
    search.look(f"{where} stderr", told.err)


def _look_around(search: Search, project: Path) -> None:
    """Search every file that was left: the store with its log, exports, reports, logs, the vault."""
    for path in sorted(project.rglob("*")):
        if path.is_file() and path.name not in OURS:
            search.look(str(path.relative_to(project)), path.read_bytes())


def _use(proof: Proof, search: Search, stage: Stage) -> None:
    """See that the canaries really were used: vendors and lines have them."""
    nursery = Nursery()
    lines = stage.lines("suppliers", 12)
    case = bad_line(stage)
    case.stdin = lines
    case.arguments = ["--config", str(stage.flow.written("target.json", stage.flow.target_config()))]
    told = nursery.run(case, stage.flow.folder)
    proof.require(told.code == 0, f"an undisturbed run ended with {told.code}: {told.err[-500:]!r}")
    _search(search, "an undisturbed run", case, told)
    arrived = json.dumps(stage.servicenow.table("sn_fcms_intg_imp_supplier"), default=str, ensure_ascii=False)
    proof.numbers |= {
        "canaries in the tap's lines": len(search.seen(lines.encode())),
        "canaries seen by ServiceNow": len(search.seen(arrived.encode())),
        "requests signed in with the vault's secret": sum(1 for each in stage.servicenow.log.requests() if each.caller),
    }
    proof.require_work("canaries in the tap's lines", "canaries seen by ServiceNow")
    proof.require_work("requests signed in with the vault's secret")


def _store_counts(stage: Stage) -> dict[str, int]:
    sealed = "SELECT count(*) FROM {} WHERE {} LIKE '%sealed:v1:%'"
    places = [("dead_letters", "record"), ("effects", "payload")]
    counts = [stage.flow.query(sealed.format(*place))[0][0] for place in places]
    return {
        "sealed values in the store": sum(counts),
        "dead letters": stage.flow.query("SELECT count(*) FROM dead_letters")[0][0],
    }
