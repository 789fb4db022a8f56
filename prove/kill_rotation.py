"""kill -9 while the vault's keys are rotated."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ml_connector.errors import ConnectorError
from ml_connector.secrets import Secret
from ml_connector.secrets.sealing import Sealer
from ml_connector.secrets.vault import Vault

from prove.steps import run_to

if TYPE_CHECKING:
    import random
    from pathlib import Path

_KILLED = -9
VALUES = {f"visma.field_{number}": f"value number {number}" for number in range(12)}
RECORD = {"bankAccount": {"iban": "NO9386011117947"}, "iban": "NO9386011117947"}
KINDS = ((True, True), (True, False), (False, True))


def rotate(environ: dict[str, str], key: bool, data_key: bool) -> None:
    """Do what `ml-connector secrets rotate` does."""
    Vault.find(environ).rotate(key=key, data_key=data_key)


def attack(folder: Path, count: int, chance: random.Random) -> tuple[Counter[str], list[str]]:
    """Kill rotations at seeded steps; every secret must open at once, and after the next rotation too."""
    folder.mkdir()
    counts: Counter[str] = Counter()
    told: list[str] = []
    steps: dict[tuple[bool, bool], int] = {}
    for kind in KINDS:
        environ, _ = _made(folder / f"whole-{kind}")
        if run_to(0, rotate, environ, *kind, told=folder / "steps"):
            return counts, [f"an undisturbed rotation went wrong: {kind}"]
        steps[kind] = int((folder / "steps").read_text())
    for number in range(count):
        kind = chance.choice(KINDS)
        step = chance.randint(1, steps[kind])
        environ, sealed = _made(folder / f"killed-{number}")
        code = run_to(step, rotate, environ, *kind, told=folder / "steps")
        told += [] if code == _KILLED else [f"not killed at step {step} of {steps[kind]}: {code}"]
        counts["kills"] += 1
        for moment in ("before", "after"):
            words = _faults(environ, sealed, counts)
            told += [f"killed at step {step} of {steps[kind]}, {moment} the next rotation: {each}" for each in words]
            if moment == "before":
                rotate(environ, *kind)
    return counts, told


def _made(folder: Path) -> tuple[dict[str, str], object]:
    """Make a vault of several secrets, rotated once already, and seal a record with it."""
    environ = {
        "ML_CONNECTOR_VAULT": str(folder / "vault" / "vault.json"),
        "ML_CONNECTOR_KEY_FILE": str(folder / "keys" / "key"),
    }
    vault = Vault.find(environ)
    for name, value in VALUES.items():
        vault.put(name, Secret(value))
    sealed = Sealer(vault).hide(RECORD)
    if sealed == RECORD:
        raise RuntimeError("nothing was sealed")
    vault.rotate(key=True, data_key=True)
    return environ, sealed


def _faults(environ: dict[str, str], sealed: object, counts: Counter[str]) -> list[str]:
    vault = Vault.find(environ)
    try:
        told = [f"{name} is another" for name, value in VALUES.items() if vault.get(name).reveal() != value]
        counts["secrets opened"] += vault.check()
        return told if Sealer(vault).reveal(sealed) == RECORD else [*told, "what the store has sealed is another"]
    except ConnectorError as error:
        return [f"{error.code}: {error}"]
