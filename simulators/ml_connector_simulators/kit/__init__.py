"""What every vendor simulator shares: a real server, a request log, faults, a clock, tokens, state, admin routes.

A new vendor is a small folder: subclass `Simulator`, give it an ASGI `app` (Starlette routes), say who calls and
what counts as a write, and list the edits a vendor's user could make.
"""

from ml_connector_simulators.kit.clock import Clock
from ml_connector_simulators.kit.faults import Fault, Faults
from ml_connector_simulators.kit.limits import FixedWindow
from ml_connector_simulators.kit.log import LoggedRequest, RequestLog
from ml_connector_simulators.kit.server import running
from ml_connector_simulators.kit.simulator import Simulator
from ml_connector_simulators.kit.state import Database, Documents
from ml_connector_simulators.kit.tokens import Tokens
from ml_connector_simulators.kit.wire import Answer, decode_json, encode_json, json_response

__all__ = [
    "Answer",
    "Clock",
    "Database",
    "Documents",
    "Fault",
    "Faults",
    "FixedWindow",
    "LoggedRequest",
    "RequestLog",
    "Simulator",
    "Tokens",
    "decode_json",
    "encode_json",
    "json_response",
    "running",
]
