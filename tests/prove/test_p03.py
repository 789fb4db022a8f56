"""The short form of proof 03."""

from pathlib import Path

import pytest

from prove import p03_faults
from prove.matrix import FAULTS, verbs
from prove.proof import Size


def test_the_matrix_has_every_fault_and_every_verb_once() -> None:
    names = [str(verb) for verb in verbs()]
    assert len(set(names)) == len(names) == 27
    assert len(FAULTS) >= 8


@pytest.mark.slow
def test_some_of_the_matrix(tmp_path: Path) -> None:
    proof = p03_faults.run(Size.SHORT, 3, tmp_path)
    assert proof.failures == []
    assert proof.numbers["cases"] == p03_faults.SAMPLE
