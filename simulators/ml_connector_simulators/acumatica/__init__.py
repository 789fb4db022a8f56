"""The Acumatica simulator."""

from ml_connector_simulators.acumatica.bulk import Bulk
from ml_connector_simulators.acumatica.contract import ENDPOINT, ENTITIES, VERSIONS
from ml_connector_simulators.acumatica.oauth import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from ml_connector_simulators.acumatica.seed.month import Month
from ml_connector_simulators.acumatica.seed.payables import PROBLEMS
from ml_connector_simulators.acumatica.sessions import PASSWORD, TENANT, USER
from ml_connector_simulators.acumatica.settings import Settings
from ml_connector_simulators.acumatica.simulator import AcumaticaSimulator

__all__ = [
    "CLIENT_ID",
    "CLIENT_SECRET",
    "ENDPOINT",
    "ENTITIES",
    "PASSWORD",
    "PROBLEMS",
    "REFRESH_TOKEN",
    "TENANT",
    "USER",
    "VERSIONS",
    "AcumaticaSimulator",
    "Bulk",
    "Month",
    "Settings",
]
