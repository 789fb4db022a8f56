"""The short form of proof 05, and that its eyes are open."""

from pathlib import Path

import pytest
from ml_connector.singer import bookmarks

from prove import p05_watermark
from prove.proof import Size


@pytest.mark.slow
def test_every_version_arrives_once(tmp_path: Path) -> None:
    proof = p05_watermark.run(Size.SHORT, 5, tmp_path)
    assert proof.failures == []
    assert proof.numbers["versions that lived through a read"] > 100


def test_a_watermark_without_overlap_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookmarks, "earlier", lambda moment, _: moment)
    scenario = next(each for each in p05_watermark.SCENARIOS if each.name == "clocks set back")
    counts, told = p05_watermark.play(tmp_path, 4, (scenario, 5))
    assert counts["lost"] > 0
    assert told
