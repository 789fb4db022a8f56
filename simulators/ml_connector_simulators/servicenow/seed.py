"""What an instance holds before anything is imported: its identity, people, rates, ERP sources, its own dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector_simulators.servicenow.access import ERP_INTEGRATION, PROCUREMENT, READER, WRITER, Roles

if TYPE_CHECKING:
    from ml_connector_simulators.servicenow.installation import Installation
    from ml_connector_simulators.servicenow.schema import Column, Table
    from ml_connector_simulators.servicenow.store import Row, Store

INSTANCE_NAME = "mlconnectordemo"
INSTANCE_ID = "6d6c636f6e6e6563746f7264656d6f31"
CLIENT_ID, CLIENT_SECRET = "demo-sn-client", "demo-sn-secret"
USER, PASSWORD = "integration.user", "demo-sn-password"
API_KEY = "demo-sn-api-key"
ADMIN = "admin"
USER_ROLES = (
    "import_transformer",
    "rest_service",
    "personalize_dictionary",
    ERP_INTEGRATION,
    PROCUREMENT,
    READER,
    WRITER,
)
PROPERTIES = {
    "instance_name": INSTANCE_NAME,
    "instance_id": INSTANCE_ID,
    "glide.oauth.inbound.client.credential.grant_type.enabled": "true",
}
COMPANIES = (
    ("visma:NO01", "NO01", "Nordlys Handel AS", "NOK", "Norway"),
    ("visma:SE01", "SE01", "Nordlys Handel AB", "SEK", "Sweden"),
    ("acumatica:US01", "US01", "Riverbend Supply Co.", "USD", "United States"),
)
RATES = {"USD": "1", "EUR": "1.08", "NOK": "0.095", "SEK": "0.094", "DKK": "0.145", "GBP": "1.27"}


def seed(store: Store, installation: Installation) -> None:
    """Fill a fresh instance."""
    for name, value in PROPERTIES.items():
        store.insert("sys_properties", {"name": name, "value": value})
    _people(store, installation)
    _finance(store)
    _dictionary(store)
    _transform_maps(store)
    for table, setting in installation.insert_multiple.items():
        mode = "synchronous" if setting.synchronous else "asynchronous"
        store.insert(
            "sys_rest_insert_multiple", {"source_table": table, "transformation": mode, "column_mapping": setting.keys}
        )


def _people(store: Store, installation: Installation) -> None:
    user = _user(store, USER, PASSWORD, "Integration User")
    roles = Roles(store, user)
    roles |= set(USER_ROLES) - installation.without_roles
    Roles(store, _user(store, ADMIN, "demo-sn-admin-password", "System Administrator")).add("admin")
    store.insert(
        "oauth_entity",
        {"name": "ml-connector", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "user": user["sys_id"]},
    )
    store.insert("api_key", {"key": API_KEY, "user": user["sys_id"]})


def _user(store: Store, name: str, password: str, full_name: str) -> Row:
    return store.insert(
        "sys_user", {"user_name": name, "user_password": password, "name": full_name, "time_zone": "GMT"}
    )


def _finance(store: Store) -> None:
    for currency, rate in RATES.items():
        store.insert("fx_rate", {"currency": currency, "rate": rate})
        store.insert("sn_fin_fx_currency", {"code": currency, "name": currency})
    for erp_source, company, name, currency, country in COMPANIES:
        store.insert("sn_fin_erp_source", {"code": erp_source, "name": name})
        values = {"legal_name": name, "local_currency": currency, "country": country}
        store.insert("sn_fin_legal_entity", {"erp_source": erp_source, "erp_company_code": company, **values})


def _dictionary(store: Store) -> None:
    """Tables and columns as rows; an inherited column stands under its parent's name only (§2.7)."""
    ids: dict[str, str] = {}
    schema = store.schema
    for name in sorted(schema.tables, key=lambda it: len(schema.ancestors(it))):
        table = schema.tables[name]
        values = {"name": name, "label": table.label, "super_class": ids.get(table.parent, ""), "sys_scope": "global"}
        ids[name] = store.insert("sys_db_object", values)["sys_id"]
        store.insert("sys_dictionary", _collection(table))
        for column in schema.declared(name):
            store.insert("sys_dictionary", _entry(column))
            for value, label in column.choices.items():
                choice = {"name": name, "element": column.element, "value": value, "label": label}
                store.insert("sys_choice", choice)


def _collection(table: Table) -> dict[str, str]:
    """The entry of the table itself; one whose deletes leave no trace says so (§2.8)."""
    entry = {"name": table.name, "internal_type": "collection", "active": "true", "audit": str(table.audited).lower()}
    return entry if table.audited else {**entry, "attributes": "no_audit_delete=true"}


def _entry(column: Column) -> dict[str, str]:
    return {
        "name": column.table,
        "element": column.element,
        "column_label": column.label,
        "internal_type": column.type,
        "max_length": str(column.max_length),
        "mandatory": str(column.mandatory).lower(),
        "reference": column.reference,
        "read_only": str(column.element.startswith("sys_")).lower(),
        "active": "true",
        "display": str(column.display).lower(),
        "default_value": column.default,
    }


def _transform_maps(store: Store) -> None:
    for it in store.schema.maps:
        values = {"name": it.name, "source_table": it.source, "target_table": it.target, "order": str(it.order)}
        transform_map = store.insert("sys_transform_map", {**values, "active": str(it.active).lower()})
        for field_map in it.fields:
            entry = {
                "map": transform_map["sys_id"],
                "source_field": field_map.source,
                "target_field": field_map.target,
                "coalesce": str(field_map.coalesce).lower(),
                "choice_action": field_map.choice_action,
                "reference_value_field": field_map.by,
                "currency_field": field_map.currency_from,
            }
            store.insert("sys_transform_entry", entry)
