"""Which engine a target process gets: one that only plans, one held to a plan, or one that may need a plan first.

Which of them is no setting but part of the command, so the command line says it by environment variables: they reach
the target through Meltano, whatever `settings:` its plugin declares.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_connector.delivery.engine import Engine
from ml_connector.plan.document import Flow, read_plan, save
from ml_connector.plan.held import NEVER, Approved, HeldToPlan
from ml_connector.plan.rehearsal import Rehearsal
from ml_connector.plan.words import PLAN, PLAN_TO

if TYPE_CHECKING:
    from ml_connector.delivery.settings import EngineSettings
    from ml_connector.delivery.witness import Witness


def open_engine(settings: EngineSettings, required: str = NEVER, **parts: Any) -> Engine:
    """Return the engine for this process; `required` is the setting `require_plan`.

    Raises:
        ConfigError: The plan cannot be read.
        PlanChanged: Its file was changed since it was saved, or it says nothing of this pipeline.
    """
    folder, file = os.environ.get(PLAN_TO), os.environ.get(PLAN)
    if folder:

        def keep(flow: Flow) -> None:
            save(flow, Path(folder) / f"{flow.pipeline}.json")

        return Rehearsal(settings=settings, keep=keep, **parts)
    return Engine(settings=settings, witness=_witness(settings.pipeline, required, file), **parts)


def is_plan() -> bool:
    """Whether this process only plans."""
    return PLAN_TO in os.environ


def _witness(pipeline: str, required: str, file: str | None) -> Witness | None:
    if file:
        return HeldToPlan(read_plan(Path(file)), pipeline)
    if required == NEVER:
        return None
    names = (os.environ.get("MELTANO_EXTRACTOR_NAME"), os.environ.get("MELTANO_LOADER_NAME"))
    return Approved(required, " ".join(filter(None, names)))
