"""What is checked on the instance before the first record: everything missing is told at once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_connector.errors import ConfigError, Forbidden

from target_servicenow_importset.ap_invoices.document import AP_INVOICE_API, STAGING
from target_servicenow_importset.ap_invoices.document import column as staging_column
from target_servicenow_importset.ap_invoices.log import LOG
from target_servicenow_importset.ap_invoices.preflight import TABLES
from target_servicenow_importset.ap_invoices.preflight import missing as missing_of_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ml_connector.mapping.target_map import TableUse, TargetMap
    from ml_connector.vendors.servicenow.dictionary import Dictionary, Table
    from ml_connector.vendors.servicenow.reader import Reader

    from target_servicenow_importset.ap_invoices.log import InvoiceLog
    from target_servicenow_importset.transforms import Transforms

IMPORT_SET, TABLE = "import_set", "table"
WAYS = (IMPORT_SET, TABLE, AP_INVOICE_API)
OUTCOME_TABLES = ("sys_import_set", "sys_import_set_run")


@dataclass(slots=True)
class Findings:
    """What the checks found: `missing` stops the run, `warnings` are told."""

    missing: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Preflight:
    """Compares what a target map needs with what the instance has."""

    reader: Reader
    dictionary: Dictionary
    transforms: Transforms
    log: InvoiceLog
    needs_labels: Callable[[str], bool]  # are a staging table's rows sent under labels? Then each must name one column

    def check(self, target_map: TargetMap) -> list[str]:
        """Return the warnings. Raises ConfigError naming all that is missing, Forbidden when it cannot be read."""
        findings = Findings()
        uses = target_map.tables.values()
        looked_up = list(target_map.looked_up)
        documents = TABLES if any(use.via == AP_INVOICE_API for use in uses) else ()
        named = {use.table for use in uses} | {table for table, _ in looked_up}
        absent = self.dictionary.load(named.union(documents)) & named
        findings.missing += [f"{name}: the instance has no such table" for name in sorted(absent)]
        present = [use for use in uses if use.table not in absent]
        with suppress(Forbidden):  # told table by table
            staging = [use.table for use in present if use.via == IMPORT_SET]
            self.transforms.load([*staging, *([STAGING] if documents else [])])
        for use in present:
            self._check_use(use, findings)
        for table, columns in looked_up:
            if table not in absent:
                findings.missing += self._columns(self.dictionary.table(table), columns)
        if any(use.via == IMPORT_SET for use in uses):
            findings.warnings += self._unreadable(OUTCOME_TABLES)
        if findings.missing:
            raise ConfigError(_told(target_map.name, findings.missing))
        return findings.warnings

    def _check_use(self, use: TableUse, findings: Findings) -> None:
        if use.via == AP_INVOICE_API:
            self._check_document(use, findings)
            return
        table = self.dictionary.table(use.table)
        missing = self._columns(table, [*use.key_columns, *use.columns])
        findings.missing += missing
        if use.via not in (IMPORT_SET, TABLE):
            findings.missing.append(f"{use.table}: `via: {use.via}` is none of {', '.join(WAYS)}")
        elif use.via == IMPORT_SET and not table.is_staging:
            findings.missing.append(f"{use.table}: no staging table; write it with `via: {TABLE}`")
        elif use.via == IMPORT_SET and not missing:
            self._check_transform(table, use.key_columns, findings)
            findings.warnings += self._unreadable([use.table])

    def _check_document(self, use: TableUse, findings: Findings) -> None:
        """Check what is sent as whole documents: they go through the staging table's transform map, too."""
        found = list(missing_of_documents(use, self.dictionary, self.reader))
        findings.missing += found
        if not found:
            key = [staging_column(name) for name in use.key_columns]
            self._check_transform(self.dictionary.table(STAGING), key, findings)
            if trouble := self.log.trouble():
                findings.warnings.append(f"{LOG}: whether an invoice was taken tells only its row: {trouble}")

    def _columns(self, table: Table, names: Iterable[str]) -> list[str]:
        found = {name: table.find(name.partition(".")[0]) for name in dict.fromkeys(names)}
        missing = [f"{table.name}: {table.complaint(name, cols)}" for name, cols in found.items() if len(cols) != 1]
        if table.is_staging and self.needs_labels(table.name):
            shared = {
                cols[0].label for cols in found.values() if len(cols) == 1 and len(table.find(cols[0].label)) != 1
            }
            missing += [
                f"{table.name}: {len(table.find(label))} columns are labelled {label!r}" for label in sorted(shared)
            ]
        return missing

    def _check_transform(self, table: Table, key: Sequence[str], findings: Findings) -> None:
        try:
            maps = self.transforms.of(table.name)
        except Forbidden as error:
            findings.warnings.append(f"{table.name}: whether rows are matched by their key cannot be checked: {error}")
            return
        wanted = {table.column(name).element for name in key}
        if not maps:
            findings.missing.append(f"{table.name}: no active transform map, so no row would leave the staging table")
        for transform in maps:
            if transform.coalesce.keys() != wanted:
                has, needs = (", ".join(sorted(columns)) or "nothing" for columns in (transform.coalesce, wanted))
                findings.missing.append(
                    f"{table.name}: transform map {transform.name!r} coalesces on {has}, the map's key is {needs}: "
                    "rows would be doubled or mixed up. Set Coalesce on exactly these field maps"
                )

    def _unreadable(self, tables: Iterable[str]) -> Iterator[str]:
        for table in tables:
            try:
                self.reader.probe(table)
            except Forbidden as error:
                yield f"{table}: outcomes cannot be read and rows may stay `sent`: {error}"


def _told(name: str, missing: Sequence[str]) -> str:
    lines = "".join(f"\n  - {line}" for line in dict.fromkeys(missing))
    return f"the instance lacks what map {name!r} needs; nothing was sent:{lines}\nCorrect the map or the instance."
