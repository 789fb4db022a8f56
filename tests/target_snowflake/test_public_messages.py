"""Message files of other targets' own test suites: each is accepted, or refused with one of our clear reasons.

The files of `singer_sdk.testing` are always run. Those of other suites are not ours to keep: clone one, and name the
folder in SINGER_SAMPLES_DIR (docs/target-snowflake-messages.md has the list and what became of each).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import singer_sdk.testing
from ml_connector.errors import ConnectorError
from ml_connector.singer.store_target import BAD_INPUT

SUFFIXES = (".singer", ".json", ".jsonl")
SAMPLES = os.environ.get("SINGER_SAMPLES_DIR")
REASONS = (
    "is not a Singer message",
    "arrived before its SCHEMA message",
    "lacks its key",
    "has no properties",
    "which its schema does not have",
    "comes as BATCH files",
    "has no single scalar type",
    "would both be loaded into the table",
    "rows could not be found by their key any more",
    "there is no Singer message",
    "lacks its stream or its schema",
)
SDK = {
    "record_before_schema.singer": "arrived before its SCHEMA message",
    "record_missing_key_property.singer": "lacks its key",
    "invalid_schema.singer": "has no properties",
}
"""Which of the SDK's files must be refused; all others must be accepted."""


def files(folder: Path) -> list[Path]:
    """Return the message files under a folder; one line of each is a message at least."""
    found = (path for path in sorted(folder.rglob("*")) if path.suffix in SUFFIXES)
    return [path for path in found if '"type"' in path.read_text(errors="replace")[:100_000]]


def outcome(loading, path: Path, number: int) -> str:
    """Load a file into a schema of its own, and return why it was refused, or how many dead letters it left."""
    own = {"schema": f"{loading.config['schema']}_{number}", "store_url": f"sqlite:///{loading.folder}/{number}.db"}
    lines = path.read_text(errors="surrogateescape").splitlines()
    refused: Exception | None = None
    try:
        loading.here(*lines, **own)
    except (ConnectorError, *BAD_INPUT) as error:
        refused = error
    if refused is not None:
        assert re.search("|".join(REASONS), str(refused)), f"{path.name}: {refused}"
        return f"refused: {refused}"
    letters = len(loading.letters(own["store_url"]))
    return f"accepted, {letters} dead letters" if letters else "accepted"


def test_files_of_the_sdk(loading):
    folder = Path(singer_sdk.testing.__file__).parent
    found = {path.name: outcome(loading, path, number) for number, path in enumerate(files(folder))}
    assert len(found) > 15
    for name, told in found.items():
        if name in SDK:
            assert SDK[name] in told
        else:
            assert told == "accepted", name


@pytest.mark.skipif(not SAMPLES, reason="SINGER_SAMPLES_DIR names no folder of message files")
def test_files_of_other_suites(loading, capsys):
    folder = Path(SAMPLES or ".")
    found = files(folder)
    assert found, f"{folder} has no message files"
    for number, path in enumerate(found):
        told = outcome(loading, path, number)
        with capsys.disabled():
            print(f"{path.relative_to(folder)}\t{told}")
