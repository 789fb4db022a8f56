"""Run one of our executables in this process and kill it at a seam: `python -m prove.die_at SEAM:N -- COMMAND …`.

`count:FILE` in place of a seam kills nothing and writes the names of all seams passed, in order, to the file.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from prove import bulk_seams, order_seams, seams, token_seams
from prove.seams import Passes

if TYPE_CHECKING:
    from collections.abc import Sequence

OWN = {"target-snowflake": bulk_seams, "target-acumatica": order_seams}
"""Executables that have seams of their own."""


def main(arguments: Sequence[str]) -> None:
    """Patch the seams, then be the command."""
    point, separator, *command = arguments
    name, _, rest = point.rpartition(":")
    executable = Path(command[0]).name if command else ""
    there = token_seams if name in token_seams.NAMES else OWN.get(executable, seams)
    if separator != "--" or not command or name not in (*there.NAMES, "count"):
        raise SystemExit(f"{__doc__}\nSeams: {', '.join(there.NAMES)}")
    (entry,) = entry_points(group="console_scripts", name=executable)
    run = entry.load()
    passes = Passes() if name == "count" else Passes(name, int(rest))
    there.patch(passes)
    sys.argv = [executable, *command[1:]]
    try:
        run()
    finally:
        if name == "count":
            Path(rest).write_text(json.dumps(passes.order))


if __name__ == "__main__":
    main(sys.argv[1:])
