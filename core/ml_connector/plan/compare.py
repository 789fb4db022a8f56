"""Whether a plan still holds: what it says beside what a run would do now."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ml_connector.plan.document import SENDING, Flow, Plan, Record, Verdict, by_key

if TYPE_CHECKING:
    from collections.abc import Iterator

_IDLE = (Verdict.UNCHANGED, Verdict.SKIPPED)


class Difference(NamedTuple):
    """One thing that is not as the plan has it."""

    pipeline: str
    about: str  # a record's name, or what of the flow
    why: str
    key: str | None = None


def differences(planned: Plan, fresh: Plan) -> list[Difference]:
    """Return every difference that matters to what a plan sends or leaves waiting; none when it still holds."""
    now = {flow.pipeline: flow for flow in fresh.flows}
    found: list[Difference] = []
    for flow in planned.flows:
        if flow.pipeline in now:
            found += _of_flow(flow, now.pop(flow.pipeline))
        else:
            found.append(Difference(flow.pipeline, "the flow", "it is not run any more"))
    return found + [Difference(name, "the flow", "it is not in the plan") for name in now]


def _of_flow(planned: Flow, fresh: Flow) -> Iterator[Difference]:
    for name, words in (("target_id", "the target"), ("mapping", "the mapping"), ("map_version", "the maps")):
        before, now = getattr(planned, name), getattr(fresh, name)
        if before != now:
            yield Difference(planned.pipeline, words, f"{before} when it was planned, {now} now")
    then, now = by_key(planned.records), by_key(fresh.records)
    for key in dict.fromkeys([*then, *now]):
        why = _why(then.get(key), now.get(key))
        if why:
            yield Difference(planned.pipeline, (now.get(key) or then[key]).name, why, key)
    yield from _of_target(planned, fresh)
    yield from _of_rows(planned, fresh)


def _why(then: Record | None, now: Record | None) -> str:
    """Return how a record differs from its plan, empty when it does not."""
    if all(each is None or (each.verdict in _IDLE and not each.sends) for each in (then, now)):
        return ""  # nothing is sent and nothing waits, whatever else is said of it
    if then is None or now is None:
        return f"{_words(now)} now, and not in the plan" if now else f"{_words(then)} in the plan; it comes no more"
    if (then.verdict, then.reason) != (now.verdict, now.reason):
        return f"{_words(then)} in the plan; {_words(now)} now"
    if then.source_hash != now.source_hash:
        return "changed in the source"
    others = then.sends != now.sends or then.rows != now.rows
    return "other rows would be sent, or were sent last" if others else ""


def _words(record: Record | None) -> str:
    if record is None:
        return ""
    reason = record.reason if record.verdict not in SENDING else None
    return f"{record.verdict} ({reason})" if reason else str(record.verdict)


def _of_rows(planned: Flow, fresh: Flow) -> Iterator[Difference]:
    """Yield tables of which a bulk load would now change other rows, or that it would change otherwise."""
    then, now = _changes(planned), _changes(fresh)
    for place in dict.fromkeys([*then, *now]):
        if then.get(place) != now.get(place):
            table, company, verdict = place
            words = f"{then.get(place, 'nothing')} in the plan, {now.get(place, 'nothing')} now"
            yield Difference(planned.pipeline, f"{table} {company} {verdict}".replace("  ", " "), words)
    if planned.statements != fresh.statements:
        yield Difference(planned.pipeline, "the tables", "would be changed otherwise")


def _changes(flow: Flow) -> dict[tuple[str, str, str], str]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for rows in flow.rows:
        if rows.verdict in SENDING:
            told = f"{rows.count} {rows.amount} {rows.currency}".strip()
            found.setdefault((rows.table, rows.company, rows.verdict), []).append(told)
    return {place: ", ".join(sorted(told)) for place, told in found.items()}


def _of_target(planned: Flow, fresh: Flow) -> Iterator[Difference]:
    """Yield rows of the target that were looked at both times and are not the same."""
    then = {each.place: each for each in planned.seen}
    for each in fresh.seen:
        before = then.get(each.place)
        if before is not None and before.hash != each.hash:
            place = ", ".join(f"{name} {value}" for name, value in each.key.items())
            yield Difference(planned.pipeline, f"{each.table} {place}", "changed in the target")
