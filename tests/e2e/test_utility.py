"""Every verb is a command of the utility plugin: what Meltano passes on, and what comes back."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from ml_connector.cli.commands import cli

if TYPE_CHECKING:
    from tests.e2e.conftest import House

INVOKE = ("invoke", "ml-connector")


def test_every_verb_is_there(house: House) -> None:
    done = house.meltano(*INVOKE, "--help")
    assert done.code == 0, done.said
    listed = re.findall(r"^  ([a-z]+)  ", done.out.partition("Commands:")[2], re.MULTILINE)
    assert sorted(listed) == sorted(cli.commands)
    assert len(listed) > 8


def test_exit_codes_and_quoted_words_pass_through(house: House) -> None:
    name = "a 'quoted' \"name\" with $HOME and *.json"
    done = house.meltano(*INVOKE, "run", "--plan", name, "--json")
    assert done.code == 2, done.said
    error = json.loads(done.out)["error"]
    assert name in error["message"]
    assert error["next"].startswith("ml-connector ")


def test_a_verb_s_own_help_is_not_meltano_s(house: House) -> None:
    done = house.meltano(*INVOKE, "plan", "--help")
    assert done.code == 0
    assert "--all" in done.out
    assert "meltano invoke" not in done.out
