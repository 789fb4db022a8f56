"""The parts of the maps README that are generated or run. `python -m tests.mapping.readme` renews the field list."""

from __future__ import annotations

import re
from pathlib import Path

import ml_connector_maps
from ml_connector.finance.catalog import RECORD_TYPES, RecordType

README = Path(ml_connector_maps.__file__).parent.parent / "README.md"
FIELDS = re.compile(r"(?<=<!-- fields -->\n).*?(?=<!-- /fields -->)", re.DOTALL)


def block(name: str) -> str:
    """A fenced block of the README by the word after its language."""
    found = re.search(rf"```\w+ {name}\n(.*?)```", README.read_text(), re.DOTALL)
    assert found, f"the README has no block {name}"
    return found[1]


def field_list() -> str:
    """Every canonical record type and its fields."""
    return "\n".join(_described(each, each.name) for each in RECORD_TYPES.values()) + "\n"


def _described(record_type: RecordType, title: str) -> str:
    kinds: dict[str, list[str]] = {}
    for field in record_type.fields.values():
        if field.rows is None:
            kinds.setdefault(field.kind, []).append(f"{field.name}{'*' if field.required else ''}")
    told = "; ".join(f"*{kind}* {', '.join(names)}" for kind, names in kinds.items())
    nested = [_described(f.rows, f"{title}.{name}") for name, f in record_type.fields.items() if f.rows]
    return "\n".join([f"- **{title}**: {told}", *nested])


if __name__ == "__main__":
    README.write_text(FIELDS.sub(lambda _: field_list(), README.read_text()))
