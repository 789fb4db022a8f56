"""Error tables by lines: a status and words of the answer → a consequence for reads and one for writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.http.verdict import Consequence, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a table: an answer with this status whose text contains `words`, read and written."""

    status: int
    words: str  # in lower case; without any, the line is its status's last
    code: str
    read: Consequence
    write: Consequence
    advice: str = ""


def judged(rules: Iterable[Rule], status: int, told: str, words: str, *, safe: bool) -> Verdict | None:
    """Return the verdict of the first line that an answer fits, None when none does.

    `told` is what lines look at, `words` what a person reads; the line's advice stands behind them.
    """
    looked_at = told.lower()
    rule = next((rule for rule in rules if rule.status == status and rule.words in looked_at), None)
    if rule is None:
        return None
    return Verdict(rule.read if safe else rule.write, rule.code, " ".join(filter(None, (words, rule.advice))))
