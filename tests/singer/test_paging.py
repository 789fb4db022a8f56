"""Reading pages: in order, ahead but bounded, every row once or the read begins again."""

import threading

import pytest
from ml_connector.singer.paging import MovedError, Numbered, Page, Whole
from ml_connector.singer.prefetch import in_order


class Server:
    """Rows by page, as many as it likes per page."""

    def __init__(self, rows: int, *, cut: int = 10**9, total: bool = True, later_cut: int | None = None) -> None:
        self.rows = [{"n": n} for n in range(rows)]
        self.cut = cut
        self.later_cut = later_cut
        self.tells_total = total
        self.asked: list[int] = []

    def get(self, paging):
        number, size = paging["pageNumber"], min(paging["pageSize"], self.cut)
        self.asked.append(number)
        rows = self.rows[(number - 1) * size : number * size]
        page = Page([{**row} for row in rows], len(self.rows) if rows and self.tells_total else None)
        return lambda: page


def read(server, size=10, ahead=3):
    return [row["n"] for page in Numbered().pages(server.get, size, ahead) for row in page.rows]


@pytest.mark.parametrize("rows", [0, 1, 9, 10, 11, 20, 95, 100, 101])
@pytest.mark.parametrize("cut", [3, 10, 10**9])
@pytest.mark.parametrize("total", [True, False])
def test_every_row_once_and_in_order(rows, cut, total):
    assert read(Server(rows, cut=cut, total=total)) == list(range(rows))


def test_with_a_total_no_page_is_asked_in_vain():
    server = Server(95)
    read(server)
    assert sorted(server.asked) == list(range(1, 11))


def test_one_page_is_one_request():
    server = Server(10)
    assert read(server) == list(range(10))
    assert server.asked == [1]


def test_an_endpoint_that_ignores_the_page_number_ends():
    rows = [{"n": n} for n in range(7)]
    pages = list(Numbered().pages(lambda _: lambda: Page([{**row} for row in rows]), 10, 3))
    assert [page.rows for page in pages] == [rows]


def test_a_repeated_page_before_the_total_is_not_taken_for_progress():
    rows = [{"n": n} for n in range(7)]
    with pytest.raises(MovedError, match="repeated"):
        list(Numbered().pages(lambda _: lambda: Page([{**row} for row in rows], total=21), 10, 3))


@pytest.mark.parametrize("change", [+1, -1])
def test_a_total_that_changes_under_the_read_is_noticed(change):
    server = Server(95)
    pages = Numbered().pages(server.get, 10, 1)
    next(pages)
    server.rows = [{"n": n} for n in range(95 + change)]
    with pytest.raises(MovedError, match="95 to"):
        list(pages)


def test_rows_that_vanish_with_the_last_page_are_noticed():
    server = Server(21)
    pages = Numbered().pages(server.get, 10, 1)
    next(pages)
    del server.rows[10:]
    with pytest.raises(MovedError, match="empty"):
        list(pages)


def test_a_total_may_count_something_else_than_rows():
    batches = [{"lines": [1] * 4}, {"lines": [1] * 3}]
    pages = Numbered(weigh=lambda rows: sum(len(row["lines"]) for row in rows))
    got = list(pages.pages(lambda paging: lambda: Page([batches[paging["pageNumber"] - 1]], total=7), 4, 2))
    assert [page.rows[0] for page in got] == batches


def test_whole_asks_once_without_parameters():
    asked = []
    list(Whole().pages(lambda paging: asked.append(paging) or (lambda: Page([])), 10, 3))
    assert asked == [{}]


def test_no_more_than_so_many_pages_ahead():
    fetched, seen = [], 0
    for item in in_order(lambda n: fetched.append(n) or n, range(50), ahead=3):
        assert item == seen
        assert len(fetched) <= seen + 1 + 3
        seen += 1
    assert seen == 50


def test_pages_come_in_order_whatever_order_they_arrive_in():
    third_done = threading.Event()

    def fetch(n: int) -> int:
        if n == 0:
            assert third_done.wait(10)
        if n == 2:
            third_done.set()
        return n

    assert list(in_order(fetch, range(3), ahead=3)) == [0, 1, 2]


def test_a_fault_in_a_page_comes_at_its_turn():
    def fetch(n: int) -> int:
        return 1 // (n - 2)

    pages = in_order(fetch, range(5), ahead=4)
    assert [next(pages), next(pages)] == [-1, -1]
    with pytest.raises(ZeroDivisionError):
        next(pages)


def test_leaving_early_does_not_keep_the_process():
    stuck = threading.Event()
    pages = in_order(lambda n: n if n == 0 else stuck.wait(), range(1000), ahead=4)
    next(pages)
    pages.close()
    assert [thread.daemon for thread in threading.enumerate() if thread.name == "fetch"] == [True] * 4
    stuck.set()
