"""The short form of proof 14."""

from __future__ import annotations

from pathlib import Path

import pytest

from prove import p14_tokens, token_seams
from prove.proof import Size
from prove.seams import find


@pytest.mark.parametrize("place", sorted({seam.place for seam in token_seams.SEAMS}))
def test_a_seam_is_still_in_the_product(place: str) -> None:
    owner, name = find(place)
    assert callable(getattr(owner, name))


@pytest.mark.slow
def test_a_token_that_is_lost_costs_nothing_else(tmp_path: Path) -> None:
    proof = p14_tokens.run(Size.SHORT, 14, tmp_path)
    assert proof.failures == []
    assert proof.numbers["kills"] >= 4
    assert proof.numbers["hits"] == 0
