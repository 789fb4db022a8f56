"""The project as the command line reads it: where the store is, which flows there are, what plugins inherit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ml_connector.cli.project import Pair, Project
from ml_connector.errors import ConfigError
from ml_connector.words import age, money

if TYPE_CHECKING:
    from tests.cli.conftest import House


def test_the_environments_own_store_wins_over_the_terminal(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ML_CONNECTOR_STORE_URL", "postgresql://u:secret@db/ml")
    assert Project.find().store_url == house.store_url
    assert Project.find("prod").store_url == "postgresql://u:secret@db/ml"


def test_a_dotenv_file_names_the_store_and_else_there_is_a_default(house: House) -> None:
    assert Project.find("prod").store_url == f"sqlite:///{house.root / '.ml-connector' / 'store.db'}"
    (house.root / ".env").write_text("ML_CONNECTOR_STORE_URL=postgresql://db/ml\n")
    assert Project.find("prod").store_url == "postgresql://db/ml"
    assert Project.find("prod").folder == house.root / ".ml-connector"


def test_jobs_are_read_as_pairs(house: House) -> None:
    pairs = [Pair("tap-visma-no", "target-servicenow"), Pair("tap-visma-se", "target-servicenow")]
    assert Project.find(start=house.root / "deeper").jobs == {"visma-to-servicenow": pairs}


def test_plugins_inherit_executable_and_configuration(house: House) -> None:
    plugin = Project.find(start=house.root).plugin("target-servicenow")
    assert plugin.executable == "target-servicenow-importset"
    assert plugin.config["mapping"][1] == "servicenow-s2p"
    assert Project.find(start=house.root).plugin("tap-visma-se").namespace == "tap_visma"


def test_a_plugin_that_is_not_there_is_told(house: House) -> None:
    with pytest.raises(ConfigError, match="tap-visma-no"):
        Project.find(start=house.root).plugin("tap-acumatica")


def test_amounts_and_ages_in_words() -> None:
    from datetime import UTC, datetime  # noqa: PLC0415
    from decimal import Decimal  # noqa: PLC0415

    now = datetime(2026, 11, 3, 6, tzinfo=UTC)
    assert money(Decimal("1204330.5")) == "1,204,330.50"
    assert money(Decimal("-0.12345")) == "-0.12345"
    assert money(Decimal("1E+3")) == "1,000.00"
    assert age("2026-11-01T05:00:00+00:00", now) == "2 days"
    assert age("2026-11-03T05:00:00+00:00", now) == "1 hour"
    assert age("2026-11-03T05:59:59+00:00", now) == "just now"
