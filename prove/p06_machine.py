"""A Hypothesis state machine over the engine: whatever happens in whatever order, the laws hold after every run."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from ml_connector.audit.actions import action
from ml_connector.cli.canonical import Reading
from ml_connector.cli.dead_decide import edit_wish
from ml_connector.cli.desk import Stop
from ml_connector.cli.letters import find_letters
from ml_connector.delivery import carry_out
from ml_connector.errors import ConnectorError, EnvironmentFault
from ml_connector.mapping import SourceMap, TargetMap
from ml_connector.store import open_store

from prove.ledger_world import ACCOUNTS, MAPS, NUMBERS, World, key_of
from prove.proof import Proof, Size, histogram
from tests.delivery.clock import living_by
from tests.delivery.fake_target import FakeSink

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBER, TITLE = 6, "A state machine over the engine, against a plain model"
STEPS = {Size.SHORT: 500, Size.FULL: 10_000}
STEPS_A_LIFE = 20
MEMORY = Path("/dev/shm")  # what dies here is a simulated process, not the machine
FEWEST_HITS = {Size.SHORT: 1, Size.FULL: 20}
RULES = (
    "add", "edit", "break", "delete", "touch", "approve", "reopen", "note", "master", "edit payload", "map change",
    "re-point", "rename", "lose state", "second process", "run", "replay", "resend", "crash in the sink",
    "crash at a commit", "fault: answer lost", "fault: request lost", "fault: refused", "fault: busy", "fault: down",
    "fault: asynchronous",
)  # fmt: skip
numbers = st.sampled_from(NUMBERS)
accounts = st.lists(st.sampled_from(ACCOUNTS), max_size=3).map(tuple)
some = st.sets(numbers.map(key_of), min_size=1)


class BrokenLawError(AssertionError):
    """What the engine did is not what the model allows."""


class Machine(RuleBasedStateMachine):
    """One life of the world; `hits` counts what happened in all of them."""

    def __init__(self, hits: Counter[str], written: Counter[str]) -> None:
        super().__init__()
        self._hits, self._written = hits, written
        self._folder = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self.world = World(Path(self._folder.name))
        for number in NUMBERS:
            self.world.change(number, accounts=("6300",))
        self._require(self.world.run({}))

    def teardown(self) -> None:
        """Let the world come to rest, and hold it to its model."""
        with self._folder:
            self._require(self.world.settle())
            self._written["rows"] += self.world.writes
            self._written["lives"] += 1

    def _require(self, broken: list[str]) -> None:
        self._written["runs"] += 1
        if broken:
            raise BrokenLawError("; ".join(broken))

    # the source

    @rule(number=numbers, codes=accounts)
    def edit(self, number: str, codes: tuple[str, ...]) -> None:
        """Change an invoice, or bring one back that was gone."""
        self._hits["add" if self.world.source[number].gone else "edit"] += 1
        self.world.change(number, accounts=codes, foots=True)

    @rule(number=numbers)
    def break_footing(self, number: str) -> None:
        """Make an invoice that does not add up."""
        self._hits["break"] += 1
        self.world.change(number, foots=False)

    @rule(number=numbers)
    def delete(self, number: str) -> None:
        """Take an invoice out of the source."""
        self._hits["delete"] += 1
        self.world.change(number, gone=True)

    @rule(number=numbers)
    def touch(self, number: str) -> None:
        """Let an invoice be read again, unchanged."""
        self._hits["touch"] += 1
        self.world.read_again(number)

    # the target

    @rule(number=numbers, what=st.sampled_from(["approve", "reopen", "note"]))
    def edit_in_target(self, number: str, what: str) -> None:
        """Do what people do to a row in the target."""
        header = self.world.header(number)
        if header is None:
            return
        self._hits[what] += 1
        if what == "note":
            header["note"] = f"note {self._hits[what]}"
            self.world.notes[self.world.instance, number] = header["note"]
        else:
            header["stage"] = "approved" if what == "approve" else ""

    @rule(code=st.sampled_from((*ACCOUNTS, "9999")), active=st.sampled_from(["true", "true", "false", None]))
    def master(self, code: str, active: str | None) -> None:
        """Change an account in the target's master."""
        self._hits["master"] += 1
        self.world.masters.pop(code, None)
        if active is not None:
            self.world.masters[code] = active

    # people and projects

    @rule()
    def edit_payload(self) -> None:
        """Do what `dead edit` does: another account for the first line of a letter."""
        world = self.world
        store = open_store(world.pipeline.url)
        try:
            with living_by(lambda: world.now), action(store, world.pipeline.url, world.pipeline.name, "dead") as act:
                reading = Reading(SourceMap.load("erp", [world.folder]), TargetMap.load("fake", [world.folder]))
                for letter in find_letters(act.connection):
                    if letter.target_id == world.instance and letter.record_type == "supplier_invoices":
                        wish = edit_wish(reading, letter, {"lines[0].account": "6400"}, "moved", undo=False)
                        carry_out.submit(act, [wish], wait=False)
                        world.edits[world.instance, letter.source_hash] = "6400"
                        self._hits["edit payload"] += 1
                        return
        except (Stop, ConnectorError):
            return  # nothing there that may be edited
        finally:
            store.close()

    @rule()
    def map_change(self) -> None:
        """Put another version of the target map in place."""
        self._hits["map change"] += 1
        self.world.map = MAPS[1 - MAPS.index(self.world.map)]

    @rule()
    def re_point(self) -> None:
        """Point the target at the other instance."""
        self._hits["re-point"] += 1
        self.world.instance = next(name for name in self.world.servers if name != self.world.instance)
        self.world.read_again(*NUMBERS)

    @rule()
    def rename(self) -> None:
        """Give the pipeline another name; Meltano has no STATE under it."""
        self._hits["rename"] += 1
        self.world.pipeline.name = "renamed" if self.world.pipeline.name == "test" else "test"
        self.world.read_again(*NUMBERS)

    @rule()
    def lose_state(self) -> None:
        """Lose the file with the STATE."""
        self._hits["lose state"] += 1
        self.world.read_again(*NUMBERS)

    @rule()
    def second_process(self) -> None:
        """Start a run while another one has the pipeline: it is refused, and writes nothing."""
        self._hits["second process"] += 1
        world, before = self.world, self.world.server.writes.total()
        with living_by(lambda: world.now):
            engine = world.pipeline.engine(FakeSink(world.server, world.instance), target_map=world.map)
            engine.start()
            try:
                world.pipeline.run(sink=FakeSink(world.server, world.instance), target_map=world.map)
            except EnvironmentFault:
                pass
            else:
                raise BrokenLawError("a second process was let in")
            finally:
                engine.abort("ended by the proof", 1)
                engine._store.close()  # noqa: SLF001  as its process would
        if world.server.writes.total() != before:
            raise BrokenLawError("a second process wrote")

    # runs

    @rule(pause=st.sampled_from([1, 7200]), rows=st.integers(1, 5))
    def run(self, pause: int, rows: int) -> None:
        """Run in fair weather."""
        self._run("run", {}, pause, batch_rows=rows)

    @rule(pause=st.sampled_from([1, 7200]))
    def replay(self, pause: int) -> None:
        """Try what waits again, as a person does."""
        waiting = tuple(self.world.letters())
        self._run("replay", {}, pause, read=waiting, replay=True)

    @precondition(lambda self: self.world.writes > 8)  # late in a life: afterwards rows may be written again
    @rule()
    def resend(self) -> None:
        """Send everything again, whatever the hashes say."""
        self._run("resend", {}, 1, resend=True)

    @rule(step=st.integers(1, 15))
    def crash_in_the_sink(self, step: int) -> None:
        """Die between two requests, or between a write and its answer."""
        self._run("crash in the sink", {"die_at": step}, 1)

    @rule(commit=st.integers(2, 14))
    def crash_at_a_commit(self, commit: int) -> None:
        """Die right before a commit."""
        self._run("crash at a commit", {"dies_at_commit": commit}, 1)

    @rule(keys=some, pause=st.sampled_from([1, 7200]))
    def lose_the_answer(self, keys: set[str], pause: int) -> None:
        """Let writes take effect and their answers be lost."""
        self._run("fault: answer lost", {"lose": keys}, pause)

    @rule(keys=some, pause=st.sampled_from([1, 7200]))
    def lose_the_request(self, keys: set[str], pause: int) -> None:
        """Let requests be lost before they take effect."""
        self._run("fault: request lost", {"swallow": keys}, pause)

    @rule(keys=some)
    def be_refused(self, keys: set[str]) -> None:
        """Let the target refuse."""
        self._run("fault: refused", {"refuse": dict.fromkeys(keys, "rejected")}, 1)

    @rule(keys=some)
    def be_busy(self, keys: set[str]) -> None:
        """Let the target be busy for some records."""
        self._run("fault: busy", {"fail": keys}, 1)

    @rule(after=st.integers(0, 6))
    def go_down(self, after: int) -> None:
        """Let the target go down after some rows."""
        self._run("fault: down", {"down_after": after}, 1)

    @rule(keys=some)
    def answer_later(self, keys: set[str]) -> None:
        """Let the target tell outcomes later."""
        self._run("fault: asynchronous", {"asynchronous": True, "lose": keys}, 1)

    def _run(self, name: str, trouble: dict[str, Any], pause: int, **how: Any) -> None:
        self._hits[name] += 1
        self.world.now += timedelta(seconds=pause)
        self._require(self.world.run(trouble, **how))


def run(size: Size, seed: int, folder: Path) -> Proof:
    """Live lives of the world until enough steps are done."""
    del folder  # every life has its own
    proof = Proof(NUMBER, TITLE)
    hits: Counter[str] = Counter(dict.fromkeys(RULES, 0))
    written: Counter[str] = Counter()
    lives, life = -(-STEPS[size] // STEPS_A_LIFE), _settings()
    turn = 0
    while hits.total() < STEPS[size] and not proof.failures and turn < lives:
        try:
            _live(lambda: Machine(hits, written), life, seed + turn)
        except BrokenLawError as broken:
            proof.failures.append(f"turn {turn}: {broken} {_told(broken)}")
        turn += 1
    proof.numbers |= {
        "steps": hits.total(),
        "lives": written["lives"],
        "runs": written["runs"],
        "rows written": written["rows"],
        "fewest hits of a rule": min(hits.values()),
    }
    proof.details = histogram(hits)
    proof.require_work("steps", "runs", "rows written")
    proof.require(hits.total() >= STEPS[size], f"only {hits.total()} steps were done")
    missed = [name for name, times in hits.items() if times < FEWEST_HITS[size]]
    proof.require(not missed, f"too seldom hit: {', '.join(missed)}")
    return proof


def _live(machine: Callable[[], Machine], life: settings, number: int) -> None:
    run_state_machine_as_test(seed(number)(machine), settings=life)  # type: ignore[arg-type]  # it takes makers too


def _settings() -> settings:
    return settings(
        max_examples=5,
        stateful_step_count=STEPS_A_LIFE,
        deadline=None,
        database=None,
        print_blob=False,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )


def _told(error: BaseException) -> str:
    return " | ".join(getattr(error, "__notes__", []))
