"""The Acumatica simulator: the API, and what the vendor's own users do behind it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from starlette.routing import Route

from ml_connector_simulators.acumatica.access import Access
from ml_connector_simulators.acumatica.api import Api
from ml_connector_simulators.acumatica.call import Site
from ml_connector_simulators.acumatica.contract import ENTITIES, INQUIRIES
from ml_connector_simulators.acumatica.limits import Licence
from ml_connector_simulators.acumatica.oauth import REFRESH_TOKEN, OAuth
from ml_connector_simulators.acumatica.seed.month import Month
from ml_connector_simulators.acumatica.sessions import TENANT, Sessions
from ml_connector_simulators.acumatica.settings import Settings
from ml_connector_simulators.acumatica.store import Row, Store, key_of
from ml_connector_simulators.acumatica.times import stamp
from ml_connector_simulators.acumatica.totals import totals
from ml_connector_simulators.acumatica.writing import touch
from ml_connector_simulators.kit import Simulator, json_response
from ml_connector_simulators.kit.clock import MONTH_END_CLOSE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from ml_connector_simulators.acumatica.bulk import Bulk

TOKEN_PATH = "/identity/connect/token"  # noqa: S105  a path


class AcumaticaSimulator(Simulator):
    """Acumatica with one tenant; `data` keeps its records in a file, else they live in memory.

    `settings` may be changed while it runs. `path` is the site's virtual directory (`/AcumaticaERP`), if it has one.
    """

    name = "acumatica"

    def __init__(
        self,
        seed: Month | Bulk | None = None,
        *,
        data: Path | None = None,
        settings: Settings | None = None,
        start: datetime = MONTH_END_CLOSE,
        token_lifetime: int = 3600,
        path: str = "",
    ) -> None:
        seed = seed or Month()
        self.settings = settings or Settings()
        self.store = Store(data, TENANT, self.settings)
        self.store.seed(seed.rows())
        super().__init__(start=max(start, self._last_edit()))
        self.tokens.lifetime = token_lifetime
        self.token_path = (path + TOKEN_PATH).lower()
        self.sessions = Sessions(self.clock, self.settings)
        self.oauth = OAuth(self.store, self.tokens, self.clock, self.settings)
        if not self.oauth.known(REFRESH_TOKEN):
            self.oauth.consent(token=REFRESH_TOKEN)
        site = Site(self.store, self.settings, self.clock, path)
        access = Access(self.sessions, self.oauth, self.settings)
        bulk = None if isinstance(seed, Month) else seed
        self.app = Api(site, access, Licence(self.clock, self.settings), bulk).app()

    def _last_edit(self) -> datetime:
        """A restart must not set the clock back: an edit would come before one already read."""
        newest = self.store.newest()
        return datetime.fromisoformat(newest) + timedelta(seconds=1) if newest else datetime.min.replace(tzinfo=UTC)

    def is_write(self, method: str, path: str, body: bytes) -> bool:  # noqa: ARG002
        """Whether a request could change records: an inquiry's PUT does not, nor does signing in or out."""
        last = path.rstrip("/").rpartition("/")[2]
        asks = last in INQUIRIES or "/entity/auth/" in path.lower() or path.lower() == self.token_path
        return method in {"PUT", "POST", "DELETE", "PATCH"} and not asks

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def edits(self) -> Mapping[str, Callable[..., Any]]:
        """What Acumatica's own users and administrators can do, by name."""
        return {
            "edit": self._edit,
            "add": self.add,
            "remove": self.remove,
            "archive": self.archive,
            "forbid": self.forbid,
            "permit": self.permit,
            "limit_seats": self.limit_seats,
            "expire_sessions": self.expire_sessions,
            "revoke_refresh_token": self.revoke_refresh_token,
            "consent": self.consent,
            "set": self.set,
        }

    def admin_routes(self) -> Sequence[BaseRoute]:
        """`/_sim/totals`: what the company's own people would add up."""
        return (Route("/_sim/totals", self._totals, methods=["GET"]),)

    async def _totals(self, _: Request) -> Response:
        return json_response(totals(self.rows))

    def rows(self, entity: str) -> list[Row]:
        """All rows of an entity, as they are stored."""
        return self.store.rows(_known(entity))

    def row(self, entity: str, key: str) -> Row:
        """A row by its key (`Bill/000013`)."""
        row = self.store.row(_known(entity), key)
        if row is None:
            raise KeyError(f"there is no {entity} {key}")
        return row

    def edit(self, entity: str, key: str, /, **changes: Any) -> Row:
        """Change fields of a row (`{"Details.0.Amount": "7"}` reaches inside) and touch it."""
        with self.store.change():
            row: Row = _copy(self.row(entity, key))
            touch(entity, row, self._now())
            for path, value in changes.items():
                _assign(row, path, value)
            self.store.put(entity, row, was=key)
        return row

    def _edit(self, entity: str, key: str, changes: dict[str, Any]) -> Row:
        """Change fields of a row and touch it."""
        return self.edit(entity, key, **changes)

    def add(self, entity: str, row: Row) -> Row:
        """Add a row like the first one, with these fields, modified now."""
        with self.store.change():
            like = _copy(self.rows(entity)[0]) if self.rows(entity) else {}
            row = {**like, **row, "id": str(uuid4())}
            if self.store.row(_known(entity), key_of(entity, row)) is not None:
                raise ValueError(f"{entity} {key_of(entity, row)} is there already")
            touch(entity, row, self._now(), new=True)
            self.store.put(entity, row)
        return row

    def remove(self, entity: str, key: str) -> None:
        """Delete a row: nothing tells of it."""
        with self.store.change():
            self.row(entity, key)
            self.store.remove(entity, key)

    def archive(self, entity: str, key: str) -> Row:
        """Archive a row: lists show it only on demand."""
        return self.edit(entity, key, _archived=True)

    def forbid(self, entity: str) -> None:
        """Take the right to a form away from the integration: 403."""
        self.settings.forbidden.add(_known(entity))

    def permit(self, entity: str) -> None:
        """Give it back."""
        self.settings.forbidden.discard(_known(entity))

    def limit_seats(self, seats: int | None) -> None:
        """Set how many sessions there may be at once."""
        self.settings.seats = seats

    def expire_sessions(self) -> None:
        """End every session, as a recycled application pool does."""
        self.sessions.expire_all()

    def revoke_refresh_token(self, token: str = REFRESH_TOKEN) -> None:
        """Make a refresh token worthless."""
        self.oauth.revoke(token)

    def consent(self, scope: str = "api offline_access") -> str:
        """Let the application in as a user does in the browser; the refresh token it gets."""
        return self.oauth.consent(scope)

    def set(self, **settings: Any) -> None:
        """Change settings of the installation."""
        for name, value in settings.items():
            if not hasattr(self.settings, name):
                raise KeyError(f"no setting {name}")
            setattr(self.settings, name, set(value) if name in ("forbidden", "not_set_up") else value)

    def _now(self) -> str:
        return stamp(self.clock.now())


def _known(entity: str) -> str:
    if entity not in ENTITIES:
        raise KeyError(f"no entity {entity}; one of {', '.join(ENTITIES)}")
    return entity


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(each) for name, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value


def _assign(row: Any, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for part in parents:
        row = row[int(part)] if isinstance(row, list) else row[part]
    value = Decimal(str(value)) if isinstance(value, float) else value
    row[int(last) if isinstance(row, list) else last] = value
