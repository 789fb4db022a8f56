"""The target as a program: settings, `--ping`, the SDK's standard suite with every group on, requests into orders."""

from __future__ import annotations

import io
import json
import signal

import pytest
from ml_connector.errors import AuthError, ConfigError, OutOfPatience
from ml_connector.secrets import Secret
from ml_connector.secrets.vault import Vault
from ml_connector_simulators.acumatica import REFRESH_TOKEN, AcumaticaSimulator, Settings
from ml_connector_simulators.kit import Fault, running
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.testing import get_target_test_class
from singer_sdk.testing.runners import TargetTestRunner
from target_acumatica.sink import AcumaticaSink
from target_acumatica.target import TargetAcumatica

from tests.target_acumatica.conftest import SIGN_IN
from tests.target_acumatica.program import Program, asked, request, stream

SUITE_MAP = """
source_system: visma
stream_maps:
"""
SUITE_STREAM = """
  {stream}:
    __alias__: suppliers
    __key_properties__: [id]
    company: "'NO01'"
    source_state: "'active'"
    active: "True"
    number: id
    name: {name}
"""
SUITE_TARGET = """
target: acumatica
via: entity
stream_maps:
  suppliers:
    header:
      __alias__: Vendor
      __key_properties__: [AccountRef]
      AccountRef: concat(number, '/', fingerprint(business_key))
      VendorID: {__value__: "concat('S', number)", __owner__: create_only}
      VendorName: name
"""
# The suite's streams that have an id of their own; the others have no key and are left out as unmapped.
NAMED = {"test_duplicate_records": "concat(metric, '')", "test_strings": "info", "test_optional_attributes": "optional"}


def suite_config(sim, folder):
    streams = "".join(SUITE_STREAM.format(stream=s, name=n) for s, n in NAMED.items())
    (folder / "suite.yml").write_text(SUITE_MAP + streams)
    (folder / "suite-acumatica.yml").write_text(SUITE_TARGET)
    return {
        "instance_url": sim.url,
        **SIGN_IN,
        "mapping": ["suite", "suite-acumatica"],
        "maps_dir": str(folder),
        "store_url": f"sqlite:///{folder}/store.db",
    }


StandardSuite = get_target_test_class(TargetAcumatica)


class TestStandardSuite(StandardSuite):
    """The SDK's standard target tests, over HTTP against the simulator."""

    @pytest.fixture
    def runner(self, acumatica, tmp_path):
        return TargetTestRunner(
            target_class=TargetAcumatica, config=suite_config(acumatica, tmp_path), suite_config=None
        )


@pytest.fixture
def acumatica():
    with running(AcumaticaSimulator()) as sim:
        yield sim


@pytest.fixture
def program(acumatica, tmp_path):
    return Program(tmp_path, acumatica)


def test_a_vendor_of_another_system_arrives_and_is_found_again(acumatica, tmp_path):
    program = Program(tmp_path, acumatica, suite_config(acumatica, tmp_path))
    lines = stream({"id": 1, "info": "Nordic Paper"}, name="test_strings").replace('["number"]', '["id"]')
    TargetAcumatica(config=program.config).listen(io.StringIO(lines))
    assert program.states() == [("delivered", None)]
    assert acumatica.row("Vendor", "S1")["VendorName"] == "Nordic Paper"


def test_requests_become_orders_once(program, acumatica):
    records = stream(request(1), request(2, asked(1), asked(2, "ORANGES", "3.5", "4.00")))
    done = program.run(records)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"seen": 2}), done.stderr
    assert [len(row["Details"]) for row in program.orders()] == [1, 2]
    assert {(line["Subaccount"], row["Hold"]) for row in program.orders() for line in row["Details"]} == {
        ("ADM-000", False)
    }
    numbers = [row["OrderNbr"] for row in program.orders()]
    assert program.known_as() == [f"acumatica:DEMO:purchase_orders:Normal/{number}" for number in numbers]
    assert acumatica.log.requests("/auth/logout$")[-1].status == 204
    acumatica.log.clear()
    program.feed(request(1), request(2, asked(1), asked(2, "ORANGES", "3.5", "4.00")))
    assert acumatica.log.writes() == [], "a second run does nothing"
    changed = request(1, asked(1, quantity="5"), short_description="Other words", sys_updated_on="2026-11-02 08:00:00")
    program.feed(changed)
    assert [(line["LineNbr"], line["OrderQty"]) for line in program.orders()[0]["Details"]] == [(1, 5)]
    assert len(acumatica.log.writes()) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"supplier_number": "NOSUCH"}, "supplier_missing"),
        ({"supplier_number": "OLDMILLSTA"}, "supplier_inactive"),
        ({"cost_center_code": "NOSUCH"}, "cost_center_missing"),
        ({"lines": [asked(1), asked(2, "NOSUCH")]}, "item_missing"),
        ({"lines": [asked(1), asked(2, "OLDMIXER")]}, "item_inactive"),
        ({"lines": [asked(1, ledger_account_number="99999")]}, "gl_account_missing"),
    ],
)
def test_a_reference_that_is_not_there_stops_the_record_before_any_write(program, acumatica, change, reason):
    assert program.feed(request(1, **change)) == [("parked", reason)]
    assert acumatica.log.writes() == []


def test_an_order_that_people_have_closed_is_left_to_them(program, acumatica):
    program.feed(request(1))
    number = program.orders()[0]["OrderNbr"]
    acumatica.edit("PurchaseOrder", f"Normal/{number}", Status="Completed")
    acumatica.log.clear()
    changed = request(1, asked(1, quantity="5"), sys_updated_on="2026-11-02 08:00:00")
    assert program.feed(changed) == [("parked", "frozen")]
    assert acumatica.log.writes() == []


@pytest.mark.parametrize("fault", ["commit_then_drop", "truncated", "timeout"])
def test_no_run_makes_a_second_order(program, fault):
    program.settings["request_timeout"] = 1
    program.sim.faults.add(Fault(fault, path="/PurchaseOrder$", method="PUT", seconds=5))
    first = program.feed(request(1), request(2))
    assert ("in_doubt" in {state for state, _ in first}) is (fault == "timeout")
    program.let_time_pass()
    for _ in range(2):
        last = program.feed(request(1), request(2))
    assert last == [("delivered", None)] * 2
    assert len(program.orders()) == 2


@pytest.mark.parametrize("writes", [1, 3])
def test_a_target_killed_between_create_and_settle_resumes(program, writes):
    records = stream(*(request(number) for number in range(1, 5)))
    assert program.kill_after(records, writes) == -signal.SIGKILL
    program.let_time_pass()
    requests = [request(number) for number in range(1, 5)]
    program.feed(*requests)
    program.let_time_pass()
    assert program.feed(*requests) == [("delivered", None)] * 4
    assert len(program.orders()) == 4


def test_a_rotated_refresh_token_is_kept_and_one_that_is_lost_says_what_to_do(program, acumatica):
    vault = Vault.find()
    vault.put("acumatica.refresh_token", Secret(REFRESH_TOKEN))
    program.settings |= {"auth_method": "oauth_refresh", "refresh_token": "secret:acumatica.refresh_token"}
    for number in (1, 2):
        program.feed(request(number))
    assert len(program.orders()) == 2
    acumatica.faults.add(Fault("commit_then_drop", path="/connect/token$", method="POST"))
    for _ in range(2):
        with pytest.raises(AuthError, match=r"authorise again.*secrets set acumatica.refresh_token"):
            program.feed(request(3))
    vault.put("acumatica.refresh_token", Secret(acumatica.consent()))
    program.feed(request(3))
    assert len(program.orders()) == 3


def test_a_session_limit_ends_cleanly_and_the_next_run_goes_on(program, acumatica):
    acumatica.limit_seats(0)
    program.settings["patience"] = 0
    with pytest.raises(OutOfPatience, match="API Login Limit"):
        program.feed(request(1))
    acumatica.limit_seats(1)
    for _ in range(2):
        assert program.feed(request(1)) == [("delivered", None)]
    assert len(program.orders()) == 1


def test_ping_prints_json_lines_and_its_verdict(program, acumatica):
    assert all(check.ok for check in TargetAcumatica(config=program.config).checks())
    acumatica.forbid("Subaccount")
    done = program.run("", "--ping")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 3
    assert [each["name"] for each in lines if not each["ok"]] == ["read Subaccount"]
    assert "write PurchaseOrder" in [each["name"] for each in lines]
    assert "demo-acumatica-secret" not in done.stdout + done.stderr
    assert acumatica.log.writes() == []
    assert acumatica.sessions.all() == [], "the seats were given back"


def test_reread_compares_documents_with_what_the_tenant_shows(program, acumatica):
    program.feed(request(1, asked(1), asked(2)), request(2))
    number = program.orders()[0]["OrderNbr"]
    acumatica.edit("PurchaseOrder", f"Normal/{number}", **{"Details.1.OrderQty": "7"})
    lines = [json.loads(line) for line in program.run("", "--reread").stdout.splitlines()]
    first, second = (line for line in lines if "record" in line)
    assert (first["result"], second["result"]) == ("differs", "equal")
    assert first["rows"][0]["differences"] == {"Details.2.OrderQty": ["2", "7"]}
    order = program.orders()[0]
    total = (first["amount"], first["currency"])
    assert total == (str(order["LineTotal"]), order["CurrencyID"]), "Acumatica's own total, which is never sent"


def test_a_guard_compares_the_tenant_that_is_really_there(program, acumatica):
    program.settings["expected_instance"] = "127.0.0.1/OTHER"
    with pytest.raises(ConfigError, match="expected_instance"):
        program.feed(request(1))
    assert acumatica.log.writes() == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"after_create": {"PurchaseOrder": ["Release"]}}, "decisions of people"),
        ({"after_create": {"Bill": ["ReleaseBill"]}}, "decisions of people"),
        ({"instance_url": "https://acme.example", "settle_window": 600}, "settle_window"),
        ({"client_id": "8EC1@OTHER"}, "must end in @DEMO"),
        ({"auth_method": "cookie", "password": None}, "needs password"),
        ({"auth_method": "oauth_refresh", "refresh_token": "a-token"}, "kept in the vault"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(changes, words):
    config = {"instance_url": "http://127.0.0.1:1", "mapping": ["a", "b"], **SIGN_IN, **changes}
    with pytest.raises(ConfigError, match=words):
        TargetAcumatica(config={name: value for name, value in config.items() if value is not None}).open_sink()


@pytest.mark.parametrize("setting", [{"on_silent_no_op": "x"}, {"auth_method": "magic"}, {"empty_values": "null"}])
def test_a_word_that_is_no_choice_is_refused(setting):
    config = {"instance_url": "https://x.example", "mapping": ["a", "b"], **SIGN_IN, **setting}
    with pytest.raises(ConfigValidationError):
        TargetAcumatica(config=config)


@pytest.mark.parametrize("method", ["oauth_password", "cookie"])
def test_each_way_of_signing_in(acumatica, method):
    acumatica.settings = Settings()
    target = TargetAcumatica(
        config={"instance_url": acumatica.url, "mapping": ["a", "b"], **SIGN_IN, "auth_method": method}
    )
    with target.opened_sink() as sink:
        assert isinstance(sink, AcumaticaSink)
        identity = sink.identity()
    assert (identity.id, identity.company) == ("127.0.0.1/DEMO", "DEMO")
    assert "RIVERBEND" in identity.label
