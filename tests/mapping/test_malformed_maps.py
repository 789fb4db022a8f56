"""Every malformed map is a configuration error that names file, line, the words, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ml_connector.errors import ConfigError
from ml_connector.mapping import MalformedMap, SourceMap, TargetMap, search_path

from tests.mapping.maps import SOURCE, TARGET, source_map, target_map

if TYPE_CHECKING:
    from pathlib import Path

NO_MISTAKE = None
# the words replaced, by what, the words on whose line the mistake is told (None: in the new words), what is said
SOURCE_MISTAKES = [
    ("net: gross - tax", "net: gross -", None, "not an expression"),
    ("net: gross - tax", "net: gross.__class__", None, "reserved"),
    ("net: gross - tax", "net: gross ** 2", None, "operator Pow"),
    ("net: gross - tax", "net: netto(gross)", None, "there is no function 'netto'"),
    ("net: gross - tax", "net:", None, "an expression is expected here"),
    ("net: gross - tax", "net: [gross]", None, "an expression is expected here"),
    ("net: gross - tax", "net: gross - tax\n    net: tax", "net: tax", "stands here twice, first on line 22"),
    ("net: gross - tax", "nett: gross - tax", None, "no such field"),
    ("net: gross - tax", "tax_mode: 'Net'", "bills:", "cannot go without this field"),
    ("net: gross - tax", "net: 2026-10-01", None, "a bare date is not an expression"),
    ("net: gross - tax", "net: &anchor gross", None, NO_MISTAKE),
    ("net: gross - tax", "net: crosswalk('none.csv', gross, day)", None, "There is no file none.csv"),
    ("net: gross - tax", "net: dimension('a', gross, entity, day)", None, "belongs in the columns of a target map"),
    ("__alias__: supplier_invoices", "__alias__: supplier_bills", None, "there is no such record type"),
    ("__key_properties__: [kind, nr]", "__key_propertys__: [kind, nr]", None, "this word does not exist here"),
    ("    __key_properties__: [kind, nr]\n", "", "bills:", "what tells its records apart"),
    ("      __each__: rows\n", "", "    lines:", "which list they come from"),
    ("__each__: rows", "__each__: rows\n      __row__: index", "__row__", "this word does not exist here"),
    ("    lines:\n", "    lines: rows\n    tax_lines:\n", None, "its entries are missing"),
    ("  segment: 1", "  segment: kind", None, "a variable is a plain value"),
    ("  segment: 1", "  segment: 1 / 0", None, "DivisionByZero"),
    ("  segment: 1", "  segment: 1\n  cost-centre: 2", "cost-centre", "could not name this variable"),
    ("      tax: sum", "      index: 1\n      tax: sum", None, "could not name this variable"),
    ("source_system: books", "source_sytem: books", None, "no such part"),
    ("source_system: books", "source_system:", None, "this is missing"),
    ("source_system: books", "target: books", None, "this is a target map"),
    ("stream_maps:", "streams:", None, "no such part"),
    ("    __skip__:\n", "    __else__: keep\n    __skip__:\n", None, "never canonical"),
    ("    title:", "   title:", None, "this is not YAML"),
    ('"-1 if', '"-1 if\\z', None, "this is not YAML"),
]
TARGET_MISTAKES = [
    ("total: sign * total", "total: sign * totals", None, "supplier_invoices have no such field"),
    ("total: sign * total", "total: lines.amounts", None, "no such field"),
    ("total: sign * total", "total: source.anything - net", None, NO_MISTAKE),
    ("total: sign * total", "total: currency.code", None, "no such field"),
    ("amount: amount", "amount: sign * amount", None, "no such field"),
    ("amount: amount", "amount: source_key", None, "read as record.source_key"),
    ("amount: amount", "amount: record.sign * amount", None, NO_MISTAKE),
    ("id: business_key", "id: source_key", "  supplier_invoices:+2", "does not carry the whole business key"),
    ("id: business_key", "id: erp_source", "  supplier_invoices:+2", "does not carry the whole business key"),
    ("id: business_key", "id: concat(erp_source, source_key)", None, NO_MISTAKE),
    ("[source, code]", "[code]", "    header:", "does not carry the whole business key"),
    ("[source, code]", "[source, code, number]", "    header:", "a column the row does not fill"),
    ("[id, position]", "[id]", "    line:", "the rows of the list share one key"),
    ("__each__: lines", "__each__: rows", None, "no such list"),
    ("__each__: lines", "__each__: currency", None, "no such list"),
    ("__each__: lines", "__filter__: dimension('cost_center', title, 'x', 'y')", None, "belongs in the columns"),
    ("dimension('cost_center'", "dimension('cost_centre'", None, "no dimension 'cost_centre'"),
    ("dimension('cost_center'", "dimension(unit", None, "name in quotes"),
    ("record.posting_date)", "record.posting_date, 1)", None, "takes 4 arguments"),
    ("    missing: park\n", "", "  cost_center:", "does not say what a missing value does"),
    ("    missing: park\n", "    missing: ignore\n", None, "does not say what a missing value does"),
    ("    missing: park\n", "    missing: {default: }\n", None, "this is missing"),
    ("    inactive: park\n", "    inactive: park\n    owner: me\n", "owner: me", "a dimension has no such part"),
    ("source: cost_centers.code", "source: cost_centers.number", None, "no such master and field"),
    ("source: cost_centers.code", "source: cost_centre", None, "no such master and field"),
    ("source: cost_centers.code", "source: cost_centre.source_key", None, "no such master and field"),
    ("source: cost_centers.code", "source: cost_centers.source_key", None, NO_MISTAKE),
    ("    missing: park\n", "    missing: omit\n", None, NO_MISTAKE),
    ("code: value", "code: number", None, "a dimension's key cannot read this"),
    ("    table: centre", "    crosswalk: none.csv\n    table: centre", None, "There is no file none.csv"),
    ("__owner__: create_only", "__owner__: everybody", None, "owned by source, create_only or target"),
    ("paid: {__owner__: target}", "paid: {__owner__: target, __value__: total}", None, "only what is sent"),
    ("paid: {__owner__: target}", "paid: {__owner__: source}", None, "only what is sent"),
    ("      __alias__: bill\n", "", "  supplier_invoices:+2", "__alias__ (the table)"),
    ("via: table\n", "", "    header:", "__via__ (how it is written)"),
    ("__types__: [invoice, credit_note]", "__type__: [invoice]", None, "this word does not exist here"),
    ("__types__: [invoice, credit_note]", "__types__: [[invoice]]", None, "this is missing"),
    ("__types__: [invoice, credit_note]", "__other_entities__: maybe", None, "either park or send"),
    ("__types__: [invoice, credit_note]", "__frozen_states__: {table: x}", None, "this is missing"),
    ("__alias__: bill_line", "__alias__: bill", "  supplier_invoices:", "in another way, or by another key"),
    ("  suppliers:\n", "  vendors:\n", None, "there is no such record type"),
    ("target: desk", "source_system: desk", None, "this is a source map"),
    ("target: desk", "target: desk\nname: desk", "name: desk", "a target map has no such part"),
    (
        "    header:\n      __alias__: vendor",
        "    header: vendor\n    row:\n      __alias__: vendor",
        None,
        "its entries are missing",
    ),
]


def line_of(text: str, words: str) -> int:
    """The line of the first occurrence of words; `+2` after them moves on."""
    words, _, further = words.partition("+")
    return text[: text.index(words)].count("\n") + 1 + int(further or 0)


def check(folder: Path, text: str, *, target: bool, line: int, words: str | None) -> None:
    name, load = ("desk.yml", target_map) if target else ("books.yml", source_map)
    if words is NO_MISTAKE:
        load(folder, text)
        return
    with pytest.raises(ConfigError) as wrong:
        load(folder, text)
    report = [told for told in str(wrong.value).splitlines() if words in told]
    assert report, str(wrong.value)
    assert f"{name}:{line}:" in report[0], report[0]
    assert report[0].rstrip().endswith((".", "`.")), "it must say what to do"


@pytest.mark.parametrize(("old", "new", "at", "words"), SOURCE_MISTAKES)
def test_mistakes_in_a_source_map(tmp_path: Path, old: str, new: str, at: str | None, words: str | None) -> None:
    assert old in SOURCE
    text = SOURCE.replace(old, new, 1)
    check(tmp_path, text, target=False, line=line_of(text, at or new), words=words)


@pytest.mark.parametrize(("old", "new", "at", "words"), TARGET_MISTAKES)
def test_mistakes_in_a_target_map(tmp_path: Path, old: str, new: str, at: str | None, words: str | None) -> None:
    assert old in TARGET
    text = TARGET.replace(old, new, 1)
    check(tmp_path, text, target=True, line=line_of(text, at or new), words=words)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = SOURCE.replace("gross - tax", "gross -").replace("title: concat", "title: konkat").replace("day\n", "day.\n")
    with pytest.raises(MalformedMap) as malformed:
        source_map(tmp_path, text)
    assert [finding.text.split("(")[0] for finding in malformed.value.findings] == ["konkat", "day.", "day.", "gross -"]
    assert "(4 mistakes)" in str(malformed.value)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "", "a/b", "..", "a\x00b"])
def test_a_map_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="not the name of a map file"):
        SourceMap.load(name, [tmp_path])


def test_a_missing_map_tells_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as missing:
        SourceMap.load("tap_none", search_path(tmp_path))
    assert "tap_none.yml" in str(missing.value)
    assert str(tmp_path) in str(missing.value)
    assert "ml_connector_maps" in str(missing.value)


def test_a_projects_own_map_goes_before_the_installed_one(tmp_path: Path) -> None:
    installed = TargetMap.load("servicenow-s2p", search_path(tmp_path))
    (tmp_path / "servicenow-s2p.yml").write_text(TARGET)
    own = TargetMap.load("servicenow-s2p", search_path(tmp_path))
    assert list(own.tables) == ["vendor", "bill", "bill_line"]
    assert own.version != installed.version


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "text",
        "a: b: c",
        "--- 1\n--- 2",
        "a: *b",
        "a: &x 1\nb: *x",
        "? [1]\n: 2",
        "<<: {a: 1}",
        "a: {" * 2000,
        "a: [" * 200_000,  # deeper than the C stack
        "\x07",
        "a: !!python/object/apply:os.system ['true']",
    ],
)
def test_what_is_no_map_at_all(tmp_path: Path, text: str) -> None:
    for load in (source_map, target_map):
        with pytest.raises(ConfigError, match=r"\.yml"):
            load(tmp_path, text)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "books.yml").write_bytes(b"source_system: \xff\xfe")
    with pytest.raises(ConfigError, match="not YAML"):
        SourceMap.load("books", [tmp_path])


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(0, len(TARGET) - 1), st.integers(0, 12), st.text("ab:{}[]'\"\n -#&*!|>_1é", max_size=6), st.booleans()
)
def test_any_damage_is_a_configuration_error_or_still_a_map(
    tmp_path: Path, at: int, length: int, put: str, target: bool
) -> None:
    text = TARGET if target else SOURCE
    at %= len(text)
    damaged = text[:at] + put + text[at + length :]
    try:
        target_map(tmp_path, damaged) if target else source_map(tmp_path, damaged)
    except ConfigError as wrong:
        assert ".yml" in str(wrong)  # noqa: PT017
