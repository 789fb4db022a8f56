"""A ServiceNow instance: sign-in, Table, Aggregate, Import Set and Batch API (facts: apis/servicenow.md)."""

from ml_connector_simulators.servicenow.access import READER, WRITER
from ml_connector_simulators.servicenow.installation import InsertMultiple, Installation, RateLimit
from ml_connector_simulators.servicenow.simulator import ServiceNowSimulator

__all__ = ["READER", "WRITER", "InsertMultiple", "Installation", "RateLimit", "ServiceNowSimulator"]
