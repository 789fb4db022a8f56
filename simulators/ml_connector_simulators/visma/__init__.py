"""The Visma.net ERP simulator."""

from ml_connector_simulators.visma.auth import CLIENT_ID, CLIENT_SECRET, CUSTOMER_TENANT_ID
from ml_connector_simulators.visma.bulk import Bulk
from ml_connector_simulators.visma.seed.company import COMPANIES, NO01, SE01
from ml_connector_simulators.visma.seed.month import Month
from ml_connector_simulators.visma.seed.problems import PROBLEMS, Problem
from ml_connector_simulators.visma.simulator import VismaSimulator

__all__ = [
    "CLIENT_ID",
    "CLIENT_SECRET",
    "COMPANIES",
    "CUSTOMER_TENANT_ID",
    "NO01",
    "PROBLEMS",
    "SE01",
    "Bulk",
    "Month",
    "Problem",
    "VismaSimulator",
]
