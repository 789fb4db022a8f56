"""The SDK's standard tap suite, every group on, over real HTTP."""

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class
from singer_sdk.testing.runners import TapTestRunner
from tap_acumatica.tap import TapAcumatica

from tests.tap_acumatica.conftest import CREDENTIALS, config_of

# The SDK warns of schema fields that no record had, such as parts that are not selected.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Fields in transformed catalog"),
    pytest.mark.filterwarnings("ignore:No records were available to test"),
]

OFFLINE = {"instance_url": "https://erp.example", **CREDENTIALS}
Suite = get_tap_test_class(
    TapAcumatica,
    config=OFFLINE,  # to make the list of tests; the runner below has the simulator's address
    include_tap_tests=True,
    include_stream_tests=True,
    include_stream_attribute_tests=True,
)


class TestTapAcumatica(Suite):
    params = Suite.params

    @pytest.fixture(scope="class")
    @classmethod
    def runner(cls, shared):
        runner = TapTestRunner(TapAcumatica, config=config_of(shared), suite_config=SuiteConfig())
        runner.sync_all()
        return runner


def test_every_session_was_closed(shared):
    assert shared.sessions.all() == []
