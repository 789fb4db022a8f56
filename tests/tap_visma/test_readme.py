"""The README's table of streams is the streams'."""

from pathlib import Path

import pytest
from ml_connector.singer.paging import Whole
from tap_visma.streams import STREAMS

README = (Path(__file__).parents[2] / "taps" / "tap-visma" / "README.md").read_text()


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_a_stream_is_told_as_it_is(stream):
    keys = ", ".join(f"`{key}`" for key in stream.keys)
    pages = "one answer" if isinstance(stream.paging, Whole) else "pages"
    reading = f"{'incremental' if stream.modified else 'whole'}, {pages}"
    amount = f"`{stream.amount}` by `{stream.currency}`" if stream.amount else ""
    assert f"| `{stream.name}` | `{stream.path}` | {keys} | {reading} | {amount} |" in README


def test_it_names_every_private_field_and_no_stream_more():
    for stream in STREAMS:
        for field in stream.private:
            assert f"`{field}`" in README
    assert README.count("\n| `") - README.split("## Streams")[0].count("\n| `") == len(STREAMS)
