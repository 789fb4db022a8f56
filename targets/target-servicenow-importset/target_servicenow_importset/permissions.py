"""What the account may write, as far as an instance tells it without a write (apis/servicenow.md §3.4, §6.1).

Staging tables ask for documented roles. Whether the account holds them is in `sys_user_has_role`, which not every
account may read; access rules beyond roles show at the first write only. UNCONFIRMED: that a Table API query takes
`javascript:gs.getUserID()`, as filters in the platform do; an answer about anybody else counts as none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.delivery.sink import Check
from ml_connector.errors import BadAnswer, ConfigError, Forbidden

from target_servicenow_importset.ap_invoices.document import AP_INVOICE_API, STAGING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_connector.mapping.target_map import TableUse, TargetMap
    from ml_connector.vendors.servicenow.reader import Reader

ADMIN = "admin"
ROLES = {
    "sn_fcms_intg_": ("sn_fcms_intg.integration_user",),
    "sn_spend_intg_": ("sn_spend_intg.procurement_integrator", "sn_spend_intg.admin"),
}
_MINE = "user=javascript:gs.getUserID()"
_LATER = "cannot be known before the first write"


def write_checks(reader: Reader, target_map: TargetMap) -> Iterator[Check]:
    """Yield, for each table a map writes, whether the account may; nothing is written."""
    held = held_roles(reader)
    for use in target_map.tables.values():
        yield _may_write(use, held)


def held_roles(reader: Reader) -> frozenset[str] | None:
    """Return the roles of the account, None when it may not know them."""
    try:
        rows = reader.rows("sys_user_has_role", _MINE, ("user", "role.name"))
    except (Forbidden, ConfigError, BadAnswer):
        return None
    named = {row.get("role.name", "") for row in rows}
    alone = len({row.get("user", "") for row in rows}) == 1  # else the instance did not understand the question
    return frozenset(named) if alone and "" not in named else None


def _may_write(use: TableUse, held: frozenset[str] | None) -> Check:
    name = f"write {use.table}"
    what = " and ".join(kind.replace("_", " ") for kind in use.record_types)
    staging = STAGING if use.via == AP_INVOICE_API else use.table  # the API stands for its staging tables
    wanted = next((roles for prefix, roles in ROLES.items() if staging.startswith(prefix)), ())
    data = {"table": use.table, "roles": list(wanted), "known": bool(held is not None and wanted)}
    if held is not None and ADMIN in held:
        return Check(
            name, ok=True, detail=f"may write {use.table} ({what}): role {ADMIN}", data={**data, "known": True}
        )
    if held is None or not wanted:
        why = "the account may not read its own roles" if held is None else "no role is documented for it"
        needs = f"; it needs role {' or '.join(wanted)}" if wanted else ""
        return Check(name, ok=True, detail=f"{use.table} ({what}): {_LATER}, {why}{needs}", data=data)
    if found := held.intersection(wanted):
        return Check(name, ok=True, detail=f"may write {use.table} ({what}): role {min(found)}", data=data)
    missing = " or ".join(wanted)
    return Check(
        name,
        ok=False,
        detail=f"may not write {use.table} ({what}): role {missing} missing",
        suggestion=f"Give the account the role {wanted[0]}.",
        data=data,
    )
