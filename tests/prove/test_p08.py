"""The short form of proof 08."""

from pathlib import Path

from prove import p08_tampering
from prove.proof import Size


def test_tampering_is_found_and_placed(tmp_path: Path) -> None:
    proof = p08_tampering.run(Size.SHORT, 8, tmp_path)
    assert proof.failures == []
    assert proof.numbers["tamperings"] == proof.numbers["found, with the right place"] == 60
    assert proof.numbers["rewrites that the chain alone lets pass"] > 0
    assert proof.numbers["truncations that the chain alone lets pass"] > 0
