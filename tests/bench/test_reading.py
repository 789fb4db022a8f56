"""The three readers of every tap's benchmark read the same records; what is measured is not judged here."""

from __future__ import annotations

import json
import subprocess

import pytest

from bench import reading, tap_acumatica, tap_servicenow, tap_visma
from bench.calls import Counter
from bench.process import Run

RECORDS = 1_250
SUBJECTS = [tap.SUBJECT for tap in (tap_visma, tap_acumatica, tap_servicenow)]


@pytest.mark.parametrize("subject", SUBJECTS, ids=[subject.tap for subject in SUBJECTS])
def test_all_read_every_record_once(subject, tmp_path):
    with subject.serving(RECORDS) as url:
        read = {name: records(command) for name, command in subject.commands(url, tmp_path).items()}
    assert {name: len(found) for name, found in read.items()} == dict.fromkeys(("raw", "tap", "stock"), RECORDS)
    assert len({json.dumps(plain(record)) for record in read["tap"]}) == RECORDS
    assert list(map(plain, read["raw"])) == list(map(plain, read["tap"])) == list(map(plain, read["stock"]))


def records(command):
    lines = map(json.loads, subprocess.run(command, capture_output=True, check=True).stdout.splitlines())
    return [line["record"] for line in lines if line["type"] == "RECORD"]


def plain(record):
    """Return what is the same in all three ways to read: a record's texts that name it."""
    names = ("referenceNumber", "ReferenceNbr", "sys_id", "id", "number")
    found = {name: record[name] for name in names if name in record}
    return {name: value["value"] if isinstance(value, dict) else value for name, value in found.items()}


def test_the_tap_is_compared_with_both(tmp_path, monkeypatch):
    def timed(command):
        seconds = 1.0 if "bench.raw_visma" in command else 8.0 if "bench.stock_visma" in command else 2.0
        return Run(seconds, seconds / 2, 50.0)

    monkeypatch.setattr(reading, "timed", timed)
    found = reading.compare(tap_visma.SUBJECT, RECORDS, 0.0, 2, tmp_path)
    assert (found.raw, found.of_raw, found.over_stock) == (RECORDS, 0.5, 4.0)
    assert found.calls == {"raw": 0, "tap": 0, "stock": 0}


def test_pages_late_by_so_much_are_served(tmp_path):
    with tap_acumatica.SUBJECT.serving(5, latency=0.01) as url:
        counter = Counter(url)
        with counter.counting():
            assert len(records(tap_acumatica.SUBJECT.commands(url, tmp_path)["raw"])) == 5
    assert counter.count == 3  # a sign-in, a page, a sign-out
