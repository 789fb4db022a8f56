"""A secret that its user replaces: one holder at a time, and always the newest value."""

import threading

import pytest
from ml_connector.errors import ConfigError
from ml_connector.secrets import Secret
from ml_connector.secrets.kept import Kept

NAME = "visma.client_secret"


def test_what_was_kept_is_what_the_next_holder_gets(safe):
    kept = Kept(NAME, lambda: safe.vault)
    with kept.turn() as value:
        kept.keep(Secret(value.reveal() + "-next"))
    with Kept(NAME, lambda: safe.vault).turn() as value:
        assert value.reveal() == "first-hush-next"


def test_holders_take_turns(safe):
    order = []

    def hold():
        with Kept(NAME, lambda: safe.vault).turn() as value:
            order.append(value.reveal())

    with Kept(NAME, lambda: safe.vault).turn():
        other = threading.Thread(target=hold)
        other.start()
        Kept(NAME, lambda: safe.vault).keep(Secret("second"))
        assert order == []
    other.join(10)
    assert order == ["second"]


def test_a_name_that_is_gone_is_told(safe):
    safe.vault.remove(NAME)
    with pytest.raises(ConfigError, match=f"has no '{NAME}'"), Kept(NAME, lambda: safe.vault).turn():
        pass
