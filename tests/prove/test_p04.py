"""The short form of proof 04, and that its eyes are open."""

from pathlib import Path

import pytest
from ml_connector.http import Budget

from prove import p04_retry_after
from prove.proof import Size


def test_no_request_is_earlier_than_asked(tmp_path: Path) -> None:
    proof = p04_retry_after.run(Size.SHORT, 4, tmp_path)
    assert proof.failures == []
    assert proof.numbers["cases"] == p04_retry_after.SAMPLE
    assert proof.numbers["waits measured"] > 30


def test_a_client_that_does_not_wait_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Budget, "hold", lambda *_: None)
    proof = p04_retry_after.run(Size.SHORT, 4, tmp_path)
    assert proof.numbers["requests earlier than asked"] > 5
