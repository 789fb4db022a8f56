"""`ml-connector-simulators serve`: the vendors' servers in one process, their state kept in a folder."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ml_connector_simulators.kit.server import Serving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector_simulators.kit import Simulator


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    options = _parser().parse_args(arguments)
    if options.data is not None:
        options.data.mkdir(parents=True, exist_ok=True)
    asyncio.run(_serve(_simulators(options)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ml-connector-simulators", description=__doc__)
    serve = parser.add_subparsers(dest="command", required=True).add_parser("serve", help="serve until SIGTERM")
    serve.add_argument("--visma-port", type=int, default=8701, metavar="PORT", help="0: any free port")
    serve.add_argument("--servicenow-port", type=int, default=8702, metavar="PORT", help="0: any free port")
    serve.add_argument("--data", type=Path, metavar="DIR", help="keep state here, so that a restart keeps it")
    serve.add_argument("--seed", type=int, default=1, metavar="N", help="another seed gives other amounts and names")
    serve.add_argument("--visma-invoices", type=int, metavar="N", help="serve N supplier invoices, for a benchmark")
    return parser


def _simulators(options: argparse.Namespace) -> list[tuple[Simulator, int]]:
    # Imported here so that one vendor's simulator does not need the other's.
    from ml_connector_simulators.servicenow import ServiceNowSimulator  # noqa: PLC0415
    from ml_connector_simulators.visma import Bulk, Month, VismaSimulator  # noqa: PLC0415

    many: int | None = options.visma_invoices
    seed = Month(options.seed) if many is None else Bulk(many, seed=options.seed)
    return [
        (VismaSimulator(seed, data=_file(options.data, "visma")), options.visma_port),
        (ServiceNowSimulator(data=_file(options.data, "servicenow")), options.servicenow_port),
    ]


def _file(folder: Path | None, name: str) -> Path | None:
    return None if folder is None else folder / f"{name}.db"


async def _serve(simulators: list[tuple[Simulator, int]]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    servers = [Serving(simulator, port) for simulator, port in simulators]
    # The sockets listen already: whoever reads this line can connect.
    sys.stdout.write(json.dumps({server.simulator.name: server.simulator.url for server in servers}) + "\n")
    sys.stdout.flush()
    await asyncio.gather(*(server.serve(stop) for server in servers))


if __name__ == "__main__":
    sys.exit(main())
