"""kill -9 inside a tap, a replay, a rotation of the vault's keys, and the upgrade of a store."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from prove import kill_migration, kill_replay, kill_rotation, kill_tap
from prove.proof import Proof, Size

if TYPE_CHECKING:
    from pathlib import Path

NUMBER, TITLE = 11, "kill -9 inside tap, replay, key rotation and schema migration"
POINTS = {Size.SHORT: 2, Size.FULL: 50}  # each
INVOICES = {Size.SHORT: 12, Size.FULL: 60}


def run(size: Size, seed: int, folder: Path) -> Proof:
    """Attack all four."""
    proof, chance, count = Proof(NUMBER, TITLE), random.Random(seed), POINTS[size]
    parts = {
        "replay": kill_replay.attack(folder / "replay", count, chance, INVOICES[size]),
        "tap": kill_tap.attack(folder / "tap", count, chance, INVOICES[size]),
        "key rotation": kill_rotation.attack(folder / "rotation", count, chance),
        "schema migration": kill_migration.attack(folder / "migration", count, chance),
    }
    for name, (counts, told) in parts.items():
        proof.numbers |= {f"{name}: {what}": number for what, number in counts.items()}
        proof.failures += [f"{name}: {words}" for words in told]
    proof.require_work(*(f"{name}: kills" for name in parts), "replay: letters that waited")
    proof.require_work("key rotation: secrets opened", "schema migration: rows upgraded")
    return proof
