"""The second layer: whatever a process logs or writes to stderr passes a redactor, wherever it comes from (L10).

The first layer is `Secret`, whose text forms are masked. This one catches what got into a text all the same.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING, Any, TextIO

from ml_connector.secrets.redaction import Redactor, clean_record

if TYPE_CHECKING:
    from collections.abc import Callable


class Guard:
    """Makes the process's log records: every logger's, for every handler, whenever it was added."""

    def __init__(self, make: Callable[..., logging.LogRecord], redactor: Redactor) -> None:
        self._make = make
        self.redactor = redactor

    def __call__(self, *args: Any, **options: Any) -> logging.LogRecord:
        """Return a log record, cleaned before any handler sees it."""
        return clean_record(self._make(*args, **options), self.redactor)

    def renewed(self, redactor: Redactor) -> Guard:
        """Return the guard of another redactor in this one's place."""
        return Guard(self._make, redactor)


class CleanStream:
    """A text stream that cleans whole lines before it passes them on: tracebacks, warnings, other libraries' prints.

    It has no `buffer`: there is no way around it but the file descriptor.
    """

    def __init__(self, stream: TextIO, redactor: Redactor) -> None:
        self.stream = stream
        self._redactor = redactor
        self._rest = ""
        self._lock = threading.RLock()

    def write(self, text: str) -> int:
        """Take text; lines that are whole go on at once."""
        if not isinstance(text, str):
            raise TypeError(f"write() takes text, not {type(text).__name__}")
        with self._lock:
            whole, newline, self._rest = (self._rest + text).rpartition("\n")
            if newline:
                self.stream.write(self._redactor.clean(whole) + newline)
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Take several texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Pass on the rest of a line, too."""
        with self._lock:
            rest, self._rest = self._rest, ""
            self.stream.write(self._redactor.clean(rest))
            self.stream.flush()

    def isatty(self) -> bool:
        """Return whether people look at it."""
        return self.stream.isatty()

    def fileno(self) -> int:
        """Return the descriptor beneath."""
        return self.stream.fileno()

    def writable(self) -> bool:
        """Return True."""
        return True

    @property
    def encoding(self) -> str:
        """The encoding beneath."""
        return self.stream.encoding

    @property
    def errors(self) -> str | None:
        """What becomes of characters that the encoding lacks."""
        return self.stream.errors

    @property
    def closed(self) -> bool:
        """Whether nothing more can be written."""
        return self.stream.closed


def guard_process(redactor: Redactor) -> None:
    """Pass whatever this process logs or writes to stderr through a redactor, which replaces an earlier call's."""
    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(before.renewed(redactor) if isinstance(before, Guard) else Guard(before, redactor))
    plain = sys.stderr.stream if isinstance(sys.stderr, CleanStream) else sys.stderr
    guarded: Any = CleanStream(plain, redactor)
    for handler in _handlers():
        if isinstance(handler, logging.StreamHandler) and handler.stream in (plain, sys.stderr):
            handler.setStream(guarded)
    sys.stderr = guarded


def process_redactor() -> Redactor:
    """Return the redactor that guards this process, else a new one."""
    guard = logging.getLogRecordFactory()
    return guard.redactor if isinstance(guard, Guard) else Redactor()


def _handlers() -> set[logging.Handler]:
    """Return the handlers of every logger there is."""
    loggers = [logging.getLogger(), *map(logging.getLogger, list(logging.Logger.manager.loggerDict))]
    return {handler for logger in loggers for handler in logger.handlers}
