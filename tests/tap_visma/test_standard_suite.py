"""The SDK's standard tap suite, every group on, over real HTTP."""

import pytest
from ml_connector_simulators.visma import CLIENT_ID, CLIENT_SECRET, NO01
from singer_sdk.testing import SuiteConfig, get_tap_test_class
from singer_sdk.testing.runners import TapTestRunner
from tap_visma.tap import TapVisma

from tests.tap_visma.conftest import config_of

# The SDK warns of schema fields that no record had, such as those that are empty unless asked for.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Fields in transformed catalog"),
    pytest.mark.filterwarnings("ignore:No records were available to test"),
]

OFFLINE = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "tenant_id": NO01.tenant_id}
Suite = get_tap_test_class(
    TapVisma,
    config=OFFLINE,  # to make the list of tests; the runner below has the simulator's address
    include_tap_tests=True,
    include_stream_tests=True,
    include_stream_attribute_tests=True,
)


class TestTapVisma(Suite):
    params = Suite.params

    @pytest.fixture(scope="class")
    @classmethod
    def runner(cls, shared):
        runner = TapTestRunner(TapVisma, config=config_of(shared), suite_config=SuiteConfig())
        runner.sync_all()
        return runner
