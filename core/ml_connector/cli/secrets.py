"""`ml-connector secrets`: the vault from outside. No value is printed, and none is taken from the command line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from ml_connector.cli.desk import Desk, Stop, verb
from ml_connector.cli.project import Project
from ml_connector.secrets import Secret
from ml_connector.words import many

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from ml_connector.secrets.document import Entry


@click.group()
def secrets() -> None:
    """Keep passwords and keys in the vault; a setting names one as secret:CONNECTION.FIELD."""


@secrets.command("set")
@click.argument("name", metavar="CONNECTION.FIELD")
@click.argument("more", nargs=-1, type=click.UNPROCESSED, metavar="")
@verb
def set_(desk: Desk, name: str, more: tuple[str, ...]) -> int:
    """Keep a secret, e.g. visma.client_secret; you are asked for it, or it is read from standard input."""
    if more:
        raise Stop(
            "a value does not belong on the command line: others see it in the list of processes, and the shell keeps "
            "it. Choose another one where it came from.",
            f"ml-connector secrets set {name}",
        )
    desk.vault.put(name, Secret(_asked(name)))
    desk.show({"set": name, "vault": str(desk.vault.path)}, lambda: Text(f"{name} is kept in {_place(desk)}."))
    desk.say(f"next: write secret:{name} where the setting stands, then: ml-connector ping")
    return 0


def _place(desk: Desk) -> str:
    """Return which vault it is: an environment may have one of its own, as the demonstration has."""
    environment = desk.project.environment if Project.is_here() else ""
    return f"{desk.vault.path}{f' (environment {environment})' if environment else ''}"


def _asked(name: str) -> str:
    """Return a value that a person types unseen, or that is piped in; one line end after it is not part of it."""
    if sys.stdin.isatty():
        typed: str = click.prompt(f"{name} (not shown)", hide_input=True, confirmation_prompt=True, err=True)
        return typed
    return sys.stdin.read().removesuffix("\n").removesuffix("\r")


@secrets.command("list")
@verb
def list_(desk: Desk) -> int:
    """List what the vault keeps: names, who set them and when; never a value."""
    entries = desk.vault.entries()
    told = [
        {"name": name, "set_at": each.set_at, "set_by": each.set_by, "data_key": each.data_key}
        for name, each in entries.items()
    ]
    desk.show({"vault": str(desk.vault.path), "secrets": told}, lambda: _list_picture(entries))
    desk.say(f"vault: {_place(desk)}" if entries else "next: ml-connector secrets set CONNECTION.FIELD")
    return 0


def _list_picture(entries: Mapping[str, Entry]) -> RenderableType:
    if not entries:
        return Text("The vault keeps nothing yet.")
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("secret", "set", "by", "data key"):
        table.add_column(title, header_style="bold")
    for name, entry in sorted(entries.items()):
        table.add_row(*map(Text, (name, entry.set_at, entry.set_by, entry.data_key)))
    return table


@secrets.command()
@click.argument("name", metavar="CONNECTION.FIELD")
@verb
def remove(desk: Desk, name: str) -> int:
    """Forget a secret."""
    desk.vault.remove(name)
    desk.show({"removed": name}, lambda: Text(f"{name} is forgotten."))
    return 0


@secrets.command()
@click.option("--key", is_flag=True, help="Only the key that opens the vault.")
@click.option("--data-key", is_flag=True, help="Only the data key that secrets are sealed under.")
@verb
def rotate(desk: Desk, key: bool, data_key: bool) -> int:
    """Change the vault's keys, both unless you say which; stopped half-way, type it again.

    Secrets are sealed anew. Older data keys stay in the vault, under the new key: what the store has sealed names them.
    """
    both = key == data_key
    desk.vault.rotate(key=key or both, data_key=data_key or both)
    changed = [word for word, is_meant in (("key", key or both), ("data key", data_key or both)) if is_meant]
    desk.show({"rotated": changed}, lambda: Text(f"The vault has a new {' and a new '.join(changed)}."))
    desk.say("next: ml-connector secrets check; then back up the vault and, in another place, its key")
    return 0


@secrets.command()
@verb
def check(desk: Desk) -> int:
    """Open every secret, and prove that no byte of the vault was changed."""
    count = desk.vault.check()
    desk.show({"opened": count}, lambda: Text(f"{many(count, 'secret')} opened; the vault is as it was written."))
    return 0
