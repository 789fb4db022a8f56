"""The short form of proof 15."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from prove import p15_vendor_faults
from prove.proof import Size
from prove.vendor_faults import PLACES


def test_the_matrix_has_every_fault_at_every_kind_of_request_once() -> None:
    cases = [*p15_vendor_faults.every_case(random.Random(1))]
    kinds = {(case.connector, case.place, case.update) for case in cases}
    assert len({(case.connector, case.place, case.update, case.fault) for case in cases}) == len(cases)
    assert len(kinds) == sum(map(len, PLACES.values())) + len(p15_vendor_faults.UPDATED)
    assert all(case.armed().path for case in cases)


@pytest.mark.slow
def test_some_of_the_matrix(tmp_path: Path) -> None:
    proof = p15_vendor_faults.run(Size.SHORT, 15, tmp_path)
    assert proof.failures == []
    assert proof.numbers["cases"] == p15_vendor_faults.SAMPLE + 1
