"""The short form of proof 02."""

from pathlib import Path

from prove import p02_lost_answers
from prove.proof import Size


def test_lost_answers_and_late_writes_double_nothing(tmp_path: Path) -> None:
    proof = p02_lost_answers.run(Size.SHORT, 2, tmp_path)
    assert proof.failures == []
    assert proof.numbers["cases"] == len(p02_lost_answers.WAYS)
    assert proof.numbers["rows in doubt after the first run"] > 0
