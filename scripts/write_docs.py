"""Write the generated parts of the documentation: each verb's help, and each connector's settings.

Run `.venv/bin/python scripts/write_docs.py`; a test fails when a page is behind.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
CLI_PAGE = ROOT / "docs" / "cli.md"
_OF_THE_SDK = re.compile(r"stream_map|faker_config|flattening_|batch_config")
_WIDTH = 100


def verbs() -> Iterator[tuple[str, str]]:
    """Yield every verb and its help."""
    from ml_connector.cli.commands import cli  # noqa: PLC0415  # needed for this page only

    yield from _help(cli, "ml-connector", None)


def _help(command: click.Command, name: str, parent: click.Context | None) -> Iterator[tuple[str, str]]:
    own = {**command.context_settings, "terminal_width": _WIDTH}
    context = click.Context(command, parent=parent, info_name=name, **own)
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            yield from _help(command.commands[child], child, context)


def connectors() -> list[Path]:
    """Return the folder of every connector."""
    return sorted([*(ROOT / "taps").glob("tap-*"), *(ROOT / "targets").glob("target-*")])


def mappers() -> list[Path]:
    """Return the folder of every Singer mapper."""
    return sorted((ROOT / "mappers").glob("mapper-*"))


def about(connector: str) -> dict[str, Any]:
    """Return what a connector says of itself."""
    command = [str(Path(sys.executable).parent / connector), "--about", "--format=json"]
    return dict(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))


def settings(connector: str) -> dict[str, dict[str, Any]]:
    """Return a connector's own settings; those every SDK plugin has are described by the SDK."""
    properties = about(connector)["settings"]["properties"]
    return {name: schema for name, schema in properties.items() if not _OF_THE_SDK.match(name)}


def settings_table(connector: str) -> str:
    """Return a connector's settings as a Markdown table."""
    required = set(about(connector)["settings"].get("required") or ())
    lines = ["| setting | type | default | what it is |", "|---|---|---|---|"]
    for name, schema in settings(connector).items():
        notes = [*(["required"] if name in required else []), *(["secret"] if schema.get("secret") else [])]
        told = " ".join([*(f"**{note}**" for note in notes), schema.get("description", ""), *_choices(schema)])
        lines.append(f"| `{name}` | {_type(schema)} | {_default(schema)} | {told.strip()} |")
    return "\n".join(lines)


def _type(schema: dict[str, Any]) -> str:
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    return " or ".join(each for each in types if each != "null")


def _default(schema: dict[str, Any]) -> str:
    value = schema.get("default")
    return "" if value is None else f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _choices(schema: dict[str, Any]) -> list[str]:
    values = [f"`{value}`" for value in schema.get("enum") or ()]
    return [f"One of {', '.join(values)}."] if values else []


def with_block(text: str, name: str, block: str) -> str:
    """Return a page with the block between its `<!-- name -->` marks replaced."""
    marks = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
    if not marks.search(text):
        raise LookupError(f"the page has no <!-- {name} --> marks")
    return marks.sub(lambda match: f"{match[1]}{block}\n{match[2]}", text)


def pages() -> dict[Path, str]:
    """Return every page with generated parts, as it should be."""
    found = {folder / "README.md": _readme(folder) for folder in [*connectors(), *mappers()]}
    blocks = [f"## `{path}`\n\n```text\n{text}\n```" for path, text in verbs()]
    found[CLI_PAGE] = with_block(CLI_PAGE.read_text(), "help", "\n\n".join(blocks))
    return found


def _readme(folder: Path) -> str:
    return with_block((folder / "README.md").read_text(), "settings", settings_table(folder.name))


def meltano_settings() -> dict[str, list[str]]:
    """Return, per connector, the settings that meltano.yml declares."""
    document = yaml.safe_load((ROOT / "meltano.yml").read_text())
    plugins = [each for kind in ("extractors", "loaders") for each in document["plugins"][kind]]
    return {each["name"]: [setting["name"] for setting in each["settings"]] for each in plugins if "settings" in each}


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text)
