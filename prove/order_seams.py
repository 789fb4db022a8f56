"""The places at which target-acumatica is killed, besides those of every target: around each of its own requests.

No code of the product knows of them. `tests/prove/test_p13.py` fails when a place named here is gone.
"""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Any

from prove import seams
from prove.seams import Passes, Seam, die, stopping, wrap

if TYPE_CHECKING:
    from collections.abc import Callable

BEGUN = "ml_connector.delivery.engine:Engine._begin"
WRITER, PUTS, READER = (f"target_acumatica.{name}" for name in ("writer:Writer", "puts:Puts", "reader:Reader"))

SEAMS = (
    Seam("order.looked_up", f"{WRITER}.references", before=False),
    Seam("order.before_put", f"{PUTS}._put", before=True),
    Seam("order.after_put", f"{PUTS}._put", before=False),  # also between two chunks of lines
    Seam("order.before_last_put", f"{PUTS}._release", before=True),
    Seam("order.read_back", f"{READER}.by_id", before=False),
    Seam("order.before_action", "target_acumatica.actions:Actions.run", before=True),
    Seam("order.after_action", "target_acumatica.actions:Actions.run", before=False),
    Seam("order.outcome", f"{WRITER}._told", before=False),  # known, and not yet in the store
    Seam("lost.before_look", "target_acumatica.settle:Settler._lost", before=True),
    Seam("lost.after_look", "target_acumatica.settle:Settler._lost", before=False),
    Seam("session.before_sign_out", "ml_connector.vendors.acumatica.client:Connection.sign_out", before=True),
)
"""The plain seams."""

TIME = "time"
"""A number of milliseconds since the run began."""

NAMES = (*(name for name in seams.NAMES if not name.startswith("tap.")), *(seam.name for seam in SEAMS), TIME)


def patch(passes: Passes) -> None:
    """Put a stop at every seam."""
    for seam in SEAMS:
        wrap(seam.place, functools.partial(stopping, passes, seam))
    seams.patch(passes)
    wrap(BEGUN, functools.partial(_timing, passes))


def _timing(passes: Passes, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def begin(*args: Any, **options: Any) -> Any:
        if passes.fatal[0] == TIME:
            timer = threading.Timer(passes.fatal[1] / 1000, die)
            timer.daemon = True
            timer.start()
        return original(*args, **options)

    return begin
