"""Deleted rows, by the trace that they leave in sys_audit_delete (apis/servicenow.md §2.8).

Its columns are UNCONFIRMED in any primary source: they must be in the dictionary. Tables with the attribute
`no_audit_delete`, or listed in `glide.db.audit.ignore.delete`, leave no trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.errors import Forbidden
from ml_connector.singer.paging import Page
from ml_connector.singer.rows import Conforming
from ml_connector.singer.schema import DELETED_AT

from tap_servicenow.shape import SYS_ID
from tap_servicenow.values import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_connector.delivery.sink import Row
    from ml_connector.vendors.servicenow.reader import Reader

    from tap_servicenow.proofs import Proofs

TRACES = "sys_audit_delete"
TABLE, ROW, WHEN, SHOWN = "tablename", "documentkey", "sys_created_on", "display_value"
TOGETHER = 500  # records of a page


@dataclass(frozen=True, slots=True)
class Deletions:
    """The deleted rows of one table."""

    reader: Reader
    proofs: Proofs
    table: str
    shown: str
    """The column that stands for a row, such as its number: of a deleted one it is told, too. '' for none."""

    def pages(self, since: str) -> Iterator[Page]:
        """Yield, for rows deleted since and not back again, their id and when. Raises Forbidden."""
        self.proofs.prove(TRACES, f"{TABLE}ISNOTEMPTY^{WHEN}ISNOTEMPTY")
        self.proofs.prove_range(TRACES, WHEN)
        found = self.reader.rows(TRACES, f"{TABLE}={self.table}^{WHEN}>={since}", (TABLE, ROW, WHEN, SHOWN))
        for trace in found:
            if any(name not in trace for name in (TABLE, ROW, WHEN)):
                raise Forbidden(f"{TRACES} is not readable as a whole: detect_deletes needs {TABLE}, {ROW} and {WHEN}")
            if trace[TABLE] != self.table or trace[WHEN] < since:
                raise Forbidden(f"the instance dropped the query on {TRACES}: give the account a role that may read it")
        last = {trace[ROW]: trace for trace in sorted(found, key=lambda trace: trace[WHEN])}
        back = self.reader.lookup(self.table, [SYS_ID], [(row,) for row in last], [])
        gone = [self._marked(trace) for row, trace in last.items() if (row,) not in back]
        for start in range(0, len(gone), TOGETHER):
            yield Page(Conforming(gone[start : start + TOGETHER]))

    def _marked(self, trace: Row) -> Row:
        shown = {self.shown: trace[SHOWN]} if self.shown and trace.get(SHOWN) else {}
        return {SYS_ID: trace[ROW], **shown, DELETED_AT: moment(trace[WHEN])}
