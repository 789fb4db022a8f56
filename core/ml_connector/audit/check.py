"""The whole verification of a store or an export, against a head that was kept elsewhere if there is one."""

from __future__ import annotations

import re
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ml_connector.audit.book import StoreBook
from ml_connector.audit.export import Head
from ml_connector.audit.export_book import ExportBook
from ml_connector.audit.findings import Finding, Report
from ml_connector.audit.last_words import check_deliveries
from ml_connector.audit.verify import Verifier, Witness
from ml_connector.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy import Connection

_HASH = re.compile(r"[0-9a-f]{64}")


def read_head(told: str) -> Head | str:
    """Return the head in a file, or the hash itself.

    Raises:
        ConfigError: It is neither.
    """
    if _HASH.fullmatch(told):
        return told
    try:
        return msgspec.json.decode(Path(told).read_bytes(), type=Head)
    except (OSError, msgspec.DecodeError):
        raise ConfigError(
            f"{told} is neither a head file that `audit export` wrote nor a hash of 64 hexadecimal digits."
        ) from None


def check_store(connection: Connection, pipeline: str | None = None, head: Head | str | None = None) -> Report:
    """Verify a store: chains, runs, tallies, deliveries; and that it still contains a head."""
    book = StoreBook(connection, pipeline)
    if isinstance(head, Head):
        words = f"the head that was exported at {head.at} names it"
        report = Verifier(book, {head.seq: Witness(head.head, None, words)}).verify()
    else:
        report = Verifier(book).verify(head)
    check_deliveries(connection, report, pipeline)
    return report


def check_export(path: Path, head: Head | str | None = None) -> Report:
    """Verify an exported file; with its head, that nothing was cut off and it was not written anew.

    Raises:
        ConfigError: The file is no export.
        OSError: It cannot be read.
    """
    book = ExportBook(path)
    report = Verifier(book).verify(head.head if isinstance(head, Head) else head)
    book.check_ends(report)
    if isinstance(head, Head):
        with path.open("rb") as file:
            if file_digest(file, "sha256").hexdigest() != head.sha256:
                report.add(Finding(f"the file is not the one that was exported at {head.at}: its SHA-256 differs"))
    return report
