"""What a target's `--ping` checks beside the vendor's permissions: the maps, and the store it writes its outbox to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from ml_connector.delivery.sink import Check
from ml_connector.errors import ConnectorError
from ml_connector.singer.vitals import vault_check, vitals
from ml_connector.store import open_store
from ml_connector.store.tables import runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_connector.singer.store_target import StoreTarget
    from ml_connector.singer.target import DeliveryTarget


def checks(target: DeliveryTarget) -> Iterator[Check]:
    """Yield every check of a target; what concerns all of it (sign-in, network, set-up) raises and ends them."""
    yield from book_checks(target)
    _, target_map = target.maps()
    with target.opened_sink() as sink:
        yield from sink.ping(target_map)
        if (client := sink.client) is not None:
            yield from vitals(client)


def book_checks(target: StoreTarget) -> Iterator[Check]:
    """Yield the checks of what every target that keeps books needs: the vault, and the store."""
    yield from vault_check(target.from_vault)
    yield _store(target.store_url)


def _store(url: str) -> Check:
    try:
        store = open_store(url)
        with store.transaction() as connection:  # a write that changes nothing
            connection.execute(update(runs).where(runs.c.id == "").values(message=None))
        store.close()
    except ConnectorError as error:
        return Check("store", ok=False, detail=str(error), suggestion="Correct `store_url`, or who may write there.")
    return Check("store", ok=True, detail=f"may be read and written: {store.url}")
