"""The error table (apis/visma.md §5.1)."""

import pytest
from ml_connector.http import Consequence, Reply
from tap_visma.errors import classify

GATEWAY = (
    b'{"ExceptionType":"IPPException","ExceptionMessage":"No license for this company.","ExceptionFaultCode":"12027"}'
)


def reply(status, body=b"", query=""):
    return Reply("GET", f"https://x/v1/supplier{query}", status, {}, body)


@pytest.mark.parametrize(
    ("answer", "consequence", "words"),
    [
        (reply(200, b"[]"), Consequence.OK, ""),
        (reply(204), Consequence.OK, ""),
        (reply(400, b'{"message":"Bad filter"}'), Consequence.STOP, "Bad filter"),
        (reply(400, b'{"Message":"Bad filter"}'), Consequence.STOP, "Bad filter"),
        (reply(400, b"plain text"), Consequence.STOP, ""),
        (reply(401), Consequence.REAUTH, "tenant id"),
        (reply(400, GATEWAY), Consequence.REAUTH, "No license"),
        (reply(200, GATEWAY), Consequence.REAUTH, "No license"),
        (reply(500, GATEWAY.replace(b"12027", b"12002")), Consequence.REAUTH, "App Store"),
        (reply(403), Consequence.FORBIDDEN, "licence"),
        (reply(404), Consequence.CONFIG, "api_url"),
        (reply(404, query="?pageNumber=1&pageSize=5"), Consequence.CONFIG, "api_url"),
        (reply(404, query="?pageNumber=2&pageSize=5"), Consequence.OK, ""),
        (reply(404, query="?pageSize=5&pageNumber=10"), Consequence.OK, ""),
        (reply(412), Consequence.STOP, ""),
        (reply(429), Consequence.RETRY, ""),
        (reply(500, b"<html>"), Consequence.RETRY, ""),
        (reply(503), Consequence.RETRY, ""),
    ],
)
def test_an_answer_means(answer, consequence, words):
    verdict = classify(answer)
    assert verdict.consequence is consequence
    assert words in verdict.message
