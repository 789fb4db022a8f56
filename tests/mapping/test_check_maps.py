"""`maps check`: what is wrong, odd or idle about two maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.mapping import Finding, check_maps

from tests.mapping.maps import SOURCE, TARGET

if TYPE_CHECKING:
    from pathlib import Path


def findings(folder: Path, source: str = SOURCE, target: str = TARGET, **streams: frozenset[str]) -> list[Finding]:
    (folder / "books.yml").write_text(source)
    (folder / "desk.yml").write_text(target)
    return check_maps("books", "desk", [folder], streams or None)


def told(found: list[Finding], severity: str) -> set[str]:
    return {each.text for each in found if each.severity == severity}


def test_sound_maps_have_notes_only(tmp_path: Path) -> None:
    found = findings(tmp_path)
    assert {each.severity for each in found} == {"note"}


def test_fields_nobody_uses_and_fields_nobody_fills_are_noted(tmp_path: Path) -> None:
    notes = told(findings(tmp_path, target=TARGET.replace("name: name", "name: tax_id")), "note")
    assert {"name", "tax_id", "lines.description", "lines.account"} <= notes
    assert not {"number", "lines.amount", "lines.dimensions.cost_center", "currency", "lines.record"} & (
        notes - {"number"}
    )


def test_record_types_without_a_partner_are_noted(tmp_path: Path) -> None:
    lonely = TARGET.replace("  suppliers:", "  customers:")
    assert {"suppliers", "customers"} <= told(findings(tmp_path, target=lonely), "note")


def test_a_dimension_no_column_proves_is_a_warning(tmp_path: Path) -> None:
    unused = TARGET.replace(
        "centre: dimension('cost_center', dimensions.cost_center, record.company, record.posting_date)",
        "centre: dimensions.cost_center",
    )
    assert told(findings(tmp_path, target=unused), "warning") == {"cost_center"}


def test_mistakes_of_both_files_come_first(tmp_path: Path) -> None:
    found = findings(tmp_path, SOURCE.replace("gross - tax", "gross -"), TARGET.replace("[source, code]", "[code]"))
    assert [(each.place.file, each.severity) for each in found] == [("books.yml", "error"), ("desk.yml", "error")]
    assert check_maps("none", "desk", [tmp_path])[0].severity == "error"


def test_overlapping_crosswalk_rows_are_errors(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("company,value,target,valid_from,valid_to,note\n*,1,A,,,\n*,1,A,,,\n")
    found = findings(tmp_path, target=TARGET.replace("    table: centre", "    crosswalk: c.csv\n    table: centre"))
    assert (found[0].place.file, found[0].place.line, found[0].severity) == ("c.csv", 3, "error")


def test_with_a_catalog_native_names_are_checked_too(tmp_path: Path) -> None:
    bills = frozenset("_company kind nr status origin taxes vendor day currency gross entity rows".split())  # noqa: SIM905
    vendors = frozenset({"_company", "code", "name"})
    assert told(findings(tmp_path, bills=bills, vendors=vendors), "error") == set()
    assert told(findings(tmp_path, bills=bills - {"day", "rows"}, vendors=vendors), "error") == {"day", "rows"}
    assert told(findings(tmp_path, bills=bills), "error") == {"vendors"}
