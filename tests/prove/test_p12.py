"""The short form of proof 12, and that its eyes are open."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from prove import bulk_seams, p12_bulk
from prove.bulk_load import _older
from prove.bulk_stream import Content, Row
from prove.proof import Size
from prove.seams import find


@pytest.mark.parametrize("place", bulk_seams.places())
def test_a_place_is_still_in_the_product(place: str) -> None:
    owner, name = find(place)
    assert callable(getattr(owner, name))


def test_a_row_that_is_missing_or_older_than_settled_is_seen() -> None:
    key = ("NO01", 7)
    wanted = Content({key: Row("ledger_entries", key, 2, Decimal("1.10"), "NOK")})
    assert _older(wanted, {key: 2}) == _older(wanted, {key: 3}) == []
    assert len(_older(wanted, {})) == len(_older(wanted, {key: 1})) == len(_older(wanted, {key: 3}, exactly=True)) == 1


@pytest.mark.slow
def test_killed_loads_are_finished(tmp_path: Path) -> None:
    proof = p12_bulk.run(Size.SHORT, 12, tmp_path)
    assert proof.failures == []
    assert proof.numbers["kills"] == 3
    assert proof.numbers["batches whose event a later run wrote"] > 0
