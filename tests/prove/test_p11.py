"""The short form of proof 11."""

from pathlib import Path

import pytest

from prove import p11_kill_elsewhere
from prove.proof import Size
from prove.seams import find


@pytest.mark.parametrize(
    "place", ["ml_connector.secrets.vault:Vault.rotate", "ml_connector.cli.letters:singer_lines", "os:replace"]
)
def test_what_is_attacked_is_still_in_the_product(place: str) -> None:
    owner, name = find(place)
    assert callable(getattr(owner, name))


@pytest.mark.slow
def test_killed_replays_rotations_and_upgrades_are_finished(tmp_path: Path) -> None:
    proof = p11_kill_elsewhere.run(Size.SHORT, 11, tmp_path)
    assert proof.failures == []
    assert {name: number for name, number in proof.numbers.items() if name.endswith(": kills")} == {
        "replay: kills": 2,
        "tap: kills": 2,
        "key rotation: kills": 2,
        "schema migration: kills": 2,
    }
