"""SIGTERM while the target waits for an outcome: it ends at once, and what is sent stays known as sent."""

from __future__ import annotations

import signal
import subprocess
import time

from tests.flow.conftest import Clean, Flow

SOON = 15.0  # seconds, on a busy machine; the wait itself would last for `patience`, 300


def test_a_target_that_waits_for_outcomes_ends_at_once(flow: Flow, clean: Clean) -> None:
    flow.servicenow.configure(imports="manual")  # the transformer has stopped
    flow.target_settings = {"mode": "insert_multiple", "patience": 300}
    path = flow.folder / "stream.jsonl"
    path.write_text(clean.stream)
    with path.open() as lines, (flow.folder / "printed").open("w") as printed:
        process = subprocess.Popen(flow.target(), stdin=lines, stdout=printed, stderr=subprocess.DEVNULL)
        assert flow.servicenow.log.wait_for("GET", r"/sys_import_set$", 4, timeout=120)  # it looks again and again
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert time.monotonic() - asked < SOON
    assert flow.last_run()["outcome"] == "stopped"
    assert flow.states()["sent"] > 0
    assert flow.states().get("in_doubt", 0) == 0
    before = len(flow.servicenow.log.writes("/insertMultiple"))
    sent = flow.states()["sent"]
    flow.servicenow.process_imports()
    flow.servicenow.configure(imports="poll")
    code, log = flow.load("")
    assert code == 0, log
    assert flow.states()["delivered"] == sent
    assert len(flow.servicenow.log.writes("/insertMultiple")) == before
