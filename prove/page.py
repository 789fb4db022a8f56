"""docs/proof.md: one section per proof, each replaced when its proof runs again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """# Proof

What `make prove` did to the laws of this house, and what it counted. A section is written when its proof ends, by the
command it shows; sections of proofs that did not run then stay as they were. Short forms run in `make test`.

    make prove                             all proofs, full: hours on two cores
    .venv/bin/python -m prove 04 09        some of them
    .venv/bin/python -m prove 05 --seed 7  another chance; the same seed plays the same attack again
    .venv/bin/python -m prove 01 --short   the form that the tests run

The command ends with 1 when a law did not hold, and when nothing happened: what was not counted is not proven. A
process is killed at a seam of the product by `prove/die_at.py`, which patches it from outside: no code of the product
knows how to die. A seam that is renamed fails a test.

"""
_SECTION = re.compile(r"^## (\d\d) .*?(?=^## \d\d |\Z)", re.DOTALL | re.MULTILINE)


def keep(page: Path, number: int, section: str) -> None:
    """Put a proof's section in its place on the page, and leave the others as they are."""
    text = page.read_text() if page.exists() else ""
    sections = {int(found[1]): found[0].rstrip("\n") + "\n" for found in _SECTION.finditer(text)}
    sections[number] = section.rstrip("\n") + "\n"
    page.write_text(HEAD + "\n".join(sections[each] for each in sorted(sections)))
