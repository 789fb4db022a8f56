"""The target in this process, against a ServiceNow simulator whose clock and the target's are one: nothing waits."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, Any

from ml_connector.errors import ConnectorError
from ml_connector.http import Basic, Budget, Client, Retry
from ml_connector.vendors.servicenow.errors import classify
from target_servicenow_importset.sink import Options, ServiceNowSink
from target_servicenow_importset.target import TargetServiceNowImportSet
from target_servicenow_importset.writer import Mode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prove.common_clock import CommonClock
    from prove.flow import Flow

TIMEOUT = 0.5  # real seconds until an answer counts as lost
WINDOW, PATIENCE = 90.0, 20.0  # seconds on the common clock


class _Clocked(TargetServiceNowImportSet):
    """The target with a sink on the common clock."""

    clock: CommonClock

    def open_sink(self) -> ServiceNowSink:
        """Return the sink, on the common clock and without pauses between attempts."""
        client = Client(
            self.config["instance_url"],
            auth=Basic("integration.user", "demo-sn-password"),
            classify=classify,
            budget=Budget(max_concurrency=4, clock=self.clock),
            retry=Retry(wait_initial=0.0, wait_max=0.0, jitter=0.0),
            timeout=(5, TIMEOUT),
            patience=PATIENCE,
        )
        options = Options(mode=Mode(self.config["mode"]), settle_window=WINDOW, patience=PATIENCE)
        return ServiceNowSink(client, options, self.clock)


def load(flow: Flow, clock: CommonClock, lines: Sequence[str]) -> tuple[list[str], str]:
    """Run the target on a stream; return the states it let pass, and the error that ended it, if one did."""
    kind = type("Target", (_Clocked,), {"clock": clock})
    target: Any = kind(config=flow.target_config())
    printed, problem = io.StringIO(), ""
    with contextlib.redirect_stdout(printed):
        try:
            target.listen(io.StringIO("\n".join(lines) + "\n"))
        except ConnectorError as error:
            problem = f"{error.code}: {error}"
    return printed.getvalue().splitlines(), problem
