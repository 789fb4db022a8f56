"""What a delivery target answers beside its runs: `--reread` and `--census`, as JSON lines; neither writes anything."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from ml_connector.reconcile.census import Census
from ml_connector.reconcile.reread import Rereading
from ml_connector.reconcile.scope import Scope
from ml_connector.singer.delivery_settings import engine_settings
from ml_connector.store import open_store
from ml_connector.store.text import decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from ml_connector.singer.target import DeliveryTarget
    from ml_connector.store import Store

    Asked = Callable[[click.Context], AbstractContextManager[Any]]
    Answer = Callable[[Any, Scope], Iterable[Any]]

_REREAD = "Compare delivered rows with what the target shows now; JSON lines. SCOPE is JSON: period, company."
_CENSUS = "Compare what a tap's --census tells on standard input with the store; JSON lines. SCOPE as for --reread."


def question_options(asked: Asked, reread: Answer | None = None, census: Answer | None = None) -> list[click.Option]:
    """Return the options; `asked` opens the target that answers, by default as one that delivers records."""

    def option(name: str, answer: Answer, words: str) -> click.Option:
        def callback(ctx: click.Context, _param: click.Parameter, scope: str | None) -> None:
            if scope is not None:
                with asked(ctx) as target:
                    for line in answer(target, Scope(**decode(scope))):
                        click.echo(encode(line))
                    ctx.exit(0)

        return click.Option(
            [name], callback=callback, help=words, is_flag=False, flag_value="{}", metavar="SCOPE", expose_value=False
        )

    return [option("--reread", reread or _reread, _REREAD), option("--census", census or _census, _CENSUS)]


def _reread(target: DeliveryTarget, scope: Scope) -> Iterator[dict[str, Any]]:
    _, target_map = target.maps()
    with target.opened_sink() as sink:
        identity = sink.identity()
        engine_settings(target.pipeline, target.config).guards.check_instance(identity)
        with _store(target) as store:
            yield {"target": identity.id, "label": identity.label}
            yield from Rereading(store, sink, target_map, identity.id).lines(_of_pipeline(target, scope))


def _census(target: DeliveryTarget, scope: Scope) -> Iterator[dict[str, Any]]:
    source_map, target_map = target.maps()
    guards = engine_settings(target.pipeline, target.config).guards
    share = float(target.config["max_vanished_share"])
    with target.opened_sink() as sink:
        identity = sink.identity()
    with _store(target) as store:
        census = Census(source_map, target_map, guards, share)
        census.take(decode(line) for line in sys.stdin if line.strip())
        yield from census.lines(store, target.pipeline, identity.id, _of_pipeline(target, scope))


def _of_pipeline(target: DeliveryTarget, scope: Scope) -> Scope:
    return Scope(scope.period, target.pipeline, scope.company)


@contextmanager
def _store(target: DeliveryTarget) -> Iterator[Store]:
    store = open_store(target.store_url)
    try:
        yield store
    finally:
        store.close()
