"""A disk that is full stops the run before STATE passes; with room again, the next run ends as if nothing had been."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flow.conftest import Clean, Flow, open_flow

SMALL = {"batch_size_rows": 50}
ROOM = 1_300_000
"""Bytes: enough for the store's tables and some batches, too little for the whole run."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that holds little; only root can make one."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "store", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this user may not mount a file system; the test with a limit on file sizes stands for it")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def stopped(flow: Flow, clean: Clean, process: subprocess.Popen[bytes]) -> None:
    """Expect a run that ended for want of room, having let pass nothing that is not in the store."""
    assert process.wait(timeout=240) == 3, flow.logged
    assert "then run again: nothing is lost or sent twice" in flow.logged
    assert "Traceback" not in flow.logged
    flow.keep_state(flow.printed)
    written = len(flow.servicenow.log.writes())
    assert written > 1
    assert (
        0 < len(flow.printed.splitlines()) < len([line for line in clean.stream.splitlines() if '"STATE"' in line[:20]])
    )


def finish(flow: Flow, clean: Clean) -> None:
    """Resume from the state that passed, and find everything as an undisturbed run leaves it, nothing twice."""
    flow.let_time_pass()
    code, log = flow.run()
    assert code == 0, log
    assert flow.landed() == clean.landed
    assert flow.states() == clean.states
    assert flow.last_run()["balance"] == "in_balance"


def test_a_full_disk(tmp_path: Path, clean: Clean, small_disk: Path) -> None:
    settings = {"store_url": f"sqlite:///{small_disk / 'store.db'}", **SMALL}
    with open_flow(tmp_path / "flow", target_settings=settings) as flow:
        with flow.started(clean.stream) as process:
            stopped(flow, clean, process)
        assert "its disk is full. Make room on the disk" in flow.logged
        code, log = flow.load(clean.stream)  # and again while there is no room
        assert code == 3, log
        subprocess.run(["mount", "-o", "remount,size=64M", small_disk], check=True)
        finish(flow, clean)


def test_a_limit_on_the_size_of_files(flow: Flow, clean: Clean) -> None:
    flow.target_settings.update(SMALL)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, ROOM))

    with flow.started(clean.stream, preexec_fn=limit) as process:
        stopped(flow, clean, process)
    assert "its disk takes or gives no data" in flow.logged
    finish(flow, clean)
