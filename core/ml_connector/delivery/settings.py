"""The engine's settings, and the guards that keep a first run or a wrong one from doing harm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from ml_connector.delivery.sink import State
from ml_connector.delivery.work import Verdict
from ml_connector.errors import ConfigError

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from ml_connector.delivery.sink import Identity
    from ml_connector.finance.records import CanonicalRecord


@dataclass(frozen=True, slots=True)
class Guards:
    """First-run guards (DESIGN §3). An empty guard does not guard."""

    cutover_date: date | None = None
    deliver_open_before_cutover: bool = False
    source_states: tuple[str, ...] = ()
    expected_companies: tuple[str, ...] = ()
    expected_instance: str | None = None
    max_records: int | None = None
    max_amount: Decimal | None = None  # of one record, in its own currency
    volume_factor: Decimal | None = None

    def check_instance(self, identity: Identity) -> None:
        """Raise ConfigError when the live target is not the one this project is meant for."""
        if self.expected_instance and self.expected_instance not in (identity.id, identity.label):
            raise ConfigError(
                f"expected_instance is {self.expected_instance!r}, but the target says it is {identity.label!r} "
                f"({identity.id}). Nothing was written. Correct `instance_url` or `expected_instance`."
            )

    def check_company(self, company: str) -> None:
        """Raise ConfigError when a record's company is not one this pipeline is meant for."""
        if self.expected_companies and company not in self.expected_companies:
            allowed = ", ".join(self.expected_companies)
            raise ConfigError(
                f"a record of company {company!r} arrived, but expected_company is {allowed!r}. "
                "Nothing of it was written. Correct the tap's `company` or the target's `expected_company`."
            )

    def check_volume(self, received: int, usual: int | None) -> None:
        """Raise ConfigError when a run is larger than its caps allow."""
        if self.max_records is not None and received > self.max_records:
            raise ConfigError(
                f"more than max_records={self.max_records} records arrived in one run. What was settled stays settled. "
                "If the volume is right, raise `max_records` and run again."
            )
        if self.volume_factor and usual and received > usual * self.volume_factor:
            raise ConfigError(
                f"{received} records arrived, more than {self.volume_factor} times the usual {usual}. "
                "What was settled stays settled. If the volume is right, set `volume_factor: 0` for one run."
            )

    def verdict(self, record: CanonicalRecord) -> Verdict | None:
        """Return why a record is left out by a named rule, or None."""
        if self.source_states and record.source_state not in self.source_states:
            return Verdict(
                State.SKIPPED,
                f"source_state_{record.source_state}",
                f"the document is {record.source_state} in the source system; "
                f"this pipeline delivers {', '.join(self.source_states)}",
            )
        dated = record.document_date
        if self.cutover_date and dated and dated < self.cutover_date and not self._still_wanted(record):
            return Verdict(
                State.SKIPPED,
                "before_cutover",
                f"dated {dated}, before the cutover date {self.cutover_date}",
                "document_date",
                str(dated),
            )
        if self.max_amount is not None and record.amount is not None and abs(record.amount) > self.max_amount:
            return Verdict(
                State.PARKED,
                "amount_cap",
                f"{record.amount} {record.currency} is above max_amount {self.max_amount}",
                "amount",
                str(record.amount),
                "Check the document. If it is right, raise `max_amount` and run again.",
            )
        return None

    def _still_wanted(self, record: CanonicalRecord) -> bool:
        return self.deliver_open_before_cutover and record.source_state == "open"


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How the engine batches and what it may do."""

    pipeline: str
    mapping: str
    guards: Guards = Guards()
    batch_rows: int = 500
    batch_bytes: int = 8_000_000
    batch_seconds: float = 30.0
    resend: bool = False  # ignore the hashes: send everything again
    replay: bool = False  # give refused records another try
    replay_of: str | None = None  # the runs whose records or window this one tries again
    max_attempts: int = 5  # after that a failed record waits for a person
    give_up_after: timedelta | None = timedelta(days=14)  # then a row of unknown outcome waits for a person
    stop_after_refused: int = 50  # refusals among the last `stop_within` records stop the run; 0: never
    stop_within: int = 100
    review_after: timedelta | None = timedelta(days=7)  # how long after its delivery the target is asked for trouble
    match_existing: bool = True  # look for rows the target has already, as the map's `__match__` says
    create_unmatched: bool = True  # make a new one where there is none

    @property
    def kind(self) -> str:
        """What the run's line calls it."""
        return "replay" if self.replay or self.replay_of else "run"
