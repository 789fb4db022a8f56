"""The SDK's target suite, every group on, over HTTP against the fake Snowflake."""

from __future__ import annotations

import pytest
from singer_sdk.testing import get_target_test_class
from singer_sdk.testing.runners import TargetTestRunner
from target_snowflake.target import TargetSnowflake

StandardSuite = get_target_test_class(TargetSnowflake)


class TestStandardSuite(StandardSuite):
    """The SDK's standard target tests."""

    @pytest.fixture
    def runner(self, loading):
        return TargetTestRunner(target_class=TargetSnowflake, config=loading.config, suite_config=None)
