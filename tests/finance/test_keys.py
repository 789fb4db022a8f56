"""Source keys: no two records share one."""

from __future__ import annotations

from ml_connector.finance.records import join_key


def test_no_two_keys_are_one_text() -> None:
    parts = [
        ("a", "b"),
        ("a/b", "c"),
        ("a", "b/c"),
        ("a/", "b"),
        ("a", "/b"),
        ("a%2Fb", "c"),
        ("a%", "/b"),
        ("a", "%/b"),
    ]
    assert len({join_key(each) for each in parts}) == len(parts)
    assert join_key(("Invoice", "100023")) == "Invoice/100023"
    assert join_key(("a/b",)) == "a/b"
    assert join_key(("50%", "b")) == "50%/b"
