"""The short form of proof 16, and that its eyes are open."""

from __future__ import annotations

from pathlib import Path

import pytest
from ml_connector.singer import bookmarks

from prove import p16_vendor_watermarks
from prove.proof import Size
from prove.worlds import SCENARIOS


@pytest.mark.slow
def test_every_version_is_emitted(tmp_path: Path) -> None:
    proof = p16_vendor_watermarks.run(Size.SHORT, 16, tmp_path)
    assert proof.failures == []
    assert proof.numbers["versions that lived through a read"] > 100


def test_a_watermark_without_overlap_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookmarks, "earlier", lambda moment, _: moment)
    scenario = next(each for each in SCENARIOS if each.name == "server's clock jumps")
    lost = [p16_vendor_watermarks.play(6, (0, scenario, seed))[0]["lost"] for seed in range(4)]
    assert sum(lost) > 0
