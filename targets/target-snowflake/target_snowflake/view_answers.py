"""What `--views` answers, as JSON lines: which finance views are shipped, that they were made, or what they show."""

from __future__ import annotations

import re
from datetime import date, time
from typing import TYPE_CHECKING, Any

import click
from ml_connector.errors import BadAnswer, ConfigError
from ml_connector.store.text import encode

from target_snowflake import views
from target_snowflake.books_settings import check_identity
from target_snowflake.connection import ConnectionOptions, Session
from target_snowflake.errors import Missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from target_snowflake.target import TargetSnowflake

    Asked = Callable[[click.Context], AbstractContextManager[TargetSnowflake]]

LIST, APPLY = "list", "apply"
_WORDS = (
    "Answer about the finance views over Visma's tables, as JSON lines: `list` tells them, `apply` creates them, and "
    "names (VISMA_SPEND,VISMA_OPEN_AP) show their rows."
)
_HEAD = re.compile(r"^-- (\w.*)$", re.MULTILINE)


def view_option(asked: Asked) -> click.Option:
    """Return the option; `asked` opens the target that answers."""

    def callback(ctx: click.Context, _param: click.Parameter, word: str | None) -> None:
        if word is not None:
            with asked(ctx) as target:
                for line in answers(target, word):
                    click.echo(encode(line))
                ctx.exit(0)

    return click.Option(["--views"], callback=callback, help=_WORDS, metavar="WORD", expose_value=False)


def answers(target: TargetSnowflake, word: str) -> Iterator[dict[str, Any]]:
    """Yield the answer to one word.

    Raises:
        ConfigError: There is no such view, or it is not in the schema.
    """
    if word == LIST:
        yield from map(told, views.finance_views())
        return
    names = [] if word == APPLY else _known(word)
    options = ConnectionOptions.of(target.config)
    options.check()
    with Session.open(options, {"pipeline": target.pipeline, "run": "views"}) as session:
        check_identity(session, target.config)
        if word == APPLY:
            yield from map(_became, views.create(session))
        for name in names:
            yield from ({"view": name, "row": row} for row in _rows(session, name))


def told(view: views.View) -> dict[str, Any]:
    """Return what is said of a view: its question is the first line of its file."""
    question = _HEAD.search(view.sql)
    return {
        "view": view.name,
        "title": view.title,
        "question": question[1] if question else view.title,
        "needs": [name.lower() for name in view.needs],
    }


def _became(made: views.Made) -> dict[str, Any]:
    return {**told(made.view), "made": not made.missing, "missing": [name.lower() for name in made.missing]}


def _known(word: str) -> list[str]:
    names = [name.strip().upper() for name in word.split(",")]
    known = [view.name for view in views.finance_views()]
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(f"there is no view {', '.join(unknown)}. The views are {', '.join(known)}.")
    return names


def _rows(session: Session, name: str) -> Iterator[dict[str, Any]]:
    try:
        found = views.rows(session, name)
    except (Missing, BadAnswer) as error:
        raise ConfigError(f"{name} cannot be read: {error} Create the views: ml-connector views … --apply") from None
    return ({column.lower(): _plain(value) for column, value in row.items()} for row in found)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | time) else value
