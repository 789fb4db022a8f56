"""No secret in any text (L10)."""

import base64
import logging
import pickle
import threading
from urllib.parse import quote, quote_plus

import pytest
import requests_mock as rm
from hypothesis import assume, given
from hypothesis import strategies as st
from ml_connector.errors import BadAnswer, InDoubt
from ml_connector.http import Basic, Client, ClientCredentials
from ml_connector.secrets import MASK, RedactingFilter, Redactor, Secret

SECRETS = st.text(min_size=6, max_size=40).filter(lambda text: text.strip() == text)


@given(SECRETS, st.text(max_size=10), st.text(max_size=10))
def test_a_known_secret_is_gone_in_every_encoding(secret: str, before: str, after: str):
    assume(secret not in before + MASK + after)
    redactor = Redactor([secret])
    wrapped = f"{before} {secret} {after}"
    assert secret not in redactor.clean(wrapped)
    assert quote(secret, safe="") not in redactor.clean(quote(wrapped, safe=""))
    assert quote_plus(secret) not in redactor.clean(quote_plus(wrapped))


@given(
    st.binary(max_size=7),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8),
    st.binary(max_size=7),
)
def test_a_secret_inside_base64_cannot_be_read_back(before: bytes, secret: str, after: bytes):
    text = base64.b64encode(before + secret.encode() + after).decode()
    left = Redactor([secret]).clean(text)
    assert MASK in left
    assert len(left.replace(MASK, "")) <= len(text) - (len(secret) * 8 // 6 - 2)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abc.def-123456",
        "authorization=Basic dXNlcjpwYXNzd29yZA==",
        '{"access_token": "abc123456", "x": 1}',
        "client_secret=abc123456&grant_type=x",
        "https://anna:abc123456@host/path",
        "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhYmMxMjM0NTYifQ.abc123456",
        "x-sn-apikey: abc123456",
        "account NO9386011117947 of abc",
        "konto SE45 5000 0000 0583 9825 7466",
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str):
    cleaned = Redactor().clean(text)
    assert MASK in cleaned
    for part in ("abc123456", "abc.def-123456", "dXNlcjpwYXNzd29yZA", "9386011117947", "0583 9825"):
        assert part not in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "Invoice 100023 of supplier 50001",
        "AB12CDEF34567890123 is no IBAN",
        "POST https://x/token: no answer",
        "Basic realm=x",
    ],
)
def test_ordinary_words_stay(text: str):
    assert Redactor().clean(text) == text


def test_a_secret_shows_itself_nowhere():
    secret = Secret("hidden")
    assert "hidden" not in f"{secret} {secret!r} {[secret]} {{'a': secret}}"
    assert secret == Secret("hidden") != Secret("other")
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_logs_are_cleaned_with_arguments_and_tracebacks(caplog: pytest.LogCaptureFixture):
    logger = logging.getLogger("redaction-test")
    cleaner = RedactingFilter(Redactor(["hunter22"]))
    caplog.handler.addFilter(cleaner)
    try:
        logger.warning("password is %s", "hunter22")
        try:
            raise ValueError("hunter22 in a traceback")  # noqa: TRY301
        except ValueError:
            logger.exception("failed")
    finally:
        caplog.handler.removeFilter(cleaner)
    assert "hunter22" not in caplog.text
    assert caplog.text.count(MASK) >= 2


def test_no_error_of_the_client_shows_secret_or_token(requests_mock: rm.Mocker, caplog: pytest.LogCaptureFixture):
    requests_mock.post("https://x.example/token", json={"access_token": "t0ken-value", "expires_in": 60})
    echo = {
        "text": lambda request, _: f"{request.headers['Authorization']} {request.url} s3cret-value",
        "status_code": 418,
    }
    requests_mock.get("https://x.example/a", **echo)
    requests_mock.post("https://x.example/a", **{**echo, "status_code": 500})
    client = Client("https://x.example", auth=ClientCredentials("https://x.example/token", "id", "s3cret-value"))
    texts = []
    for method, error in (("GET", BadAnswer), ("POST", InDoubt)):
        with pytest.raises(error) as raised:
            client.request(method, "/a", params={"key": "s3cret-value", "token": "t0ken-value"})
        texts.append(str(raised.value))
    for text in (*texts, caplog.text, repr(client), repr(Basic("a", "s3cret-value"))):
        assert "s3cret-value" not in text
        assert "t0ken-value" not in text


def test_threads_may_clean_while_records_are_noted() -> None:
    redactor, noted = Redactor(), threading.Event()
    faults: list[BaseException] = []

    def clean() -> None:
        try:
            while not noted.is_set():
                redactor.clean("GET https://erp.example/v1/supplierInvoice?pageNumber=2 answered 200")
        except (TypeError, RuntimeError) as error:
            faults.append(error)

    threads = [threading.Thread(target=clean) for _ in range(3)]
    for thread in threads:
        thread.start()
    for first in range(0, 4000, 40):
        redactor.note([f"NO{first + number:013d}" for number in range(40)])
        noted.wait(0.001)  # the threads have their turn
    noted.set()
    for thread in threads:
        thread.join()
    assert faults == []
