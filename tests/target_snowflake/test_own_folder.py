"""Files on their way are gone with their process, and after a kill with the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ml_connector.errors import EnvironmentFault
from target_snowflake.own_folder import own_folder

HOLDING = """
import sys, time
from pathlib import Path
from target_snowflake.own_folder import own_folder
with own_folder(Path(sys.argv[1])) as folder:
    (folder / "rows.parquet").write_text("rows")
    print(folder, flush=True)
    sys.stdin.read()
"""


def folders(above: Path) -> list[Path]:
    return [path for path in above.iterdir() if path.is_dir()]


def test_a_folder_is_private_and_goes_with_its_process(tmp_path: Path) -> None:
    with own_folder(tmp_path / "spill") as folder:
        assert folder.stat().st_mode & 0o077 == 0
        (folder / "rows.parquet").write_text("rows")
    assert folders(tmp_path / "spill") == []


def test_what_a_killed_process_left_is_cleared_and_a_living_one_is_not_disturbed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDING, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        theirs = Path(other.stdout.readline().strip())
        with own_folder(tmp_path) as mine:
            assert sorted(folders(tmp_path)) == sorted([mine, theirs])
        os.kill(other.pid, signal.SIGKILL)
    assert theirs.exists()
    with own_folder(tmp_path) as mine:
        assert folders(tmp_path) == [mine]


def test_a_place_that_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="spill_dir"), own_folder(tmp_path / "file" / "spill"):
        pass
