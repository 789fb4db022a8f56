"""The few lines of stock Python in docs/audit.md verify an export, and do not verify a spoilt one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from ml_connector.audit.export import export
from ml_connector.store import open_store

from prove.victim import build

PAGE = Path(__file__).parents[2] / "docs" / "audit.md"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    folder = tmp_path_factory.mktemp("stock")
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    script = folder / "verify.py"
    script.write_text(block)
    url = f"sqlite:///{build(folder)}"
    store = open_store(url)
    head = export(store, url, folder / "trail.jsonl")
    store.close()
    return script, folder / "trail.jsonl", head.head


def verify(script: Path, file: Path, head: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", str(script), str(file), head]  # stock: nothing of ours can be imported
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_an_export_verifies(exported: tuple[Path, Path, str]) -> None:
    done = verify(*exported)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b'"kind":"parked","data"', b'"kind":"delivered","data"', "was changed"),
        (b'"kind":"parked","reason"', b'"kind":"delivered","reason"', "the tallies of run"),
        (b'"outcome":"finished"', b'"outcome":"stopped"', "outcome of run"),
        (b'\\"amount\\":\\"', b'\\"amount\\":\\"9', "the data of event"),
    ],
)
def test_an_edit_is_found(exported: tuple[Path, Path, str], old: bytes, new: bytes, words: str) -> None:
    script, file, head = exported
    spoilt = file.with_name("spoilt.jsonl")
    assert old in file.read_bytes()
    spoilt.write_bytes(file.read_bytes().replace(old, new, 1))
    done = verify(script, spoilt, head)
    assert done.returncode == 1
    assert words in done.stderr


def test_a_missing_line_and_another_head_are_found(exported: tuple[Path, Path, str]) -> None:
    script, file, head = exported
    lines = file.read_bytes().splitlines(keepends=True)
    for gone in (-1, -20):
        shorter = file.with_name("shorter.jsonl")
        shorter.write_bytes(b"".join(lines[:gone] + (lines[gone + 1 :] if gone < -1 else [])))
        assert verify(script, shorter, head).returncode == 1
    assert verify(script, file, "0" * 64).returncode == 1
