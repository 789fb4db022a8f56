"""Making a plan with Meltano, proving that it still holds, and writing down who had it carried out."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from ml_connector.audit.actions import action
from ml_connector.audit.actor import actor
from ml_connector.cli.desk import Desk, Stop
from ml_connector.cli.processes import Finished, meltano_invoke, meltano_run
from ml_connector.errors import ConfigError
from ml_connector.plan.document import Plan, read_flow, save
from ml_connector.plan.words import PLAN_TO
from ml_connector.store.tables import approvals
from ml_connector.store.text import stamp, utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ml_connector.cli.project import Pair, Project
    from ml_connector.plan.document import Flow
    from ml_connector.store import Store

_KNOWS_PLANS = "require_plan"
"""The setting by which a target shows that it can plan; another one would do the run instead."""


def make_plan(desk: Desk, project: Project, blocks: Sequence[str]) -> tuple[Plan | None, Finished]:
    """Run the blocks with targets that send nothing; without a plan, the end of the run says why there is none.

    Raises:
        ConfigError: A block is no tap, no target and no job of them, or a target cannot plan.
    """
    pairs = pairs_of(project, blocks)
    with desk.aside.status("looking at the targets"):
        for loader in dict.fromkeys(pair.loader for pair in pairs):
            _can_plan(project, loader)
    with _folder(project) as folder, desk.aside.status(f"planning: meltano run {' '.join(blocks)}"):
        finished = meltano_run(project, ["--no-state-update", *blocks], **{PLAN_TO: str(folder)})
        paths = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        if finished.code or not paths:
            return None, finished
        flows = [read_flow(path) for path in paths]
    return Plan(list(blocks), project.environment, stamp(utc_now()), actor(), flows).sealed(), finished


def pairs_of(project: Project, blocks: Sequence[str]) -> list[Pair]:
    """Return the flows that blocks stand for.

    Raises:
        Stop: One of them does anything else: planning it would carry it out.
    """
    spelled = project.spelled(blocks)
    for name in spelled:
        project.plugin(name)
    pairs = project.pairs(spelled)
    used = {name for pair in pairs for name in pair}
    if not pairs or set(spelled) - used:
        left = ", ".join(sorted(set(spelled) - used)) or "nothing"
        raise Stop(f"a plan is made of taps that feed targets; {left} is not.", "ml-connector plan TAP TARGET")
    return pairs


def _can_plan(project: Project, loader: str) -> None:
    done = meltano_invoke(project, loader, ["--about", "--format=json"])
    start = done.stdout.find("{")
    about = json.loads(done.stdout[start:]) if done.returncode == 0 and start >= 0 else {}
    if _KNOWS_PLANS not in (about.get("settings") or {}).get("properties", {}):
        raise ConfigError(
            f"{loader} cannot plan: a run would carry out what a plan only looks at. Nothing was started. "
            "Install a target of this release: meltano install"
        )


@contextmanager
def _folder(project: Project) -> Iterator[Path]:
    """Yield a private folder that is gone afterwards; it stands beside the store, where only its owner looks."""
    home = project.folder / "plans"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with TemporaryDirectory(dir=home) as folder:
        yield Path(folder)


@contextmanager
def own_copy(project: Project, plan: Plan) -> Iterator[Path]:
    """Yield a file with this plan that nobody else writes: what was looked at is what the targets are held to."""
    with _folder(project) as folder:
        path = folder / "plan.json"
        save(plan, path)
        yield path


def approve(desk: Desk, plan: Plan) -> None:
    """Write down, in the trail too, that a person lets this plan happen, for every company in it (L9).

    Raises:
        EnvironmentFault: A run of one of its pipelines is under way.
    """
    with desk.store() as store:
        for flow in plan.flows:
            _approve(store, desk.store_url, plan.hash, flow)


def _approve(store: Store, store_url: str, plan: str, flow: Flow) -> None:
    companies = sorted({record.company for record in flow.records})
    with action(store, store_url, flow.pipeline, f"approve plan {plan}", flow.target_id) as done:
        mine = (approvals.c.pipeline == flow.pipeline, approvals.c.target_id == flow.target_id)
        query = select(approvals.c.company).where(*mine, approvals.c.map_version == flow.map_version)
        known = set(done.connection.execute(query).scalars())
        about = {"pipeline": flow.pipeline, "target_id": flow.target_id, "map_version": flow.map_version, "plan": plan}
        signed = {"at": stamp(utc_now()), "actor": done.actor}
        fresh = [{**about, **signed, "company": company} for company in companies if company not in known]
        if fresh:
            done.connection.execute(insert(approvals), fresh)
        done.note("plan_approved", None, {**about, "companies": companies})
