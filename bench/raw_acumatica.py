"""The raw loop of bills: `$top` and `$skip` until a short page, one request at a time; values stay wrapped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from bench.raw import PAGE, Rows, decode, main, until_short

if TYPE_CHECKING:
    from collections.abc import Iterator


def read(config: dict[str, Any]) -> Iterator[Rows]:
    """Yield all pages, and sign out."""
    form = {"grant_type": "password", "scope": "api"}
    form |= {name: config[name] for name in ("client_id", "client_secret", "username", "password")}
    session, site = requests.Session(), config["instance_url"]
    token = session.post(f"{site}/identity/connect/token", data=form, timeout=30).json()["access_token"]
    session.headers["Authorization"] = f"Bearer {token}"

    def page(number: int) -> Rows:
        query = {"$expand": "Details,TaxDetails", "$top": str(PAGE), "$skip": str(number * PAGE)}
        return list(decode(session.get(f"{site}/entity/Default/24.200.001/Bill", params=query, timeout=660).content))

    yield from until_short(page)
    session.post(f"{site}/entity/auth/logout", timeout=30)


if __name__ == "__main__":
    main("bills", read)
