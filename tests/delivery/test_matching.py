"""Whatever a target has before: no row of it is given to two records, none is taken from another, none is doubled."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ml_connector.delivery.deadletters import StreamShape
from ml_connector.delivery.intake import Intake
from ml_connector.delivery.matching import Matcher
from ml_connector.delivery.settings import EngineSettings
from ml_connector.mapping import MalformedMap, SourceMap, TargetMap

from tests.delivery.conftest import SOURCE_MAP
from tests.mapping.maps import target_map

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ml_connector.delivery.sink import Key, Row

FROM = SOURCE_MAP.replace("    name: name\n", "    name: name\n    tax_id: tax\n    country: country\n")
INTO = """
target: fake
via: import
stream_maps:
  suppliers:
    __match__:
      table: partners
      via: row
      id: no
      key: {source: erp_source, number: source_key}
      by: [{tax: tax_id, country: country}]
      name: {title: name}
    header:
      __alias__: stage
      __key_properties__: [source, number]
      source: erp_source
      number: source_key
      title: name
      tax: tax_id
      country: country
"""
NAMES, TAXES, COUNTRIES = ("Ann", "Bob"), ("1", "2", None), ("NO", "SE")
KEYS = (("", ""), ("", "7"), ("sap", "9"), ("erp:SE01", "1"))
ROWS = st.lists(st.tuples(st.sampled_from(KEYS), *map(st.sampled_from, (NAMES, TAXES, COUNTRIES))), max_size=5)
OURS = st.lists(st.tuples(*map(st.sampled_from, (NAMES, TAXES, COUNTRIES))), max_size=4)


class Partners:
    """One table of the target, for looking things up."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows

    def lookup(
        self, table: str, key_columns: Sequence[str], keys: Sequence[Key], columns: Sequence[str]
    ) -> dict[Key, list[Row]]:
        assert table == "partners"
        found: dict[Key, list[Row]] = {}
        for row in self.rows:
            key = tuple(str(row.get(column) or "") for column in key_columns)
            if key in keys:
                shown = {name: row[name] for name in (*key_columns, *columns)}
                found.setdefault(key, []).append({**shown, "id": row["no"]})
        return found


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> tuple[SourceMap, TargetMap]:
    folder = tmp_path_factory.mktemp("maps")
    (folder / "erp.yml").write_text(FROM)
    return SourceMap.load("erp", [folder]), target_map(folder, INTO)


@given(theirs=ROWS, ours=OURS, create=st.booleans())
def test_a_record_takes_over_the_one_row_it_surely_is_or_waits_or_is_new(
    maps: tuple[SourceMap, TargetMap], theirs: list[Any], ours: list[Any], *, create: bool
) -> None:
    names = ("no", "source", "number", "title", "tax", "country")
    rows = [dict(zip(names, (f"t{at}", *key, *rest), strict=True)) for at, (key, *rest) in enumerate(theirs)]
    raw = [dict(zip(("name", "tax", "country"), each, strict=True)) for each in ours]
    intake = Intake(*maps, {"suppliers": StreamShape("{}", ("_company", "number"))})
    works = [
        work
        for at, record in enumerate(raw)
        for work in intake.read("suppliers", {"_company": "NO01", "number": str(at), "status": "Active", **record})
    ]
    Matcher(EngineSettings("test", "erp desk", create_unmatched=create), maps[1], Partners(rows)).match(works)
    taken = [row.key["no"] for work in works for row in work.rows]
    assert len(set(taken)) == len(taken), "no row is given to two records"
    numbers = Counter((record["tax"], record["country"]) for record in raw if record["tax"])
    for record, work in zip(raw, works, strict=True):
        same = [row for row in rows if record["tax"] and row["tax"] == record["tax"] and row["source"] != "erp:SE01"]
        agree = [row for row in same if row["country"] == record["country"]]
        free = [row for row in agree if row["source"] == "" and row["number"] in ("", work.record.source_key)]
        namesakes = [row for row in rows if row["title"] == record["name"] and not row["source"]]
        namesakes = [row for row in namesakes if row["number"] in ("", work.record.source_key)]
        if len(agree) == len(free) == 1 and numbers[record["tax"], record["country"]] == 1:
            expected = (free[0]["no"], "")
        elif same:
            expected = ("", "supplier_ambiguous")
        elif namesakes:
            expected = ("", "supplier_name_match")
        else:
            expected = ("", "" if create else "supplier_unknown")
        reason = work.verdict.reason if work.verdict else ""
        assert ("".join(row.key["no"] for row in work.rows), reason) == expected
        for row in work.rows:
            assert row.payload == {"no": expected[0], "source": "erp:NO01", "number": work.record.source_key}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("      name: {title: name}\n", "", "by one name"),
        ("{title: name}", "{title: name, tax: tax_id}", "by one name"),
        ("      by: [{tax: tax_id, country: country}]\n", "", "at least one list of columns"),
        ("tax: tax_id, c", "tax: taxid, c", "suppliers have no such field"),
        ("      id: no\n", "", "the column that names one row"),
        ("id: no", "id: no\n      ids: no", "has no such part"),
        ("id: no", "id: no\n      decisions: none.csv", "There is no file none.csv"),
    ],
)
def test_a_malformed_match_is_told(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert INTO.count(old) == 1
    with pytest.raises(MalformedMap, match=words):
        target_map(tmp_path, INTO.replace(old, new))
