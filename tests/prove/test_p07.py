"""The short form of proof 07."""

from pathlib import Path

import pytest

from prove import p07_canaries
from prove.proof import Size


@pytest.mark.slow
def test_nothing_secret_gets_out(tmp_path: Path) -> None:
    proof = p07_canaries.run(Size.SHORT, 1, tmp_path)
    assert proof.failures == []
    assert proof.numbers["failures"] > 40
    assert proof.numbers["kinds of failure"] == 13
    assert proof.numbers["canaries in the tap's lines"] >= 8
    assert proof.numbers["canaries seen by ServiceNow"] >= 4
    assert proof.numbers["sealed values in the store"] > 10
    assert proof.numbers["vault: bytes flipped"] > 1000
