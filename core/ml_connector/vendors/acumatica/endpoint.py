"""What a tenant offers: the build, and the endpoints with their versions (apis/acumatica.md §1)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.errors import BadAnswer, ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.http import Client, Reply


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The endpoint that a connector talks to, proven to be there."""

    name: str
    version: str
    build: str  # of the ERP; '' when the tenant does not tell

    @property
    def path(self) -> str:
        """What stands before an entity's name."""
        return f"/entity/{self.name}/{self.version}"


def find_endpoint(client: Client, config: Mapping[str, Any]) -> Endpoint:
    """Return the configured endpoint.

    Raises:
        ConfigError: The tenant does not offer it in this version.
    """
    reply = client.request("GET", "/entity")
    build, offered = _offer(reply)
    name, version = str(config["endpoint"]), str(config["endpoint_version"])
    if version in offered.get(name, ()):
        return Endpoint(name, version, build)
    lines = "; ".join(f"{each} {', '.join(versions)}" for each, versions in sorted(offered.items()))
    raise ConfigError(
        f"the tenant does not offer the endpoint {name} {version}. It offers: {lines or 'none'}. "
        "Correct `endpoint` and `endpoint_version`."
    )


def _offer(reply: Reply) -> tuple[str, Mapping[str, list[str]]]:
    """Return the build, and the versions of each endpoint; old builds answer with the bare list."""
    body = reply.json()
    listed = body.get("endpoints") if isinstance(body, dict) else body
    if not isinstance(listed, list):
        raise BadAnswer(f"{reply}: expected the list of endpoints. Check `instance_url`.")
    offered: dict[str, list[str]] = defaultdict(list)
    for each in listed:
        offered[str(each["name"])].append(str(each["version"]))
    told = body.get("version") if isinstance(body, dict) else None
    build = str(told.get("acumaticaBuildVersion") or "") if isinstance(told, dict) else ""
    return build, {name: sorted(versions) for name, versions in offered.items()}
