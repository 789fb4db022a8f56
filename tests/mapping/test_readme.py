"""What the maps README says is so."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.finance.checks import check_document
from ml_connector.finance.records import CanonicalRecord
from ml_connector.mapping import SourceMap, TargetMap
from ml_connector.mapping.functions import FUNCTIONS

from tests.mapping.readme import FIELDS, README, block, field_list

if TYPE_CHECKING:
    from pathlib import Path


def test_the_worked_example_works(tmp_path: Path) -> None:
    (tmp_path / "books.yml").write_text(block("source"))
    (tmp_path / "desk.yml").write_text(block("target"))
    (tmp_path / "departments.csv").write_text(block("crosswalk"))
    target = TargetMap.load("desk", [tmp_path])
    centre = target.dimensions["cost_center"]

    def resolver(_name: str, value: str | None, company: str, on: date | None, /) -> str | None:
        return centre.translate(company, str(value), on)

    native = json.loads(block("record"), parse_float=Decimal)
    [record] = SourceMap.load("books", [tmp_path]).apply("bills", native)
    assert isinstance(record, CanonicalRecord)
    check_document(record)
    rows = [
        {"name": row.name, "phase": row.phase, "table": row.table, "key": row.key, "payload": plain(row.payload)}
        for row in target.rows(record, resolver)
    ]
    assert rows == json.loads(block("rows"))


def plain(payload: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Decimal | date) else value for name, value in payload.items()}


def test_the_field_list_is_current() -> None:
    found = FIELDS.search(README.read_text())
    assert found
    assert found[0] == field_list(), "run: python -m tests.mapping.readme"


def test_every_function_is_listed_and_every_listed_function_exists() -> None:
    section = README.read_text().partition("| function | gives |")[2].partition("\n\n")[0]
    listed = set(re.findall(r"`(\w+)\(", section))
    assert listed == {*FUNCTIONS, "crosswalk", "dimension"}


def test_every_word_of_the_vocabulary_is_explained() -> None:
    import ml_connector.mapping.row_reader as rows  # noqa: PLC0415
    import ml_connector.mapping.source_reader as source  # noqa: PLC0415
    import ml_connector.mapping.target_reader as target  # noqa: PLC0415

    words = {*source._STREAM_WORDS, *source._ROWS_WORDS, *target._RECORD_WORDS, *rows._ROW_WORDS, *rows._OWNED_WORDS}
    assert {
        word for word in words if f"`{word}`" not in README.read_text() and f"{word}:" not in README.read_text()
    } == set()
