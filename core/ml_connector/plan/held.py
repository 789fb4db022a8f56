"""Runs that may not do as they please: one held to a plan, and one that needs an approval first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, union, update

from ml_connector.delivery.witness import Witness
from ml_connector.errors import ConfigError, PlanChanged
from ml_connector.plan.document import by_key
from ml_connector.plan.rehearsal import hashes
from ml_connector.store.tables import approvals, deliveries, runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.delivery.run import Run
    from ml_connector.delivery.work import Work
    from ml_connector.plan.document import Plan

NEVER, FIRST, ALWAYS = REQUIREMENTS = ("never", "first", "always")
_NAMED = 5


class HeldToPlan(Witness):
    """Lets only that be sent which the plan says, row for row."""

    def __init__(self, plan: Plan, pipeline: str) -> None:
        """Take a plan whose hash is proven.

        Raises:
            PlanChanged: It has nothing about this pipeline.
        """
        flows = [flow for flow in plan.flows if flow.pipeline == pipeline]
        if not flows:
            raise PlanChanged(f"the plan says nothing of {pipeline}. Nothing was written. Plan again.")
        self._hash = plan.hash
        self._flow = flows[0]
        self._records = by_key(self._flow.records)

    def begin(self, run: Run) -> None:
        """Compare target and maps with the plan's, and write down which plan this run carries out."""
        if (run.target_id, run.map_version) != (self._flow.target_id, self._flow.map_version):
            raise PlanChanged(
                f"the plan was made for {self._flow.target_label} with maps {self._flow.map_version}, this run is for "
                f"{run.target_id} with maps {run.map_version}. Nothing was written. Plan again."
            )
        with run.store.transaction() as connection:
            connection.execute(update(runs).where(runs.c.id == run.id).values(plan=self._hash))

    def permit(self, works: Sequence[Work]) -> None:
        """Stop unless every row of these records is to be sent exactly as planned."""
        others = [work for work in works if not hashes(work).items() <= self._planned(work).items()]
        if others:
            named = ", ".join(work.record.title or work.key for work in others[:_NAMED])
            more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
            raise PlanChanged(
                f"the plan does not say that these are sent as they are now: {named}{more}. They, and the records "
                "read with them, were not sent. Plan again."
            )

    def _planned(self, work: Work) -> dict[str, str]:
        """Return what the plan sends of this version; a row that failed may be all that is still to go."""
        record = self._records.get(work.key)
        return record.sends.get(work.source_hash, {}) if record else {}


class Approved(Witness):
    """Lets nothing in of a company that no approved plan brought to this target under these maps.

    What was delivered so before counts as approved: it is not new, and stopping it would only stop the nightly run.
    """

    def __init__(self, required: str, words: str) -> None:
        """Take when a plan is required (`first`, `always`), and the blocks of the flow as they are typed."""
        self._always = required == ALWAYS
        self._words = words

    def begin(self, run: Run) -> None:
        """Learn what is approved. `always` lets a person's replay pass, since it names its records."""
        self._run = run
        if self._always and not run.settings.replay:
            raise ConfigError(f"`require_plan` is always: this run needs a plan. {self._next}")
        mine = approvals.c.target_id == run.target_id
        settled = deliveries.c.settled_map_version
        known = union(
            select(approvals.c.company, approvals.c.map_version).where(mine),
            select(deliveries.c.company, settled).where(deliveries.c.target_id == run.target_id, settled.is_not(None)),
        )
        with run.store.reading() as connection:
            self._known = {(company, version) for company, version in connection.execute(known)}

    def receive(self, company: str) -> None:
        """Stop at the first record of a company that is not approved."""
        if (company, self._run.map_version) not in self._known:
            raise ConfigError(f"{self._news(company)}, and `require_plan` asks for an approved plan. {self._next}")

    def permit(self, works: Sequence[Work]) -> None:
        """Stop before anything of such a company is sent that waited from earlier."""
        for company in {work.record.company for work in works}:
            self.receive(company)

    def _news(self, company: str) -> str:
        target = self._run.target_id
        if not self._known:
            return f"the target {target} is new: nothing was delivered there yet"
        if company not in {each for each, _ in self._known}:
            return f"company {company} is new: nothing of it was delivered to {target} yet"
        return f"the maps (version {self._run.map_version}) are new to company {company} in {target}"

    @property
    def _next(self) -> str:
        return (
            f"Nothing was written. Look at what would happen: ml-connector plan {self._words}; "
            "then let that happen: ml-connector run --plan FILE"
        )
