"""The short form of proof 10."""

from pathlib import Path

import pytest

from prove import p10_soak
from prove.proof import Size
from prove.sampled import MANY, ONE_BY_ONE, TRAIL
from prove.seams import find


@pytest.mark.parametrize("place", [MANY, ONE_BY_ONE, TRAIL])
def test_what_is_sampled_is_still_in_the_product(place: str) -> None:
    owner, name = find(place)
    assert callable(getattr(owner, name))


def test_growth_is_seen() -> None:
    course = p10_soak.Course([{"records": 10, "rss": 100}, {"records": 20, "rss": 130}, {"records": 30, "rss": 120}])
    assert course.growth(10) == 30.0


@pytest.mark.slow
def test_a_small_soak(tmp_path: Path) -> None:
    proof = p10_soak.run(Size.SHORT, 1, tmp_path)
    assert proof.failures == []
    assert proof.numbers["trail's share of the run (%)"] > 0
