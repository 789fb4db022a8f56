"""What a proof is, and how its result reads."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_BAR = 40  # characters of the longest bar of a histogram


class Size(StrEnum):
    """How much a proof does: SHORT in the tests, a few seconds; FULL in `make prove`."""

    SHORT = "short"
    FULL = "full"


@dataclass
class Proof:
    """What a proof did and found. `failures` is empty when the law held; counted work of zero is a failure too."""

    number: int
    title: str
    numbers: dict[str, Any] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    details: str = ""

    def require(self, holds: bool, words: str) -> None:
        """Note a failure unless this holds."""
        if not holds:
            self.failures.append(words)

    def require_work(self, *names: str) -> None:
        """Note a failure for each of these numbers that is zero or missing: nothing happened, nothing is proven."""
        for name in names:
            self.require(bool(self.numbers.get(name)), f"nothing happened: {name} is {self.numbers.get(name, 0)}")


def histogram(counts: Mapping[str, int] | Iterable[str]) -> str:
    """Return counts as lines of name, number and bar, in the order given."""
    found = Counter(counts)
    if not found:
        return ""
    width, most = max(map(len, found)), max(found.values())
    return "\n".join(
        f"{name:{width}} {count:6} {'#' * round(_BAR * count / most)}".rstrip() for name, count in found.items()
    )


def section(proof: Proof, command: str, facts: str) -> str:
    """Return a proof's result as a section of docs/proof.md; `facts` says how large, when, and on what."""
    state = "holds" if not proof.failures else f"FAILS: {len(proof.failures)}"
    lines = [
        f"## {proof.number:02d} {proof.title}",
        "",
        f"**{state}**; {facts}",
        "",
        f"    {command}",
        "",
        "| what | number |",
        "|---|---|",
        *(f"| {name} | {_cell(value)} |" for name, value in proof.numbers.items()),
        "",
    ]
    if proof.failures:
        lines += [*(f"- {_cell(words)}" for words in proof.failures), ""]
    if proof.details:
        lines += ["```", proof.details.rstrip("\n"), "```", ""]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
