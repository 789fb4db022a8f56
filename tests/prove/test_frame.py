"""The frame of the proofs: results are kept, failures tell, and nothing counted is a failure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from prove import __main__ as prove
from prove.page import keep
from prove.proof import Proof, Size, histogram, section


def told(proof: Proof) -> str:
    return section(proof, "python -m prove", "short form")


def test_a_section_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    page = tmp_path / "proof.md"
    keep(page, 2, told(Proof(2, "second", {"cases": 1200})))
    keep(page, 1, told(Proof(1, "first", {"points": 3}, details="## 9 not a section\nbar | bar")))
    keep(page, 2, told(Proof(2, "second", {"cases": 7}, ["lost 1"])))
    text = page.read_text()
    assert re.findall(r"^## (\d\d)", text, re.MULTILINE) == ["01", "02"]
    assert "| cases | 7 |" in text
    assert "FAILS: 1" in text
    assert "- lost 1" in text
    assert "1,200" not in text
    assert text.index("## 01") < text.index("## 02")


def test_nothing_counted_is_a_failure() -> None:
    proof = Proof(1, "idle", {"kills": 0})
    proof.require_work("kills", "writes")
    assert len(proof.failures) == 2


def test_a_histogram_shows_every_count() -> None:
    assert [line.split()[:2] for line in histogram({"before": 4, "after": 1}).splitlines()] == [
        ["before", "4"],
        ["after", "1"],
    ]


class _Module:
    NUMBER, TITLE = 99, "made up"

    def __init__(self, failures: list[str]) -> None:
        self._failures = failures

    def run(self, size: Size, seed: int, folder: Path) -> Proof:
        if "broken" in self._failures:
            raise ValueError("cannot go on")
        return Proof(99, self.TITLE, {"seed": seed, "size": str(size), "folder": folder.is_dir()}, self._failures)


@pytest.mark.parametrize(("failures", "code"), [([], 0), (["lost 1"], 1), (["broken"], 1)])
def test_a_failure_is_told_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: list[str], code: int
) -> None:
    monkeypatch.setattr(prove, "numbered", lambda: {99: "p99_made_up"})
    monkeypatch.setattr(prove, "load", lambda _: _Module(failures))
    page = tmp_path / "proof.md"
    assert prove.main(["99", "--short", "--page", str(page)]) == code
    assert ("holds" in page.read_text()) == (code == 0)


def test_every_proof_has_its_number_and_title() -> None:
    found = prove.numbered()
    assert found
    for number, name in found.items():
        module = prove.load(name)
        assert number == module.NUMBER
        assert module.TITLE
