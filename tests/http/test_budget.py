"""The request budget: never earlier than the server says, never more than the cap."""

import threading

import pytest
from ml_connector.errors import OutOfPatience
from ml_connector.http import Budget

from tests.http.conftest import FakeClock


def test_a_cap_spreads_requests_over_the_hour(clock: FakeClock):
    budget = Budget(max_per_hour=2, clock=clock)
    for _ in range(4):
        with budget.slot(deadline=10_000):
            clock.passed += 1
    assert clock.slept == [3598.0]


def test_none_left_means_waiting_for_the_reset(clock: FakeClock):
    budget = Budget(clock=clock)
    budget.learn({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "17"})
    with budget.slot(deadline=100):
        assert clock.passed == 17


def test_a_reset_may_be_a_unix_time(clock: FakeClock):
    budget = Budget(clock=clock)
    budget.learn({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(clock.now().timestamp()) + 9)})
    with budget.slot(deadline=100):
        assert clock.passed == 9


@pytest.mark.parametrize("remaining", ["1", "many", "-1", ""])
def test_anything_else_left_means_going_on(clock: FakeClock, remaining: str):
    budget = Budget(clock=clock)
    budget.learn({"X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": "17"})
    with budget.slot(deadline=100):
        assert clock.slept == []


def test_a_wait_past_the_deadline_is_not_begun(clock: FakeClock):
    budget = Budget(clock=clock)
    budget.hold(400)
    with pytest.raises(OutOfPatience) as error, budget.slot(deadline=300):
        pass
    assert clock.slept == []
    assert error.value.retry_at == clock.after(400)


def test_no_more_requests_at_once_than_allowed():
    budget, inside, peak, lock = Budget(max_concurrency=3), 0, 0, threading.Lock()
    together = threading.Barrier(3)

    def work() -> None:
        nonlocal inside, peak
        with budget.slot(deadline=float("inf")):
            with lock:
                inside += 1
                peak = max(peak, inside)
            together.wait(10)  # three must be inside together for any to leave
            with lock:
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert peak == 3
