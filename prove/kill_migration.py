"""kill -9 while a store of the first release is upgraded."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import TYPE_CHECKING

from ml_connector.audit.check import check_store
from ml_connector.store import open_store
from sqlalchemy import inspect, text

from prove.steps import run_to
from tests.store.old_store import make_old_store

if TYPE_CHECKING:
    import random
    from pathlib import Path

_KILLED = -9
Dump = dict[str, Counter[tuple[object, ...]]]


def upgrade(url: str) -> None:
    """Open a store, and so upgrade it."""
    open_store(url).close()


def attack(folder: Path, count: int, chance: random.Random) -> tuple[Counter[str], list[str]]:
    """Kill upgrades at seeded steps; the next open must make the store an undisturbed upgrade makes."""
    folder.mkdir()
    old = folder / "old.db"
    make_old_store(_url(old))
    whole = folder / "whole.db"
    shutil.copy(old, whole)
    counts: Counter[str] = Counter()
    told: list[str] = []
    if run_to(0, upgrade, _url(whole), told=folder / "steps"):
        return counts, ["an undisturbed upgrade went wrong"]
    steps, wanted = int((folder / "steps").read_text()), dump(whole)
    counts["rows upgraded"] = sum(rows.total() for rows in wanted.values())
    for step in (chance.randint(1, steps) for _ in range(count)):
        path = folder / f"killed-{counts['kills']}.db"
        shutil.copy(old, path)
        code = run_to(step, upgrade, _url(path), told=folder / "steps")
        told += [] if code == _KILLED else [f"not killed at step {step} of {steps}: {code}"]
        counts["kills"] += 1
        counts["kills that left the old store"] += _revision(path) == "0001"
        upgrade(_url(path))
        told += [f"killed at step {step} of {steps}: {words}" for words in _faults(path, wanted)]
    return counts, told


def _url(path: Path) -> str:
    return f"sqlite:///{path}"


def _revision(path: Path) -> str:
    """Return a store's revision, read beside the program, from a copy: opening the store would upgrade it."""
    import sqlite3  # noqa: PLC0415  # only here: everything else goes through the product

    copy = path.with_suffix(".copy")
    for suffix in ("", "-wal"):
        if path.with_name(path.name + suffix).exists():
            shutil.copy(path.with_name(path.name + suffix), copy.with_name(copy.name + suffix))
    connection = sqlite3.connect(copy)
    found: str = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    connection.close()
    return found


def dump(path: Path) -> Dump:
    """Return every row of every table."""
    store = open_store(_url(path))
    with store.reading() as connection:
        tables = inspect(connection).get_table_names()
        found = {name: Counter(map(tuple, connection.execute(text(f'SELECT * FROM "{name}"')))) for name in tables}
    store.close()
    return found


def _faults(path: Path, wanted: Dump) -> list[str]:
    found = dump(path)
    told = [f"{name} differs" for name in wanted if found.get(name) != wanted[name]]
    store = open_store(_url(path))
    with store.reading() as connection:
        report = check_store(connection)
        sound = connection.execute(text("PRAGMA integrity_check")).scalar()
    store.close()
    told += [] if report.valid else [f"the trail does not verify: {report.findings[0].words}"]
    return told if sound == "ok" else [*told, f"the file is damaged: {sound}"]
