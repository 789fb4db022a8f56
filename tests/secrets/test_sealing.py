"""Bank and personal identifiers: sealed in the store, revealed only as they were, shown to nobody."""

from __future__ import annotations

import json
from decimal import Decimal
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ml_connector.errors import ConfigError
from ml_connector.secrets import Redactor, Secret
from ml_connector.secrets.personal import holds_iban, is_personal, personal_values
from ml_connector.secrets.sealing import Sealer, is_sealed, masked
from ml_connector.secrets.vault import Vault

from tests.secrets.conftest import Safe

IBAN = "NO93 8601 1117 947"

RECORD = {
    "_company": "NO01",
    "name": "Nordic Paper AS",
    "glAccount": "4000",
    "bankAccount": "86011117947",
    "supplierPaymentMethodDetails": [{"description": "Account", "value": "8601.11.17947"}],
    "contact": {"e-mail": "kari@example.com", "phone1": "+47 22 33 44 55", "city": "Oslo"},
    "text": f"please pay to {IBAN} by Friday",
    "amount": Decimal("1250.10"),
    "birthDate": None,
    "dontEmail": True,
    "nationalId": 12345678901,
}
HIDDEN = ("86011117947", "8601.11.17947", "kari@example.com", "22 33 44 55", IBAN, "12345678901")


def test_what_is_personal_is_sealed_and_the_rest_is_not(safe: Safe) -> None:
    hidden = Sealer(safe.vault).hide(RECORD)
    text = json.dumps(hidden, default=str)
    assert not any(value in text for value in HIDDEN)
    same = ("_company", "name", "glAccount", "amount", "birthDate", "dontEmail")
    assert {name: hidden[name] for name in same} == {name: RECORD[name] for name in same}
    assert hidden["contact"]["city"] == "Oslo"
    assert is_sealed(hidden["bankAccount"])
    assert is_sealed(hidden["text"])
    assert Sealer(safe.vault).reveal(hidden) == RECORD
    assert RECORD["bankAccount"] == "86011117947", "the record that goes on is not touched"


def test_people_see_neither_a_sealed_value_nor_one_that_should_be(safe: Safe) -> None:
    for structure in (RECORD, Sealer(safe.vault).hide(RECORD)):
        text = json.dumps(masked(structure), default=str)
        assert not any(value in text for value in (*HIDDEN, "sealed:"))
        assert text.count("***") == 6
        assert "Nordic Paper AS" in text


def test_a_record_without_such_fields_needs_no_vault(safe: Safe) -> None:
    plain = {"number": "10024", "lines": [{"account": "4000", "text": "Paper A4 80 g", "amount": Decimal("1.00")}]}
    sealer = Sealer(Vault.find({**safe.environ, "ML_CONNECTOR_VAULT": str(safe.folder / "none" / "vault.json")}))
    assert sealer.hide(plain) is plain
    assert sealer.reveal(plain) == plain
    assert not (safe.folder / "none").exists()


def test_the_vault_is_made_when_it_is_first_needed(safe: Safe, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    path = safe.folder / "fresh" / "vault.json"
    environ = {**safe.environ, "ML_CONNECTOR_VAULT": str(path)}
    hidden = Sealer(Vault.find(environ)).hide(RECORD)
    assert path.stat().st_mode & 0o777 == 0o600
    assert caplog.text.count("made the vault") == 1
    assert Sealer(Vault.find(environ)).reveal(hidden) == RECORD


def test_what_was_sealed_before_a_rotation_opens_after_it(safe: Safe) -> None:
    running = Sealer(safe.vault)
    hidden = running.hide(RECORD)
    safe.vault.rotate(key=True, data_key=True)
    later = Sealer(safe.vault).hide(RECORD)
    assert later["bankAccount"].split(":")[2] != hidden["bankAccount"].split(":")[2]
    for sealer in (running, Sealer(safe.vault)):
        assert sealer.reveal(hidden) == sealer.reveal(later) == RECORD


def test_a_sealed_value_opens_in_its_own_field_only(safe: Safe) -> None:
    sealer = Sealer(safe.vault)
    hidden = sealer.hide({"bankAccount": "111122223333", "iban": "NO9386011117947"})
    with pytest.raises(ConfigError, match=r"'bankAccount'|'iban'"):
        sealer.reveal({"bankAccount": hidden["iban"], "iban": hidden["bankAccount"]})


@pytest.mark.parametrize("place", [0, 10, 18, 25, 40, -1])
def test_a_changed_value_does_not_open(safe: Safe, place: int) -> None:
    sealer = Sealer(safe.vault)
    text = sealer.hide({"iban": "NO9386011117947"})["iban"]
    begin, end = text[: len(text) + place if place < 0 else place], text[place:][1:]
    changed = begin + ("A" if text[place] != "A" else "B") + end
    if is_sealed(changed):
        with pytest.raises(ConfigError, match="'iban'"):
            sealer.reveal({"iban": changed})


def test_another_vault_does_not_open_it(safe: Safe, tmp_path: Any) -> None:
    hidden = Sealer(safe.vault).hide(RECORD)
    other = Safe(tmp_path / "other")
    other.vault.put("a.b", Secret("value"))
    with pytest.raises(ConfigError, match="does not open with the vault") as caught:
        Sealer(other.vault).reveal(hidden)
    assert not any(value in str(caught.value) for value in HIDDEN)


def test_a_text_that_only_looks_sealed_comes_back_as_it_was(safe: Safe) -> None:
    record = {"text": "sealed:v1:0badc0de:AAAA", "lines": ["sealed:v1:", {"iban": "sealed:v1:x:y"}]}
    sealer = Sealer(safe.vault)
    assert sealer.reveal(sealer.hide(record)) == record


NAMES = st.sampled_from(["iban", "bankAccount", "phone", "amount", "text", "lines", "e_mail", "x"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.decimals(allow_nan=False, allow_infinity=False, places=2),
    st.text(),
    st.sampled_from([IBAN, "sealed:v1:", "NO9386011117947"]),
)
STRUCTURES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=20)


@pytest.fixture(scope="module")
def sealer(tmp_path_factory: pytest.TempPathFactory) -> Sealer:
    return Sealer(Safe(tmp_path_factory.mktemp("safe")).vault)


@given(structure=st.dictionaries(NAMES, STRUCTURES))
def test_every_structure_comes_back_digit_for_digit(sealer: Sealer, structure: Any) -> None:
    hidden = sealer.hide(structure)
    back = sealer.reveal(hidden)
    assert back == structure
    assert str(back) == str(structure), "numbers keep their digits"
    assert all(is_sealed(value) for value in personal_values(hidden) if value)


@pytest.mark.parametrize(
    "name",
    [
        "bankAccount",
        "bank_account",
        "IBAN",
        "SupplierBic",
        "swift_code",
        "clearingNumber",
        "bankgiro",
        "nationalId",
        "national_id",
        "SSN",
        "passportNo",
        "dateOfBirth",
        "phone",
        "mobilePhone",
        "fax",
        "Email",
        "e-mail",
        "eMailAddress",
        "u_supplier_email",
        "bban",
        "sortCode",
        "directDebitLines",
        "supplierPaymentMethodDetails",
        "PaymentInstructions",
        "cardNumber",
    ],
)
def test_names_of_personal_fields(name: str) -> None:
    assert is_personal(name)


@pytest.mark.parametrize(
    "name",
    [
        "account",
        "glAccount",
        "accountNumber",
        "name",
        "number",
        "amount",
        "description",
        "nationality",
        "cubic",
        "fabric",
        "cost_center",
        "tax_code",
        "currency",
        "lastModifiedDateTime",
        "lines",
        "branch",
        "assn",
        "classification",
        "faxonomy",
    ],
)
def test_names_of_other_fields(name: str) -> None:
    assert not is_personal(name)


def test_an_iban_is_known_by_its_check_digits() -> None:
    valid = ("NO9386011117947", "DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "x NL91ABNA0417164300, y")
    assert all(map(holds_iban, valid))
    assert not any(map(holds_iban, ("NO9386011117948", "INV2026000000001", "PO12 3456 7890 1234", "")))


def test_it_costs_next_to_nothing_where_there_is_nothing_to_seal(sealer: Sealer) -> None:
    """Compared with what JSON costs in the standard library, so that a slow machine does not decide."""
    row = {f"u_column_{number}": f"a text of row {number}" if number % 3 else number * 1000 for number in range(20)}

    def cost(work: Any) -> float:
        best = []
        for _ in range(20):
            begin = perf_counter()
            for _ in range(50):
                work(row)
            best.append(perf_counter() - begin)
        return min(best)

    assert cost(sealer.hide) < 3 * cost(json.dumps)


def test_what_was_opened_is_not_said_any_more(safe: Safe, monkeypatch: pytest.MonkeyPatch) -> None:
    redactor = Redactor()
    monkeypatch.setattr("ml_connector.secrets.sealing.process_redactor", lambda: redactor)
    sealed = Sealer(safe.vault).hide({"phone": "+47 93031399", "contacts": [{"email": "ola@example.com"}]})
    words = "cannot go on with +47 93031399 of ola@example.com"
    assert redactor.clean(words) == words
    Sealer(safe.vault).reveal(sealed)
    assert redactor.clean(words) == "cannot go on with *** of ***"
