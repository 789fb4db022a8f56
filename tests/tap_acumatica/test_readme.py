"""The README's table of streams is the streams'."""

from pathlib import Path

import pytest
from tap_acumatica.streams import STREAMS
from tap_acumatica.streams.base import PRIVATE

README = (Path(__file__).parents[2] / "taps" / "tap-acumatica" / "README.md").read_text()


def listed(names):
    return ", ".join(f"`{name}`" for name in names)


@pytest.mark.parametrize("stream", [each for each in STREAMS if each.is_entity], ids=lambda stream: stream.name)
def test_a_stream_is_told_as_it_is(stream):
    form = stream.__doc__.partition("(")[2].partition(")")[0]
    by = "key" if len(stream.keys) == 1 and stream.one_view else "skip"
    reading = f"{'incremental' if stream.modified else 'whole'}, by {by}"
    amount = f"`{stream.amount}` by `{stream.currency}`" if stream.amount else ""
    cells = (f"`{stream.name}`", f"`{stream.path}`", form, listed(stream.keys), reading, listed(stream.parts), amount)
    assert f"| {' | '.join(cells)} |" in README


def test_it_names_every_private_field_and_no_stream_more():
    assert all(f"`{field}`" in README for field in PRIVATE)
    assert README.split("## Streams")[1].count("\n| `") == len(STREAMS)
