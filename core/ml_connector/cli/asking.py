"""Asking taps and targets for a reconciliation: processes that answer with JSON lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ml_connector.cli.processes import last_words, meltano_invoke, setting_variable
from ml_connector.cli.replay import feeding
from ml_connector.errors import ConfigError, ConnectorError, EnvironmentFault
from ml_connector.store.text import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ml_connector.cli.project import Project
    from ml_connector.reconcile.scope import Scope
    from ml_connector.reconcile.source_view import SourceFinding

_FAULTS: dict[int, type[ConnectorError]] = {each.exit_code: each for each in (ConfigError, EnvironmentFault)}


def reread(project: Project, run: dict[str, Any], scope: Scope) -> list[dict[str, Any]]:
    """Ask the target of a pipeline for its delivered rows as they are now.

    Raises:
        ConnectorError: The target could not answer; its own last words are told.
    """
    return _ask(project, run, ["--reread", _text(scope)])


def census(project: Project, run: dict[str, Any], scope: Scope) -> list[dict[str, Any]]:
    """Have the tap of a pipeline list its records, and its target compare them with the store.

    Raises:
        ConnectorError: One of them could not answer; its own last words are told.
    """
    pair = project.pair_of(run["pipeline"])
    listed = meltano_invoke(project, pair.extractor, ["--census"])
    _refuse_fault(pair.extractor, listed.returncode, listed.stderr)
    return _ask(project, run, ["--census", _text(scope)], feed="".join(_json_lines(listed.stdout)))


def cancel(project: Project, run: dict[str, Any], findings: Sequence[SourceFinding]) -> None:
    """Tell the target of a pipeline, by its own way for data, which records the source has no more.

    Raises:
        ConnectorError: The target could not work; its own last words are told.
    """
    pair = project.pair_of(run["pipeline"])
    around = feeding(project, pair.extractor, pair.loader, run["id"])
    around[setting_variable(pair.loader, "replay")] = "true"
    done = meltano_invoke(project, pair.loader, [], feed="".join(_singer_lines(findings)), **around)
    _refuse_fault(pair.loader, done.returncode, done.stderr)


def _ask(project: Project, run: dict[str, Any], question: Sequence[str], feed: str = "") -> list[dict[str, Any]]:
    pair = project.pair_of(run["pipeline"])
    around = feeding(project, pair.extractor, pair.loader, run["id"])
    return answers(project, pair.loader, question, feed=feed, **around)


def answers(
    project: Project, plugin: str, question: Sequence[str], *, feed: str = "", **around: str
) -> list[dict[str, Any]]:
    """Ask a plugin what it answers with JSON lines.

    Raises:
        ConnectorError: It could not answer; its own last words are told.
    """
    done = meltano_invoke(project, plugin, question, feed=feed, **around)
    _refuse_fault(plugin, done.returncode, done.stderr)
    return [decode(line) for line in _json_lines(done.stdout)]


def _json_lines(text: str) -> Iterator[str]:
    """Yield what a plugin answered; Meltano's own words are no JSON."""
    return (line for line in text.splitlines(keepends=True) if line.startswith("{"))


def _refuse_fault(plugin: str, code: int, log: str) -> None:
    if code:
        raise _FAULTS.get(code, ConnectorError)(f"{plugin} could not answer: {last_words(log)}")


def _text(scope: Scope) -> str:
    return json.dumps({name: value for name, value in scope.as_data().items() if value and name != "pipeline"})


def _singer_lines(findings: Iterable[SourceFinding]) -> Iterator[str]:
    """Yield the Singer messages of deletions: a schema per stream, and a record that says when it was missed."""
    told: set[str] = set()
    for finding in findings:
        stream, keys, stub = (finding.stub[name] for name in ("stream", "keys", "stub"))
        if stream not in told:
            told.add(stream)
            schema = {"properties": {name: {"type": ["string", "null"]} for name in stub}}
            yield json.dumps({"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": keys}) + "\n"
        yield json.dumps({"type": "RECORD", "stream": stream, "record": stub}) + "\n"
