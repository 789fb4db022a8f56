"""The keyset against a table that changes while it is read: nothing is lost, nothing twice, nothing believed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ml_connector.errors import BadAnswer, Forbidden, TooMuch
from tap_servicenow.keyset import Cursor, Keyset, Scope, Window

A, B = f"{10:032x}", f"{11:032x}"


@dataclass
class Fake:
    """A table with rows (id → stamp), of which some are hidden, and that changes after each request."""

    rows: dict[int, int]
    hidden: set[int] = field(default_factory=set)
    stamped: bool = True
    counts: bool = True
    as_empty: bool = False
    changes: list[list[tuple[str, int]]] = field(default_factory=list)
    too_much: int = 10**9
    obeys: bool = True
    clock: int = 1000
    asked: int = 0
    finished: list = field(default_factory=list)
    changed: dict[int, int] = field(default_factory=dict)  # number → the request after which it was changed

    def get(self, asked):
        self.asked += 1
        assert self.asked < 500, "it never ends"
        if asked["limit"] > self.too_much and asked["divisible"]:
            raise TooMuch("cancelled")
        order = sorted(self.rows.items(), key=lambda row: (row[1], row[0]) if self.stamped else row[0])
        matching = [row for row in order if not self.obeys or self._wanted(row, asked["scope"], asked["cursor"])]
        page = matching[asked["offset"] : asked["offset"] + asked["limit"]]
        seen = [self._shown(row) for row in page if row[0] not in self.hidden]
        total = len(matching) if asked["counted"] and self.counts else None
        if self.changes:
            self._change(self.changes.pop(0))
        return partial(Window, seen, total)

    def _wanted(self, row, scope, cursor):
        if cursor is None:
            return True
        number, stamp = row[0], f"{row[1]:09}"
        if not self.stamped:
            return f"{number:032x}" > cursor.sys_id
        match scope:
            case Scope.FROM:
                return stamp >= cursor.stamp
            case Scope.WITHIN:
                return stamp == cursor.stamp and f"{number:032x}" > cursor.sys_id
        return stamp > cursor.stamp

    def _shown(self, row):
        return {"sys_id": f"{row[0]:032x}", "sys_updated_on": f"{row[1]:09}"}

    def _change(self, changes):
        for kind, number in changes:
            self.clock += 1
            self.changed[number] = self.asked
            if kind == "delete":
                self.rows.pop(number, None)
            else:
                self.rows[number] = self.clock

    def read(self, size=3, start=None):
        keyset = Keyset(self.stamped, "", start, lambda column: None, self.finished.append, lambda words: None)
        return [
            (int(row["sys_id"], 16), int(row["sys_updated_on"]))
            for p in keyset.pages(self.get, size, 1)
            for row in p.rows
        ]


stamps = st.integers(1, 6)  # few, so that many rows share a second
tables = st.dictionaries(st.integers(1, 60), stamps, max_size=40)
changes = st.lists(
    st.lists(st.tuples(st.sampled_from(["touch", "delete"]), st.integers(1, 80)), max_size=3), max_size=12
)


@settings(max_examples=300, deadline=None)
@given(tables, st.sets(st.integers(1, 60)), changes, st.integers(1, 12), st.booleans())
def test_every_row_that_can_be_seen_is_read_in_its_last_version(rows, hidden, edits, size, counts):
    fake = Fake(dict(rows), hidden if counts else set(), counts=counts, changes=[list(each) for each in edits])
    read = fake.read(size)
    assert len(read) == len(set(read)), "a version came twice"
    last = dict(read)
    for number, stamp in fake.rows.items():  # what was changed after the last request is left to the next run
        if number not in fake.hidden and fake.changed.get(number, 0) < fake.asked:
            assert last.get(number) == stamp
    untouched = {n: s for n, s in rows.items() if fake.rows.get(n) == s and n not in fake.hidden}
    assert untouched.items() <= set(read)
    assert fake.finished[0].done


@settings(max_examples=200, deadline=None)
@given(tables, st.sets(st.integers(1, 60)), st.integers(1, 12))
def test_a_table_at_rest_is_read_once_and_in_order(rows, hidden, size):
    for stamped in (True, False):
        fake = Fake(dict(rows), hidden, stamped=stamped)
        read = fake.read(size)
        assert sorted(read) == sorted((n, s) for n, s in rows.items() if n not in hidden)
        assert read == sorted(read, key=lambda row: (row[1], row[0]) if stamped else row[0])
        assert fake.finished[0].hidden == bool(hidden & rows.keys())


@settings(max_examples=200, deadline=None)
@given(tables, st.integers(1, 12), st.data())
def test_a_read_goes_on_where_it_stopped(rows, size, data):
    whole = Fake(dict(rows)).read(size)
    cut = data.draw(st.integers(0, len(whole)))
    start = Cursor(f"{whole[cut - 1][1]:09}", f"{whole[cut - 1][0]:032x}") if cut else None
    assert Fake(dict(rows)).read(size, start) == whole[cut:]


def test_what_is_too_much_is_asked_for_in_smaller_pages_and_more_again_later():
    fake = Fake({n: n for n in range(1, 200)}, too_much=20)
    assert len(fake.read(100)) == 199
    assert fake.asked < 40


def test_a_small_table_takes_one_request_and_a_large_one_hardly_more_than_its_pages():
    small, large = Fake({n: n for n in range(1, 50)}), Fake({n: n for n in range(1, 1000)})
    small.read(100)
    large.read(100)
    assert small.asked == 1
    assert large.asked <= 12


def test_a_second_with_more_rows_than_a_page_is_read_through():
    fake = Fake(dict.fromkeys(range(1, 100), 5) | {200: 6, 201: 4})
    assert len(fake.read(10)) == 101


def test_rows_behind_a_hidden_stretch_are_found():
    fake = Fake({n: n for n in range(1, 100)}, hidden=set(range(10, 80)))
    assert len(fake.read(5)) == 29
    assert fake.finished[0].hidden


@pytest.mark.parametrize("stamped", [True, False])
def test_a_query_that_is_dropped_is_noticed(stamped):
    fake = Fake({n: n for n in range(1, 100)}, stamped=stamped, obeys=False)
    with pytest.raises(Forbidden, match="dropped a part of the query"):
        fake.read(10)


def test_a_repeated_page_of_ids_that_are_no_guids_is_noticed():
    def get(asked):
        return partial(Window, [{"sys_id": "global"}, {"sys_id": "Other"}], 10)

    with pytest.raises(BadAnswer, match="does not come forward"):
        list(Keyset(False, "", None, *[lambda told: None] * 3).pages(get, 2, 1))


@pytest.mark.parametrize(
    "rows",
    [
        [("000000004", A)],  # older than asked for
        [("000000007", A), ("000000006", B)],  # in another order
        [("000000006", B), ("000000006", A)],  # in another order within a second
    ],
)
def test_rows_that_were_not_asked_for_are_noticed_on_the_first_page(rows):
    shown = [{"sys_updated_on": stamp, "sys_id": sys_id} for stamp, sys_id in rows]
    keyset = Keyset(True, "000000005", None, *[lambda told: None] * 3)
    with pytest.raises(Forbidden, match="full_tables"):
        list(keyset.pages(lambda asked: partial(Window, shown, len(rows)), 10, 1))


@pytest.mark.parametrize("name", ["sys_id", "sys_updated_on"])
def test_a_hidden_key_column_is_noticed(name):
    row = {"sys_id": A, "sys_updated_on": "000000009"}
    del row[name]
    keyset = Keyset(True, "", None, *[lambda told: None] * 3)
    with pytest.raises(Forbidden, match=f"{name} is not readable"):
        list(keyset.pages(lambda asked: partial(Window, [row], 1), 10, 1))
