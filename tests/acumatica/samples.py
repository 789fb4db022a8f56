"""The recorded samples, where they are at hand (`SPECS_DIR`)."""

import json
import os
from decimal import Decimal
from pathlib import Path

import pytest
from ml_connector.http import Reply

SPECS_DIR = os.environ.get("SPECS_DIR")
needed = pytest.mark.skipif(not SPECS_DIR, reason="SPECS_DIR is not set: the recorded samples are not at hand")


def sample(name):
    """Return a recorded body."""
    return (Path(SPECS_DIR) / "acumatica" / "samples" / name).read_bytes()


def parsed(name):
    return json.loads(sample(name), parse_float=Decimal)


def reply(status, body, *, method="GET", safe=None, headers=None):
    """Return an answer with this body."""
    safe = method == "GET" if safe is None else safe
    return Reply(method, "https://erp.example/entity/Default/24.200.001/Bill", status, headers or {}, body, safe=safe)
