"""Who may do what: users, their roles, access rules (apis/servicenow.md §2.5, §3.4)."""

from __future__ import annotations

from collections.abc import Iterator, MutableSet
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ml_connector_simulators.servicenow.store import Row, Store

Operation = Literal["create", "read", "write", "delete", "query_match", "query_range"]
NOBODY = "nobody"
# Custom roles: what an administrator would make for the connector's user.
READER, WRITER = "x_ml_connector.reader", "x_ml_connector.writer"
ERP_INTEGRATION, PROCUREMENT = "sn_fcms_intg.integration_user", "sn_spend_intg.procurement_integrator"


@dataclass(frozen=True, slots=True)
class Rule:
    """One access rule: an operation on a table (`sn_fin_*`) needs the role; none needed when it is empty.

    With `column` it is about that column, with `rows` (an encoded query) about the rows that match.
    """

    operation: Operation
    table: str
    role: str = ""
    column: str = ""
    rows: str = ""


DELIVERED = (
    Rule("create", "*", WRITER),
    Rule("write", "*", WRITER),
    Rule("delete", "*", WRITER),
    Rule("read", "*", READER),
    Rule("create", "sn_fcms_intg_*", ERP_INTEGRATION),
    Rule("create", "sn_s2p_*", ERP_INTEGRATION),
    Rule("create", "sn_spend_intg_*", PROCUREMENT),
    Rule("create", "sn_apo_invoice*", PROCUREMENT),
    # The chart of accounts comes through staging, for the administrator too (§6.1).
    Rule("create", "sn_fin_gl_account", NOBODY),
    Rule("read", "sys_properties"),
    Rule("read", "sys_dictionary", "personalize_dictionary"),
    Rule("read", "sys_db_object", "personalize_dictionary"),
    Rule("read", "sys_transform_*", "import_transformer"),
    *(Rule("read", table, "admin") for table in ("oauth_entity", "api_key", "jwt_verifier_map", "sys_user_has_role")),
    *(
        Rule("write", table, "admin")
        for table in ("oauth_entity", "api_key", "jwt_verifier_map", "sys_user*", "sys_properties")
    ),
    *(
        Rule("create", table, "admin")
        for table in ("oauth_entity", "api_key", "jwt_verifier_map", "sys_user*", "sys_*")
    ),
)


class Roles(MutableSet[str]):
    """The roles of one user; adding and discarding takes effect with the next request."""

    def __init__(self, store: Store, user: Row) -> None:
        self._store = store
        self._user = user["sys_id"]

    def __contains__(self, role: object) -> bool:
        return role in set(self)

    def __iter__(self) -> Iterator[str]:
        held = self._store.find("sys_user_has_role", user=self._user)
        return iter([role["name"] for it in held if (role := self._store.get("sys_user_role", it["role"]))])

    def __len__(self) -> int:
        return len(self._store.find("sys_user_has_role", user=self._user))

    def add(self, value: str) -> None:
        """Give the user a role."""
        if value not in self:
            found = self._store.find("sys_user_role", name=value)
            role = found[0] if found else self._store.insert("sys_user_role", {"name": value})
            self._store.insert("sys_user_has_role", {"user": self._user, "role": role["sys_id"]})

    def discard(self, value: str) -> None:
        """Take a role away."""
        for role in self._store.find("sys_user_role", name=value):
            for held in self._store.find("sys_user_has_role", user=self._user, role=role["sys_id"]):
                self._store.delete("sys_user_has_role", held["sys_id"])


class Access:
    """The access rules of an instance, asked on behalf of one user's roles."""

    def __init__(self) -> None:
        self.rules: list[Rule] = list(DELIVERED)

    def replace(self, rule: Rule) -> None:
        """Have this rule in the place of all on the same operation and table."""
        same = (rule.operation, rule.table)
        self.rules = [it for it in self.rules if (it.operation, it.table) != same or not _plain(it)]
        self.rules.append(rule)

    def may(self, roles: frozenset[str], operation: Operation, table: str) -> bool:
        """Whether the table's most specific rules let these roles do it."""
        rules = [it for it in self.rules if it.operation == operation and _plain(it) and fnmatch(table, it.table)]
        closest = max((len(it.table) for it in rules), default=0)
        return all(_passes(roles, it) for it in rules if len(it.table) == closest)

    def may_column(self, roles: frozenset[str], operation: Operation, table: str, column: str) -> bool:
        """Whether a column may be read, written or queried."""
        rules = (it for it in self.rules if it.column == column and it.operation == operation)
        return all(_passes(roles, it) for it in rules if fnmatch(table, it.table))

    def may_query(self, roles: frozenset[str], table: str, column: str, operation: Operation) -> bool:
        """Whether a query may compare a column: what may not be read may not be queried either."""
        return self.may_column(roles, "read", table, column) and self.may_column(roles, operation, table, column)

    def hidden(self, roles: frozenset[str], table: str) -> list[str]:
        """Encoded queries of the rows these roles may not see."""
        rules = (it for it in self.rules if it.operation == "read" and it.rows and fnmatch(table, it.table))
        return [it.rows for it in rules if not _passes(roles, it)]


def _plain(rule: Rule) -> bool:
    return not rule.column and not rule.rows


def _passes(roles: frozenset[str], rule: Rule) -> bool:
    if rule.role == NOBODY:
        return False
    return not rule.role or rule.role in roles or "admin" in roles
