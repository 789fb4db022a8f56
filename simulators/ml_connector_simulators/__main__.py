"""`ml-connector-simulators serve` and `snowflake`: the vendors' servers, their state kept in a folder."""

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


NOT_INSTALLED = 3
"""The exit code when a part is asked for that is not installed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    options = _parser().parse_args(arguments)
    if options.data is not None:
        options.data.mkdir(parents=True, exist_ok=True)
    simulators = _snowflake(options) if options.command == "snowflake" else _simulators(options)
    asyncio.run(_serve(simulators, with_parent=options.with_parent))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ml-connector-simulators", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="Visma.net, ServiceNow and Acumatica, until SIGTERM")
    serve.add_argument("--visma-port", type=int, default=8701, metavar="PORT", help="0: any free port")
    serve.add_argument("--servicenow-port", type=int, default=8702, metavar="PORT", help="0: any free port")
    serve.add_argument("--acumatica-port", type=int, default=8704, metavar="PORT", help="0: any free port")
    serve.add_argument("--data", type=Path, metavar="DIR", help="keep state here, so that a restart keeps it")
    serve.add_argument("--seed", type=int, default=1, metavar="N", help="another seed gives other amounts and names")
    serve.add_argument("--visma-invoices", type=int, metavar="N", help="serve N supplier invoices, for a benchmark")
    serve.add_argument("--acumatica-bills", type=int, metavar="N", help="serve N bills, for a benchmark")
    serve.add_argument("--intercompany", action="store_true", help="let Visma's companies invoice each other, too")
    snowflake = commands.add_parser("snowflake", help="Snowflake, until SIGTERM")
    snowflake.add_argument("--port", type=int, default=8703, metavar="PORT", help="0: any free port")
    snowflake.add_argument("--data", type=Path, metavar="DIR", help="keep databases and stages here")
    snowflake.add_argument("--schema", action="append", default=[], metavar="DB.SCHEMA", help="make it, if missing")
    for command in (serve, snowflake):
        command.add_argument("--with-parent", action="store_true", help="end also when standard input closes")
    return parser


def _snowflake(options: argparse.Namespace) -> list[tuple[Simulator, int]]:
    # Imported here because only this one needs DuckDB and fakesnow.
    try:
        from ml_connector_simulators.snowflake.simulator import SnowflakeSimulator  # noqa: PLC0415
    except ModuleNotFoundError as error:
        sys.stderr.write(f"{error.name} is not installed: pip install 'ml-connector-simulators[snowflake]'\n")
        sys.exit(NOT_INSTALLED)
    return [(SnowflakeSimulator(options.data, options.schema), options.port)]


def _simulators(options: argparse.Namespace) -> list[tuple[Simulator, int]]:
    # Imported here so that one vendor's simulator does not need the other's.
    from ml_connector_simulators import acumatica  # noqa: PLC0415
    from ml_connector_simulators.servicenow import ServiceNowSimulator  # noqa: PLC0415
    from ml_connector_simulators.visma import Bulk, Month, VismaSimulator  # noqa: PLC0415

    many: int | None = options.visma_invoices
    seed = Month(options.seed, options.intercompany) if many is None else Bulk(many, seed=options.seed)
    few = options.acumatica_bills is None
    bills = acumatica.Month(options.seed) if few else acumatica.Bulk(options.acumatica_bills, options.seed)
    return [
        (VismaSimulator(seed, data=_file(options.data, "visma")), options.visma_port),
        (ServiceNowSimulator(data=_file(options.data, "servicenow")), options.servicenow_port),
        (acumatica.AcumaticaSimulator(bills, data=_file(options.data, "acumatica")), options.acumatica_port),
    ]


def _file(folder: Path | None, name: str) -> Path | None:
    return None if folder is None else folder / f"{name}.db"


async def _serve(simulators: list[tuple[Simulator, int]], *, with_parent: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if with_parent:
        loop.add_reader(sys.stdin, stop.set)  # nothing is ever written to it: readable means closed
    servers = [Serving(simulator, port) for simulator, port in simulators]
    # The sockets listen already: whoever reads this line can connect.
    sys.stdout.write(json.dumps({server.simulator.name: server.simulator.url for server in servers}) + "\n")
    sys.stdout.flush()
    await asyncio.gather(*(server.serve(stop) for server in servers))


if __name__ == "__main__":
    sys.exit(main())
