"""The places at which the proofs kill a process are still in the product, and killing works."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from prove import seams


@pytest.mark.parametrize("place", sorted({*(seam.place for seam in seams.SEAMS), *seams.SPECIAL.values()}))
def test_a_seam_is_still_in_the_product(place: str) -> None:
    owner, name = seams.find(place)
    assert callable(getattr(owner, name))


def test_every_seam_has_a_name_of_its_own() -> None:
    assert len(set(seams.NAMES)) == len(seams.NAMES)
    assert {seams.FIRST_ROW, seams.LAST_SETTLE} <= set(seams.NAMES)


def test_a_seam_that_is_gone_is_told() -> None:
    with pytest.raises(AttributeError):
        seams.find("ml_connector.delivery.engine:Engine._gone")


def test_the_fatal_pass_is_the_nth_of_its_seam() -> None:
    passes = seams.Passes("settle.after", 3)
    assert [passes.due("settle.after") for _ in range(4)] == [False, False, True, False]
    assert not any(passes.due("settle.before") for _ in range(4))


def run(point: str, *command: str) -> subprocess.CompletedProcess[str]:
    asked = [sys.executable, "-m", "prove.die_at", point, "--", *command]
    return subprocess.run(asked, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])


def test_a_process_dies_by_sigkill_at_a_seam(tmp_path: Path) -> None:
    settings = {
        "instance_url": "http://127.0.0.1:1",
        "auth_method": "basic",
        "username": "a",
        "password": "bbbb",
        "mapping": ["tap_visma", "servicenow-s2p"],
    }
    config = tmp_path / "config.json"
    config.write_text(json.dumps(settings))
    killed = run("http.before_send:1", "target-servicenow-importset", "--config", str(config), "--ping")
    assert killed.returncode == -signal.SIGKILL
    counted = run(f"count:{tmp_path / 'passes.json'}", "target-servicenow-importset", "--config", str(config), "--ping")
    assert counted.returncode == 3, counted.stderr
    assert "http.before_send" in json.loads((tmp_path / "passes.json").read_text())


def test_an_unknown_seam_is_refused() -> None:
    assert "Seams:" in run("nowhere:1", "target-servicenow-importset").stderr
