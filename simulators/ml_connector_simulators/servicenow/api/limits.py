"""Inbound rate-limit rules (apis/servicenow.md §5)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ml_connector_simulators.kit import FixedWindow
from ml_connector_simulators.servicenow.api.calls import RefusedError

if TYPE_CHECKING:
    from ml_connector_simulators.kit import Clock
    from ml_connector_simulators.servicenow.installation import Installation, RateLimit

HOUR = 3600


class RateLimits:
    """Counts each user's calls per rule and clock hour."""

    def __init__(self, installation: Installation, clock: Clock) -> None:
        self._installation = installation
        self._clock = clock
        self._windows: dict[RateLimit, FixedWindow] = {}

    def take(self, user: str, api: str, table: str) -> dict[str, str]:
        """Count one call; its X-RateLimit headers, or the refusal."""
        for rule in self._installation.rate_limits:
            if rule.api == api and rule.table in {"", table}:
                return self._take(rule, user)
        return {}

    def _take(self, rule: RateLimit, user: str) -> dict[str, str]:
        window = self._windows.setdefault(rule, FixedWindow(self._clock, rule.per_hour, HOUR))
        allowance = window.take(user)
        headers = {
            "X-RateLimit-Limit": str(rule.per_hour),
            "X-RateLimit-Reset": str(int(self._clock.now().timestamp()) + allowance.reset),
            "X-RateLimit-Rule": hashlib.sha256(repr(rule).encode()).hexdigest()[:32],
        }
        if allowance.granted:
            return headers
        detail = f"Rate limit of {rule.per_hour} requests per hour for {rule.api} exceeded"
        headers["Retry-After"] = str(allowance.reset)
        raise RefusedError(429, "Rate limit exceeded", detail, headers)
