"""STATE messages in line: one passes when every record that came before it is settled (L1)."""

from __future__ import annotations

from typing import NamedTuple


class _Waiting(NamedTuple):
    after: int  # the number of the last record before it
    text: str


class States:
    """Keeps STATE messages, as text, until what they cover is committed or kept as a dead letter."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._fresh = True  # no batch was closed since the newest one came

    def add(self, after: int, text: str) -> None:
        """Take a STATE message; it stands for the one before it when no batch ended between them."""
        if self._fresh and self._waiting:
            self._waiting.pop()
        self._waiting.append(_Waiting(after, text))
        self._fresh = True

    def batch_closed(self) -> None:
        """Take note that a batch ended: a STATE before it may pass earlier than one behind it."""
        self._fresh = False

    @property
    def newest(self) -> str | None:
        """The newest STATE that waits."""
        return self._waiting[-1].text if self._waiting else None

    def passing(self, unsettled: int | None) -> str | None:
        """Return the newest STATE before the first unsettled record, and forget it and those before it."""
        passed = None
        while self._waiting and (unsettled is None or self._waiting[0].after < unsettled):
            passed = self._waiting.pop(0).text
        return passed
