"""kill -9 while a refresh token is spent: it works on, or a person is asked to authorise again; nothing else is lost.

Acumatica's refresh tokens are good for one use. A process that dies between the use and the vault takes the next one
with it; whatever else it was doing goes on as soon as somebody has authorised the application again.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from ml_connector.errors import ConnectorError
from ml_connector.secrets import Secret
from ml_connector.secrets.vault import Vault
from ml_connector_simulators.acumatica import AcumaticaSimulator
from ml_connector_simulators.kit import running
from ml_connector_simulators.servicenow import ServiceNowSimulator

from prove import bank_canaries, buyers, chain, token_seams
from prove.both_ways import ACUMATICA, COUNT, SERVICENOW, BothWays
from prove.buyers import Buyers
from prove.canaries import Search
from prove.emitted import records
from prove.proof import Proof, Size, histogram
from prove.scene import let_answer
from prove.workers import WORKERS, in_turn

if TYPE_CHECKING:
    from pathlib import Path

    from prove.flow import Ended

NUMBER, TITLE = 14, "kill -9 while a refresh token is spent"
ROUNDS = {Size.SHORT: 1, Size.FULL: 2}
SAMPLE = {Size.SHORT: 2, Size.FULL: None}  # of the points of a round
NAME = "acumatica.refresh_token"
AGAIN = ("authorise again", f"ml-connector secrets set {NAME}")
SUPPLIERS, ITEMS = ("ALLFRUITSW",), ("APPLES", "ORANGES")
_KILLED, _NOT_LET_IN = -9, 3
BANK = ("failures while bank accounts were read", "bank accounts in the tap's records")
WORKS, ASKED = "worked on", "a person was asked to authorise again"


@dataclass
class Tokens:
    """A tap and a target that live on one refresh token, and the vault that has it."""

    ways: BothWays
    buyers: Buyers
    wanted: frozenset[str] = frozenset()  # what an undisturbed tap reads
    search: Search = field(default_factory=Search)
    counts: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def vault(self) -> Vault:
        """The vault of the two."""
        return Vault.find(self.ways.environ)

    def authorise(self) -> None:
        """Let the application in, as a user does in the browser, and keep what comes of it."""
        self.vault.put(NAME, Secret(self.ways.acumatica.consent()))

    # one kill

    def play(self, executable: str, point: str) -> None:
        """Kill a process at a seam; run again, authorise again if that is asked for, and see that nothing is lost."""
        place = f"{executable} killed at {point}"
        if executable == "target":
            self.buyers.ask()
        killed = self._run(executable, point)
        let_answer(self.ways.acumatica)
        if killed.code != _KILLED:
            self.failures += [f"{place}: {words}" for words in killed.faults()]
            self.counts["points that were not reached"] += 1
            return
        self.counts["kills"] += 1
        spent = self._is_spent(place)
        state = self.ways.newest_state()
        again = self._run(executable, COUNT)
        asked = again.code == _NOT_LET_IN and all(words in again.err for words in AGAIN)
        self.ends[f"{point.partition(':')[0]}: {ASKED if asked else WORKS}"] += 1
        self.counts[ASKED if asked else WORKS] += 1
        if asked != spent:
            self.failures.append(
                f"{place}: the token was {'' if spent else 'not '}spent; {again.code} {again.err[-300:]}"
            )
        if asked:
            self.failures += [f"{place}: a run that was not let in moved the STATE"] * (
                self.ways.newest_state() != state
            )
            self.authorise()
            again = self._run(executable, COUNT)
        self.failures += [f"{place}: {words}: {again.err[-300:]}" for words in again.faults()]
        self.failures += [f"{place}: {words}" for words in self._lost(executable, again)]

    def _run(self, executable: str, point: str) -> Ended:
        if executable == "tap":
            ended = self.ways.books(point, "vendors")
        else:
            if self.ways.store.exists():
                self.ways.let_time_pass()
            ended = self.ways.load(point, self.ways.requests(self.ways.newest_state()))
        self._look(ended, executable)
        return ended

    def _is_spent(self, place: str) -> bool:
        """Say whether the token in the vault is worthless; a vault that does not open is a failure."""
        try:
            self.vault.check()
            token = self.vault.get(NAME).reveal()
        except ConnectorError as error:
            self.failures.append(f"{place}: the vault: {error}")
            return True
        kept = self.ways.acumatica.store.kept("#refresh", token)
        return kept is None or bool(kept.get("used"))

    def _lost(self, executable: str, ended: Ended) -> list[str]:
        if executable == "tap":
            return [] if records(ended.out) == self.wanted else ["lost: it did not read what an undisturbed run reads"]
        return [*buyers.faults(self.buyers, self.ways.acumatica)]

    def _look(self, ended: Ended, executable: str) -> None:
        """Search what a process said for every token that was ever given out."""
        acumatica = self.ways.acumatica
        self.search.learn(acumatica.store.kept_keys("#refresh"))
        self.search.learn(list(acumatica.tokens._tokens))  # noqa: SLF001  the simulator's own books
        self.search.look(f"{executable} stdout", ended.out.encode())
        self.search.look(f"{executable} stderr", ended.err.encode())

    def end(self) -> None:
        """Verify the trail, and search every file that is left."""
        self.failures += chain.broken(self.ways)
        settings = ("target.json", "tap.json", "books.json", "staging.json")
        for path in sorted(self.ways.folder.rglob("*")):
            if path.is_file() and path.name not in settings:
                self.search.look(str(path.relative_to(self.ways.folder)), path.read_bytes())
        self.failures += [f"seen: {hit}" for hit in self.search.hits[:20]]


def run(size: Size, seed: int, folder: Path) -> Proof:
    """Kill at every seam, in tap and target."""
    proof, chance = Proof(NUMBER, TITLE), random.Random(seed)
    cases = [(number, points_of(size, chance), chance.randrange(2**32)) for number in range(WORKERS)]
    with in_turn(size) as each:
        results: list[Tokens] = list(each(partial(attack, folder), cases))
    _tell(proof, results)
    return proof


def points_of(size: Size, chance: random.Random) -> list[tuple[str, str]]:
    """Return executables and points in turn."""
    every = [(who, point) for who in ("tap", "target") for point in token_seams.POINTS]
    found: list[tuple[str, str]] = []
    for _ in range(ROUNDS[size]):
        found += chance.sample(every, SAMPLE[size] or len(every))
    return found if size is Size.FULL else [*found, (chance.choice(("tap", "target")), f"{token_seams.UNREAD}:1")]


def attack(folder: Path, case: tuple[int, list[tuple[str, str]], int]) -> Tokens:
    """Play one worker's points, one after the other, in one store and one vault."""
    number, points, seed = case
    place = folder / f"pair-{number}"
    with running(AcumaticaSimulator()) as acumatica, running(ServiceNowSimulator()) as servicenow:
        acumatica.limit_seats(None)
        environ = {
            "ML_CONNECTOR_VAULT": str(place / "vault" / "vault.json"),
            "ML_CONNECTOR_KEY_FILE": str(folder / f"keys-{number}" / "key"),
        }
        settings: dict[str, Any] = {"auth_method": "oauth_refresh", "refresh_token": f"secret:{NAME}", "patience": 2}
        ways = BothWays(place, acumatica=acumatica, servicenow=servicenow, environ=environ)
        ways.target_settings = ways.books_settings = settings
        for supplier in SUPPLIERS:
            servicenow.add(
                "sn_fin_supplier", supplier_number=supplier, legal_name=supplier, erp_source="acumatica:US01"
            )
        servicenow.add("cmn_cost_center", code="ADM", name="Administration", erp_source="acumatica:US01")
        tokens = Tokens(ways, Buyers(servicenow, random.Random(seed), SUPPLIERS, ITEMS, parking=0))
        tokens.search.learn((ACUMATICA["client_secret"], ACUMATICA["password"], SERVICENOW["client_secret"]))
        tokens.authorise()
        tokens.wanted = records(ways.books(COUNT, "vendors").out)
        for executable, point in points:
            tokens.play(executable, point)
        tokens.end()
        ways.books_settings = {}
        counts, told = bank_canaries.attack(ways, tokens.buyers.chance)
        tokens.counts.update(counts)
        tokens.failures += told
    return _alone(tokens)


def _alone(tokens: Tokens) -> Tokens:
    """Return what was counted, without what no other process can have."""
    tokens.counts["orders"] = len(tokens.buyers.made)
    tokens.counts["records a tap reads"] = len(tokens.wanted)
    tokens.ways, tokens.buyers = None, None  # type: ignore[assignment]
    return tokens


def _tell(proof: Proof, results: list[Tokens]) -> None:
    counts = sum((result.counts for result in results), Counter[str]())
    names = ("kills", "points that were not reached", WORKS, ASKED, "orders", "records a tap reads", *BANK)
    proof.numbers |= {name: counts[name] for name in names}
    proof.numbers |= {
        "shapes of tokens and secrets looked for": sum(result.search.shapes for result in results),
        "places searched": sum(result.search.places for result in results),
        "bytes searched": sum(result.search.searched for result in results),
        "hits": sum(len(result.search.hits) for result in results),
    }
    proof.require_work("kills", WORKS, ASKED, "orders", "records a tap reads", "places searched", *BANK)
    for result in results:
        proof.failures += result.failures
    proof.details = histogram(dict(sorted(sum((result.ends for result in results), Counter[str]()).items())))
