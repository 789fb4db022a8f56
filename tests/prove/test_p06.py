"""The short form of proof 6: 500 steps of the state machine."""

from pathlib import Path

import pytest

from prove import p06_machine
from prove.proof import Size


@pytest.mark.slow
def test_the_laws_hold_whatever_happens(tmp_path: Path) -> None:
    proof = p06_machine.run(Size.SHORT, 20261121, tmp_path)
    assert proof.failures == [], proof.details
    assert proof.numbers["steps"] >= 500
    assert proof.numbers["rows written"] > 0
