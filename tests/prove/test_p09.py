"""The short form of proof 09."""

from pathlib import Path

from prove import p09_money
from prove.proof import Size


def test_amounts_arrive_as_they_were_sent(tmp_path: Path) -> None:
    proof = p09_money.run(Size.SHORT, 9, tmp_path)
    assert proof.failures == []
    assert proof.numbers["documents"] == p09_money.RUNS[Size.SHORT] * p09_money.DOCUMENTS[Size.SHORT]
    assert proof.numbers["most digits"] >= 26
