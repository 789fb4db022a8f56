"""Run proofs one after another: `python -m prove [NN…] [--seed N] [--short]`."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import pkgutil
import platform
import re
import subprocess
import sys
import tempfile
import time
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import prove
from prove.page import keep
from prove.proof import Proof, Size, section

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "proof.md"
SEED = 20261121


class ProofModule(Protocol):
    """What a module `prove/pNN_name.py` offers."""

    NUMBER: int
    TITLE: str

    def run(self, size: Size, seed: int, folder: Path) -> Proof:
        """Attack, and say what was found."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the proofs asked for, or all; return 1 when one of them fails."""
    asked = _parser().parse_args(arguments)
    logging.disable(logging.WARNING)  # the product's own words on every retry
    size = Size.SHORT if asked.short else Size.FULL
    names = {number: name for number, name in numbered().items() if not asked.numbers or number in asked.numbers}
    if not names:
        raise SystemExit(f"no such proof; there are {', '.join(f'{number:02d}' for number in numbered())}")
    failed = False
    for module in map(load, names.values()):
        print(f"{module.NUMBER:02d} {module.TITLE} …", flush=True)
        began = time.monotonic()
        proof = attempt(module, size, asked.seed)
        took = timedelta(seconds=time.monotonic() - began)
        command = f"python -m prove {module.NUMBER:02d} --seed {asked.seed}{' --short' if asked.short else ''}"
        told = section(proof, command, f"{size} form, seed {asked.seed}, {took.total_seconds():.0f} s; {_where()}")
        print(told, flush=True)
        if not asked.print_only:
            keep(asked.page, proof.number, told)
        failed |= bool(proof.failures)
    return 1 if failed else 0


def numbered() -> dict[int, str]:
    """Return the modules of the proofs by their numbers."""
    found = (re.fullmatch(r"p(\d\d)_\w+", each.name) for each in pkgutil.iter_modules(prove.__path__))
    return {int(each[1]): each[0] for each in sorted(filter(None, found), key=lambda it: it[0])}


def load(name: str) -> ProofModule:
    """Return a proof's module."""
    return cast("ProofModule", importlib.import_module(f"prove.{name}"))


def attempt(module: ProofModule, size: Size, seed: int) -> Proof:
    """Run one proof in a folder of its own; one that breaks off has failed."""
    with tempfile.TemporaryDirectory(prefix=f"prove-{module.NUMBER:02d}-", ignore_cleanup_errors=True) as folder:
        try:
            return module.run(size, seed, Path(folder))
        except Exception as error:  # noqa: BLE001  # the proofs after it still run
            words = f"broke off: {type(error).__name__}: {error}"
            return Proof(module.NUMBER, module.TITLE, {}, [words], traceback.format_exc())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m prove", description="Attack the laws; write docs/proof.md.")
    parser.add_argument("numbers", nargs="*", type=int, metavar="NN", help="proofs to run; all without one")
    parser.add_argument("--seed", type=int, default=SEED, help=f"seed of every chance taken (default {SEED})")
    parser.add_argument("--short", action="store_true", help="the form that the tests run, of a few seconds")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write the results to")
    parser.add_argument("--print-only", action="store_true", help="leave the page as it is")
    return parser


def _where() -> str:
    now = datetime.now(UTC)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"{now:%Y-%m-%d %H:%M} UTC, commit {_commit()}; {machine}"


def _commit() -> str:
    asked = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+changes"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
