"""The tables of a seeded instance, written down declaratively."""

from __future__ import annotations

from dataclasses import replace

from ml_connector_simulators.servicenow.schema import Schema
from ml_connector_simulators.servicenow.tables import apo, payments, s2p
from ml_connector_simulators.servicenow.tables.documents import INVOICE_LOG, INVOICES, LINES, ORDERS
from ml_connector_simulators.servicenow.tables.masters import MASTERS
from ml_connector_simulators.servicenow.tables.platform import IMPORTS, PLATFORM
from ml_connector_simulators.servicenow.tables.requisitions import REQUISITIONS
from ml_connector_simulators.servicenow.tables.staging import transform


def delivered() -> Schema:
    """Everything the platform and the finance applications deliver, before an installation changes it."""
    definitions = (*s2p.MAPS, *apo.MAPS, *payments.MAPS)
    sources = (source for source, *_ in definitions)
    finance = (
        replace(it, audited=True) for it in (*MASTERS, *ORDERS, *REQUISITIONS, *INVOICES, *LINES, *payments.PAYMENTS)
    )
    tables = {it.name: it for it in (*PLATFORM, *IMPORTS, *finance, INVOICE_LOG, *sources)}
    columns = Schema(tables, ()).columns
    maps = (
        transform(name, source, columns(target).values(), target, text) for source, target, name, text in definitions
    )
    return Schema(tables, tuple(maps))
