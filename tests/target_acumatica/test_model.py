"""Any history of versions, lost answers and dead processes ends with one order, with the last version's lines."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ml_connector.delivery.sink import Outcome, State
from ml_connector_simulators.acumatica import AcumaticaSimulator
from ml_connector_simulators.kit import Fault, running

from tests.target_acumatica.conftest import Bench, line, order

OPEN = (State.IN_DOUBT, State.SENT)
AFTER = {"PurchaseOrder": ["RemoveHold"]}
ITEMS = ("APPLES", "ORANGES", "SUGAR")
PATH = r"/PurchaseOrder(/RemoveHold)?$"
_numbers = count(1)

lines = st.dictionaries(st.integers(1, 5), st.tuples(st.sampled_from(ITEMS), st.integers(1, 3)), min_size=1, max_size=5)
faults = st.sampled_from([None, None, "commit_then_drop", "truncated", "reset", "status"])
steps = st.lists(st.tuples(lines, faults, st.integers(0, 3), st.booleans()), min_size=1, max_size=5)


@dataclass
class History:
    """What the engine would do with one record."""

    bench: Bench
    reference: str = field(default_factory=lambda: f"REQ-M{next(_numbers)}")
    last: Outcome | None = None

    def deliver(self, version: dict[int, tuple[str, int]]) -> Outcome:
        """Send a version, once the outcome of the one before is known."""
        self.settle()
        wanted = [line(number, item, quantity) for number, (item, quantity) in sorted(version.items())]
        effect = order(self.reference, *wanted, Hold=None)
        if self.last is not None:
            known = self.bench.remembered(self.last, effect.payload)
            effect = replace(known, handle=None, lost_at=None)
        (self.last,) = self.bench.send(effect)
        return self.last

    def settle(self) -> None:
        if self.last is None or self.last.state not in OPEN:
            return
        self.bench.clock.sleep(901)
        (self.last,) = self.bench.settle([self.last], wait=False)
        assert self.last.state not in OPEN

    def forget(self, before: Outcome | None) -> None:
        """Die before the outcome is stored: what is known is that the request was going out."""
        assert self.last is not None
        known = {"target_id": before.target_id, "memory": before.memory} if before else {}
        effect = replace(self.last.effect, lost_at=self.bench.clock.now())
        self.last = Outcome(effect, State.IN_DOUBT, **known)


@settings(
    max_examples=30,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(steps)
def test_any_history_ends_with_one_order_of_the_last_version(history):
    it = History(_bench())
    faults = it.bench.sim.faults
    for version, fault, after, dies in history:
        it.settle()
        before = it.last
        if fault:
            faults.add(Fault(fault, path=PATH, after=after, status=500, times=1, method=None))
        it.deliver(version)
        faults.clear()
        if dies:
            it.forget(before)
    for _ in range(2):
        it.deliver(history[-1][0])
    assert it.last is not None
    assert it.last.state is State.DELIVERED
    assert it.last.action == "unchanged"
    (made,) = [row for row in it.bench.sim.rows("PurchaseOrder") if row["VendorRef"] == it.reference]
    assert (made["Hold"], made["id"]) == (False, it.last.target_id)
    shown = sorted((row["InventoryID"], int(row["OrderQty"])) for row in made["Details"])
    assert shown == sorted(history[-1][0].values())


_open: list[Bench] = []


def _bench() -> Bench:
    """Return the one simulator of all examples."""
    return _open[0]


def setup_module() -> None:
    context = running(AcumaticaSimulator())
    _contexts.append(context)
    _open.append(Bench(context.__enter__(), lines_per_request=2, after_create=AFTER))


def teardown_module() -> None:
    _contexts.pop().__exit__(None, None, None)
    _open.clear()


_contexts: list = []
