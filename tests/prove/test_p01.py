"""The short form of proof 01."""

from pathlib import Path

import pytest

from prove import p01_kill
from prove.proof import Size


@pytest.mark.slow
def test_a_killed_sync_is_finished(tmp_path: Path) -> None:
    proof = p01_kill.run(Size.SHORT, 1, tmp_path)
    assert proof.failures == []
    assert proof.numbers["points"] == 3
    assert proof.numbers["rows an undisturbed run adds (batch)"] > 50
