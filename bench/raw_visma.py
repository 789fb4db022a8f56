"""The least a tap could do: fetch pages in threads with requests, decode and encode with msgspec."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import requests

PAGE = 1000


def main(config: dict[str, Any]) -> None:
    """Read all supplier invoices and write them as Singer records."""
    form = {"grant_type": "client_credentials", "scope": "vismanet_erp_service_api:read"}
    form |= {name: config[name] for name in ("client_id", "client_secret", "tenant_id")}
    session = requests.Session()
    token = session.post(config["token_url"], data=form, timeout=30).json()["access_token"]
    session.headers["Authorization"] = f"Bearer {token}"
    encode = msgspec.json.Encoder().encode_lines

    def page(number: int) -> Any:
        query = {"pageNumber": number, "pageSize": PAGE}
        answer = session.get(f"{config['api_url']}/v1/supplierInvoice", params=query, timeout=90)
        return msgspec.json.decode(answer.content)

    def write(rows: list[Any]) -> None:
        sys.stdout.buffer.write(encode([{"type": "RECORD", "stream": "supplier_invoices", "record": r} for r in rows]))

    first = page(1)
    write(first)
    pages = -(-first[0]["metadata"]["totalCount"] // PAGE)
    with ThreadPoolExecutor(config["max_concurrency"]) as pool:
        waiting = [pool.submit(page, number) for number in range(2, 2 + config["max_concurrency"])]
        for number in range(2, pages + 1):
            write(waiting.pop(0).result())
            if number + config["max_concurrency"] <= pages:
                waiting.append(pool.submit(page, number + config["max_concurrency"]))


if __name__ == "__main__":
    with open(sys.argv[1]) as file:  # noqa: PTH123
        main(json.load(file))
