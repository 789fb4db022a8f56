"""Redaction: no secret, token or bank account number in a log line, an exception or a URL (L10)."""

from __future__ import annotations

import base64
import html
import json
import logging
import re
import threading
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from ml_connector.secrets.personal import without_iban

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MASK = "***"
SHORTEST = 4  # masking shorter values would shred ordinary words

_PERCENT = re.compile("%[0-9A-F]{2}")
_MOST_PASSING = 4_000

_NAMES = (
    r"client_secret|secret|password|passwd|access_token|refresh_token|id_token|token|api[_-]?key|apikey"
    r"|x-sn-apikey|authorization|proxy-authorization|cookie|set-cookie"
)
_PATTERNS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+(?!realm\b)[A-Za-z0-9._~+/=-]{6,}"), rf"\1 {MASK}"),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.?[\w-]*"), MASK),
    (re.compile(rf"""(?i)(["']?(?<![/\w-])(?:{_NAMES})["']?\s*[:=]\s*["']?)(?!\*\*\*)[^"'&\s,;}}]+"""), rf"\1{MASK}"),
    (re.compile(r"(?i)(https?://)[^/@\s:]+:[^/@\s]+@"), rf"\1{MASK}@"),
)


class Redactor:
    """Masks the secrets it was told of, in any usual encoding, and whatever looks like a token."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._passing: dict[str, None] = {}  # in the order they were noted
        self._beginnings: dict[str, set[str]] = {}  # forms of those, by their first letters
        self._unread: list[str] = []  # noted since there was something to clean
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        """Mask these values, too, from now on; of those with several lines, every line."""
        lines = {line for secret in secrets for line in (secret, *secret.splitlines()) if len(line) >= SHORTEST}
        forms = {form for line in lines for form in _forms(line)}
        if not forms:
            return
        with self._lock:
            self._known |= forms
            longest_first = sorted(self._known, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def note(self, values: Iterable[str]) -> None:
        """Mask these values while they are among the newest noted: what is in the records under way."""
        with self._lock:
            for value in (value for value in values if len(value) >= SHORTEST):
                if value in self._passing:
                    del self._passing[value]  # it is among the newest again
                else:
                    self._unread.append(value)
                self._passing[value] = None
            if len(self._passing) > 2 * _MOST_PASSING:
                self._unread = list(self._passing)[-_MOST_PASSING:]
                self._passing, self._beginnings = dict.fromkeys(self._unread), {}

    def clean(self, text: str) -> str:
        """Return the text without anything secret in it."""
        text = self._without_passing(text)
        if self._pattern:
            text = self._pattern.sub(MASK, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return without_iban(text, MASK)

    def _without_passing(self, text: str) -> str:
        """Return the text without values under way: looked up by their beginnings, since they may be thousands."""
        known = self._by_beginning()
        starts = range(len(text) - SHORTEST + 1) if known else ()
        found = {
            form
            for start in starts
            for form in list(known.get(text[start : start + SHORTEST], ()))  # a copy: others may add to it
            if text.startswith(form, start)
        }
        for form in sorted(found, key=len, reverse=True):
            text = text.replace(form, MASK)
        return text

    def _by_beginning(self) -> dict[str, set[str]]:
        with self._lock:  # pages are fetched by threads while records are noted
            for form in (form for value in self._unread for form in _forms(value)):
                self._beginnings.setdefault(form[:SHORTEST], set()).add(form)
            self._unread.clear()
            return self._beginnings

    def body(self, body: bytes, limit: int = 300) -> str:
        """Return the start of an HTTP body as one clean line of text."""
        text = self.clean(" ".join(body[: limit * 4].decode(errors="replace").split()))
        return text if len(text) <= limit else text[:limit] + "…"


class RedactingFilter(logging.Filter):
    """Cleans log records, tracebacks included; put it on handlers, so that every logger passes it."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the record pass, rewritten in place where it holds a secret."""
        clean_record(record, self._redactor)
        return True


def clean_record(record: logging.LogRecord, redactor: Redactor) -> logging.LogRecord:
    """Rewrite a log record where its message, traceback or stack holds a secret; return it."""
    try:
        text, trace = record.getMessage(), ""
    except (TypeError, ValueError, KeyError):  # a message that does not fit its values; the handler says so on stderr
        return record
    if record.exc_info:
        trace = record.exc_text or logging.Formatter().formatException(record.exc_info)
    if (cleaned := redactor.clean(text)) != text:
        record.msg, record.args = cleaned, None
    if redactor.clean(trace) != trace:
        # Formatters may go back to the exception itself, so the cleaned traceback becomes part of the message.
        record.msg, record.args = f"{record.getMessage()}\n{redactor.clean(trace)}", None
        record.exc_info = record.exc_text = None
    record.stack_info = record.stack_info and redactor.clean(record.stack_info)
    return record


def _forms(secret: str) -> Iterator[str]:
    """Yield the shapes a secret takes: plain, JSON, percent-encoded, HTML, hex, bytes, base64 at every alignment."""
    data = secret.encode(errors="surrogatepass")
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    for safe in ("", "/"):
        encoded = quote(data, safe=safe)
        yield from (encoded, _PERCENT.sub(lambda match: match.group().lower(), encoded), quote_plus(data, safe=safe))
    yield html.escape(secret)
    yield data.hex()
    yield repr(data)[2:-1]
    for shift in range(3):
        yield from _base64_inside(data, shift)


def _base64_inside(secret: bytes, shift: int) -> Iterator[str]:
    """Yield what is the same of a base64 text wherever the secret starts `shift` bytes into a group of three."""
    start = (0, 2, 3)[shift]  # leading characters that also hold bits of what stands before
    end = (shift + len(secret)) * 8 // 6  # trailing ones hold bits of what follows
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        inside = encode(b"\0" * shift + secret).decode()[start:end]
        if len(inside) >= SHORTEST:
            yield inside
