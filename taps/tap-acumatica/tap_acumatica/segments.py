"""Segments of a subaccount, which the tenant's mask splits and the API does not tell (apis/acumatica.md §4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from ml_connector.errors import ConfigError
from ml_connector.finance.segments import segments

if TYPE_CHECKING:
    from collections.abc import Mapping

_EMPTY = frozenset("0 ")


@dataclass(frozen=True, slots=True)
class Segments:
    """How subaccounts are split, and which part is wanted; None for the whole."""

    wanted: int | None
    lengths: tuple[int, ...]
    separator: str

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """Return what the settings say.

        Raises:
            ConfigError: The mask is not lengths such as `3-3`, or has fewer segments.
        """
        wanted, mask = config.get("cost_center_segment"), str(config.get("subaccount_mask") or "")
        parts = [part for part in mask.replace(",", "-").split("-") if part]
        if not all(part.isdecimal() for part in parts):
            raise ConfigError(f"`subaccount_mask` is {mask!r}; it names the lengths of the segments, such as 3-3.")
        if wanted is not None and parts and not 1 <= wanted <= len(parts):
            raise ConfigError(f"`cost_center_segment` is {wanted}, but `subaccount_mask` has {len(parts)} segments.")
        return cls(wanted, tuple(map(int, parts)), str(config["subaccount_separator"]))

    def take(self, subaccount: str) -> tuple[str, bool]:
        """Return the wanted segment of a subaccount, and whether all others are empty or zeros.

        Raises:
            ConfigError: The subaccount has no such segment.
        """
        if self.wanted is None:
            return subaccount.strip(), True
        parts = segments(subaccount, self.separator, "-".join(map(str, self.lengths)))
        if not 1 <= self.wanted <= len(parts):
            raise ConfigError(
                f"subaccount {subaccount!r} has no segment {self.wanted}: it was split into {', '.join(parts)}. "
                "Correct `cost_center_segment`, or say by `subaccount_mask` how long the segments are, such as 3-3."
            )
        others = parts[: self.wanted - 1] + parts[self.wanted :]
        return parts[self.wanted - 1].strip(), all(_EMPTY.issuperset(part) for part in others)
