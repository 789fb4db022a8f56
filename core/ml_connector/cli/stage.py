"""Where a demonstration plays: simulators on free ports, a store and a Meltano database of its own."""

from __future__ import annotations

import shutil
import sys
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ml_connector.cli.desk import Desk, Stop
from ml_connector.cli.running import run_and_read, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from ml_connector.cli.project import Project
    from ml_connector.cli.simulators import Simulators
    from ml_connector.cli.summary import Summary

    Serve = Callable[[Path], AbstractContextManager[Simulators]]


class Stage(NamedTuple):
    """Where the demonstration plays."""

    desk: Desk
    project: Project
    vendors: Simulators
    settings: dict[str, str]

    def run(self, *blocks: str) -> Summary:
        """Run blocks; anything but a finished run ends the demonstration."""
        self.vendors.forget_requests()
        summary, finished = run_and_read(self.desk, self.project, blocks, **self.settings)
        if finished.code:
            sys.exit(tell(self.desk, summary, finished))
        return summary


@contextmanager
def staged(desk: Desk, serve: Serve) -> Iterator[Stage]:
    """Set the stage for the block: everything lives in .ml-connector/demo, which is emptied first."""
    desk = replace(desk, environment="demo", store_option=None)
    project = desk.project
    folder = project.root / ".ml-connector" / "demo"
    _empty(project, folder)
    with serve(folder / "simulators") as vendors:
        own = {"MELTANO_DATABASE_URI": f"sqlite:///{folder / 'meltano.db'}"}
        yield Stage(desk, project, vendors, {**vendors.settings, **own})


def _empty(project: Project, folder: Path) -> None:
    """Begin anew, but never touch a store that is not the demonstration's own."""
    if str(folder) not in project.store_url:
        raise Stop(f"the demo environment's store is {project.store_url}, not in {folder}.", "ml-connector run")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
