"""docs/proof.md: one section per proof, each replaced when its proof runs again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """# Proof

What `make prove` did to the laws of this house, and what it counted. A section is written when its proof ends, by the
command it shows; sections of proofs that did not run then stay as they were. Short forms run in `make test`.

"""
_SECTION = re.compile(r"^## (\d\d) .*?(?=^## \d\d |\Z)", re.DOTALL | re.MULTILINE)


def keep(page: Path, number: int, section: str) -> None:
    """Put a proof's section in its place on the page, and leave the others as they are."""
    text = page.read_text() if page.exists() else ""
    sections = {int(found[1]): found[0].rstrip("\n") + "\n" for found in _SECTION.finditer(text)}
    sections[number] = section.rstrip("\n") + "\n"
    page.write_text(HEAD + "\n".join(sections[each] for each in sorted(sections)))
