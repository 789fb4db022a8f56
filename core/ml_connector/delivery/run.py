"""One run of one pipeline: what every part of the engine shares."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_connector.delivery.balance import Tally
from ml_connector.delivery.echo import Echoes
from ml_connector.delivery.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml_connector.audit.trail import Trail
    from ml_connector.delivery.deadletters import StreamShape
    from ml_connector.delivery.settings import EngineSettings
    from ml_connector.store import Store


@dataclass(slots=True)
class Run:
    """A run, its target as it was found live, and its tally."""

    id: str
    settings: EngineSettings
    target_id: str
    map_version: str
    store: Store
    trail: Trail
    shapes: dict[str, StreamShape]
    take_over: Callable[[str], None]  # another pipeline's unfinished rows, unless that one runs
    echoes: Echoes = field(default_factory=lambda: Echoes({}, None))
    witness: Witness = field(default_factory=Witness)
    tally: Tally = field(default_factory=Tally)
    outwaited: set[int] = field(
        default_factory=set
    )  # rows that stayed open through a whole wait: asked, not waited for
