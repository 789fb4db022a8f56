"""The raw loop of supplier invoices: the first page tells how many there are, the others come in threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from bench.raw import PAGE, Rows, decode, in_order, main

if TYPE_CHECKING:
    from collections.abc import Iterator


def read(config: dict[str, Any]) -> Iterator[Rows]:
    """Yield all pages."""
    form = {"grant_type": "client_credentials", "scope": "vismanet_erp_service_api:read"}
    form |= {name: config[name] for name in ("client_id", "client_secret", "tenant_id")}
    session = requests.Session()
    token = session.post(config["token_url"], data=form, timeout=30).json()["access_token"]
    session.headers["Authorization"] = f"Bearer {token}"

    def page(number: int) -> Rows:
        query = {"pageNumber": number, "pageSize": PAGE}
        answer = session.get(f"{config['api_url']}/v1/supplierInvoice", params=query, timeout=90)
        return list(decode(answer.content))

    first = page(1)
    yield first
    pages = -(-first[0]["metadata"]["totalCount"] // PAGE)
    yield from in_order(page, 2, pages + 1, config["max_concurrency"])


if __name__ == "__main__":
    main("supplier_invoices", read)
