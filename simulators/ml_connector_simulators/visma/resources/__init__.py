"""Visma.net's resources by name: path, key, paging, filters, expands."""

from __future__ import annotations

from ml_connector_simulators.visma.resources.ledger import LEDGER
from ml_connector_simulators.visma.resources.masters import MASTERS
from ml_connector_simulators.visma.resources.payables import PAYABLES
from ml_connector_simulators.visma.resources.receivables import RECEIVABLES

RESOURCES = {resource.name: resource for resource in (*PAYABLES, *RECEIVABLES, *LEDGER, *MASTERS)}

__all__ = ["RESOURCES"]
