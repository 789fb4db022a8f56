"""`ml-connector-simulators serve` as a process: it tells its addresses, keeps its state, ends on SIGTERM."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
import requests
from ml_connector_simulators.visma import CLIENT_ID, CLIENT_SECRET, NO01


class Served:
    def __init__(self, data):
        command = [sys.executable, "-m", "ml_connector_simulators", "serve", "--data", str(data)]
        ports = ["--visma-port", "0", "--servicenow-port", "0", "--acumatica-port", "0"]
        self.process = subprocess.Popen(command + ports, stdout=subprocess.PIPE, text=True)
        self.urls = json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        output, _ = self.process.communicate(timeout=20)
        return self.process.returncode, output


@pytest.fixture
def serve(tmp_path):
    started = []

    def start():
        started.append(Served(tmp_path / "state"))
        return started[-1]

    yield start
    for served in started:
        if served.process.poll() is None:
            served.process.kill()
            served.process.communicate()


def supplier_name(url):
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "tenant_id": NO01.tenant_id,
        "scope": "vismanet_erp_service_api:read",
    }
    token = requests.post(f"{url}/connect/token", data=form, timeout=10).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{url}/v1/supplier/50001", headers=headers, timeout=10).json()["name"]


def test_three_servers_one_line_state_kept_and_a_clean_end(serve):
    first = serve()
    assert set(first.urls) == {"visma", "servicenow", "acumatica"}
    edit = {"edit": "edit", "company": "NO01", "resource": "supplier", "key": "50001", "changes": {"name": "Nytt AS"}}
    assert requests.post(f"{first.urls['visma']}/_sim/edit", json=edit, timeout=10).status_code == 200
    assert requests.get(f"{first.urls['servicenow']}/_sim/requests", timeout=10).status_code == 200
    assert first.stop() == (0, "")
    second = serve()
    assert supplier_name(second.urls["visma"]) == "Nytt AS"
    assert second.stop() == (0, "")
